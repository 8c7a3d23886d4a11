using SparseInfer.Runtime;

namespace SparseInfer;

/// <summary>How a <see cref="BatchScheduler"/> shares a model out.</summary>
public sealed record SchedulerOptions
{
    /// <summary>Most sessions at a time: those that get a token in one step, and the one whose prompt is read. 1 to 16.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is not 1 to 16.</exception>
    public int MaxSessions { get; init => field = Require(value, 1, DecoderBatch.MaxStates, nameof(MaxSessions)); } = DecoderBatch.MaxStates;

    /// <summary>
    /// Most generations beside <see cref="MaxSessions"/>: those that wait for their start, and those that wait for their readers. A call that
    /// would be one more fails at once with <see cref="SchedulerFullException"/>.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is negative.</exception>
    public int MaxQueued { get; init => field = Require(value, 0, int.MaxValue, nameof(MaxQueued)); } = 64;

    /// <summary>
    /// Most tokens of a prompt between two steps of decoding, at least 1; null: 32 on the CPU, 64 on GPUs. Smaller ones let running generations go
    /// on sooner while a prompt is read; larger ones read prompts faster, up to there. It changes no result.
    /// </summary>
    /// <remarks>A GPU multiplies tiles of 64 tokens, and takes as long for part of one. On the CPU the time of a token is about the same from 32 tokens on.</remarks>
    /// <exception cref="ArgumentOutOfRangeException">It is not positive.</exception>
    public int? PromptSlice { get; init => field = value is { } tokens ? Require(tokens, 1, int.MaxValue, nameof(PromptSlice)) : null; }

    /// <summary>
    /// Most pieces of text that a generation is ahead of its reader, at least 1; then it waits, and the others go on. What a reader who stops
    /// has not read is computed for nothing.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is not positive.</exception>
    public int ReadAhead { get; init => field = Require(value, 1, int.MaxValue, nameof(ReadAhead)); } = 8;

    /// <summary>
    /// Meter one of so many steps of decoding, for <see cref="BatchScheduler.ReadMetrics"/>; null: none. A metered step computes what was skipped too, to judge it, and takes as
    /// long as a dense one or two. It changes no result. On the CPU.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is not positive.</exception>
    public int? MeterEvery { get; init => field = value is { } steps ? Require(steps, 1, int.MaxValue, nameof(MeterEvery)) : null; }

    /// <summary>Every property, in the invariant culture.</summary>
    public override string ToString() => RecordText.Of(
        nameof(SchedulerOptions),
        (nameof(MaxSessions), MaxSessions),
        (nameof(MaxQueued), MaxQueued),
        (nameof(PromptSlice), PromptSlice),
        (nameof(ReadAhead), ReadAhead),
        (nameof(MeterEvery), MeterEvery));

    /// <summary><see cref="PromptSlice"/>, or a device's own.</summary>
    internal int PromptSliceOn(Device device) => PromptSlice ?? (device is CpuDevice ? 32 : 64);

    private static int Require(int value, int least, int most, string name) =>
        value >= least && value <= most
            ? value
            : throw new ArgumentOutOfRangeException(name, value, $"{name} must be {(most == int.MaxValue ? $"at least {least}" : $"{least} to {most}")}.");
}
