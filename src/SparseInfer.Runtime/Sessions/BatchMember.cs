using SparseInfer.Runtime;

namespace SparseInfer;

/// <summary>One session of a <see cref="SessionBatch"/>'s call: its token is held, as one that a generation chose, until the call succeeds.</summary>
internal struct BatchMember
{
    /// <summary>The session; it is entered.</summary>
    public Session Session;

    /// <summary>The token that it gets.</summary>
    public int Token;

    /// <summary>How it computes, as the call began.</summary>
    public StepOptions Step;

    /// <summary>Whether its token is computed.</summary>
    public bool IsComputed;

    private int[]? _held;

    /// <summary>Whether its token can be computed together with another's. What a meter counts, or a clock measures, is one session's own.</summary>
    public readonly bool GoesWith(in BatchMember other) =>
        GoesWithOthers && other.GoesWithOthers
        && Step.Mode == other.Step.Mode && Session.CacheType == other.Session.CacheType;

    /// <summary>Whether nothing looks at what is computed for it alone.</summary>
    public readonly bool GoesWithOthers => !Step.Metering && !Step.Timing && !Session.State.IsObserved;

    /// <summary>Puts the token after the sequence. What was held there is dropped, and remembered.</summary>
    public void Begin()
    {
        TokenSequence sequence = Session.Sequence;
        _held = sequence.Held.ToArray();
        sequence.DropHeld();
        sequence.Hold(Token);
    }

    /// <summary>Lets the token join the sequence.</summary>
    public readonly void Commit() => Session.Sequence.Give();

    /// <summary>Makes the sequence what it was.</summary>
    public readonly void Undo()
    {
        if (_held is null)
        {
            return;
        }

        try
        {
            Session.Sequence.HoldAgain(_held, Session.Sequence.Given);
        }
        catch (Exception)
        {
            // A device that is gone cannot tell what meters have counted. The caller is told of the failure that led here.
        }
    }
}
