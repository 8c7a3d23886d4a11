using SparseInfer.Runtime;

namespace SparseInfer;

/// <summary>
/// Computes the last token of several sequences: those that can be decoded together in one run, where the program has kernels for it, and the others
/// alone. Keeps the program's weights. Not for several threads at once.
/// </summary>
/// <param name="lease">A share of the program's weights; given back with this.</param>
/// <param name="together">Null where sequences are computed one after the other.</param>
/// <param name="maxSessions">Most sequences at once.</param>
internal sealed class GroupedDecoder(ProgramLease lease, DecoderBatch? together, int maxSessions) : IDisposable
{
    private readonly int[] _group = new int[maxSessions];
    private readonly DecoderState[] _states = new DecoderState[maxSessions];
    private readonly int[] _tokens = new int[maxSessions];

    /// <summary>Null where sequences are computed one after the other.</summary>
    public DecoderBatch? Together => together;

    /// <summary>Puts a member, and all after it that go with it and are in no group yet, in a group.</summary>
    /// <param name="members">All; each is marked as computed that is in a group.</param>
    /// <param name="first">The first of the group.</param>
    /// <returns>Their indices, until the next call.</returns>
    public ReadOnlySpan<int> Group(Span<BatchMember> members, int first)
    {
        int count = 0;
        for (int i = first; i < members.Length; i++)
        {
            ref BatchMember member = ref members[i];
            if (i == first || (together is not null && !member.IsComputed && member.GoesWith(in members[first])))
            {
                member.IsComputed = true;
                _group[count++] = i;
            }
        }

        return _group.AsSpan(0, count);
    }

    /// <summary>
    /// Computes the last token of each of a group, the only one of its sequence that is not computed yet. Where it fails, sequences are what they were.
    /// </summary>
    /// <param name="members">All.</param>
    /// <param name="group">Indices of those that go together.</param>
    /// <param name="metered">Whether the meters of <see cref="Together"/> run, which must be there.</param>
    public void Run(ReadOnlySpan<BatchMember> members, ReadOnlySpan<int> group, bool metered = false)
    {
        if (group.Length == 1 && !metered)
        {
            ref readonly BatchMember member = ref members[group[0]];
            member.Session.Sequence.ComputeNext(member.Step, []);
            return;
        }

        try
        {
            for (int i = 0; i < group.Length; i++)
            {
                Session session = members[group[i]].Session;
                _states[i] = session.State;
                _tokens[i] = session.Sequence.ComputeLast();
            }

            together!.Metering |= metered;
            together.Run(_states.AsSpan(0, group.Length), _tokens.AsSpan(0, group.Length), members[group[0]].Step);
        }
        finally
        {
            // A batch of a user's own has meters of its own.
            together!.Metering &= !metered;

            // Sessions that are dropped shall be collected.
            Array.Clear(_states);
        }

        foreach (int i in group)
        {
            members[i].Session.Sequence.ComputedLast();
        }
    }

    /// <summary>Frees the buffers.</summary>
    public void Dispose()
    {
        try
        {
            together?.Dispose();
        }
        finally
        {
            lease.Dispose();
        }
    }
}
