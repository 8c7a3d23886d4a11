namespace SparseInfer;

public sealed partial class SessionBatch
{
    private void Compute(Span<BatchMember> members)
    {
        for (int i = 0; i < members.Length; i++)
        {
            RequireRoom(members[i].Session, i);
        }

        _count = 0;
        try
        {
            foreach (ref BatchMember member in members)
            {
                member.Step = member.Session.Step;
                member.Begin();
            }

            for (int i = 0; i < members.Length; i++)
            {
                CatchUp(members, i);
            }

            for (int i = 0; i < members.Length; i++)
            {
                if (!members[i].IsComputed)
                {
                    ComputeGroup(members, i);
                }
            }

            // While they are entered: what is fetched then is of this call.
            for (int i = 0; i < members.Length; i++)
            {
                members[i].Session.State.LastLogits.CopyTo(LogitsOf(i));
            }
        }
        catch
        {
            foreach (ref BatchMember member in members)
            {
                member.Undo();
            }

            throw;
        }

        foreach (ref BatchMember member in members)
        {
            member.Commit();
        }

        _count = members.Length;
    }

    /// <summary>Computes what the sequence has before its new token.</summary>
    private void CatchUp(ReadOnlySpan<BatchMember> members, int index)
    {
        TokenSequence sequence = members[index].Session.Sequence;
        while (!sequence.LacksOnlyTheLast)
        {
            ThrowIfDisposed(members, index);
            sequence.ComputeNext(members[index].Step, []);
        }
    }

    /// <summary>Computes the tokens of a session and of all after it that go with it.</summary>
    private void ComputeGroup(Span<BatchMember> members, int first)
    {
        ReadOnlySpan<int> group = _decoder.Group(members, first);
        foreach (int i in group)
        {
            ThrowIfDisposed(members, i);
        }

        _decoder.Run(members, group);
    }

    private static void RequireRoom(Session session, int index)
    {
        if (session.Position == session.Context)
        {
            throw new InvalidOperationException(
                $"sessions[{index}] has no room for one more token: its {session.Context} are in use. Leave it out, rewind it, or ask for a longer SessionOptions.Context.");
        }
    }

    private void ThrowIfDisposed(ReadOnlySpan<BatchMember> members, int index)
    {
        ThrowIfDisposed();
        if (members[index].Session.IsDisposed)
        {
            throw Disposed(index);
        }
    }
}
