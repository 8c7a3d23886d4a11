using SparseInfer.Runtime;

namespace SparseInfer;

/// <summary>One call of a <see cref="BatchScheduler"/>. Its <see cref="SchedulerQueue"/> guards what changes.</summary>
/// <param name="generation">What it generates; the session is taken.</param>
internal sealed class ScheduledCall(Generation generation)
{
    public Generation Generation => generation;

    public Session Session => generation.Session;

    /// <summary>Pieces that the reader has not taken yet. The sequence gets each when it is taken.</summary>
    public Queue<GenerationPiece> Unread { get; } = [];

    /// <summary>Set while the reader waits for a piece.</summary>
    public TaskCompletionSource? Arrival { get; set; }

    /// <summary>Whether nothing more is computed for it: the generation has ended or failed, or the reader has left.</summary>
    public bool IsOver { get; set; }

    /// <summary>Why it failed, which the reader is told after the last piece.</summary>
    public Exception? Failure { get; set; }

    /// <summary>Whether the loop has it: nobody else may touch the session's state.</summary>
    public bool IsInStep { get; set; }

    /// <summary>How it computes in the step that it is in.</summary>
    public StepOptions Step { get; set; }

    /// <summary>Set when the reader leaves during a step: done when the loop gives the call back.</summary>
    public TaskCompletionSource? GivenBack { get; set; }

    /// <summary>What the reader was told: null, the generation goes on.</summary>
    public ReaderEnd? End { get; set; }

    /// <summary>What meters count is what the reader got, so that nothing is computed ahead of it.</summary>
    public bool FollowsReader => Session.Metering || Session.Timing;

    /// <summary>Ends the generation; the loop does not have it. The session can be used again, and is what its reader has seen.</summary>
    public void EndGeneration()
    {
        try
        {
            bool isWhole = End == ReaderEnd.Ended && generation.Reason != StopReason.Canceled;
            GenerationReport report = isWhole ? generation.Report : generation.EndAtLastPiece();
            Session.LastGeneration = End == ReaderEnd.Failed ? null : report;
        }
        finally
        {
            Session.Leave();
        }
    }
}

/// <summary>What a reader was told of the end.</summary>
internal enum ReaderEnd
{
    /// <summary>There is no further piece.</summary>
    Ended,

    /// <summary>It has failed.</summary>
    Failed,
}
