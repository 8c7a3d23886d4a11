using System.Diagnostics;

namespace SparseInfer;

/// <summary>
/// Computes for the calls of a <see cref="BatchScheduler"/>, a step at a time: prompts that begin join their sequences; each generation that decodes gets a
/// token; a slice of one prompt is read. What fails, fails the call that it is of.
/// </summary>
internal sealed class SchedulerLoop : IThreadPoolWorkItem
{
    private readonly GroupedDecoder _decoder;
    private readonly int _promptSlice;
    private readonly List<ScheduledCall> _calls = [];
    private readonly BatchMember[] _members;
    private readonly StepMeter _meter;

    public SchedulerLoop(GroupedDecoder decoder, StepMeter meter, Device device, SchedulerOptions options)
    {
        _decoder = decoder;
        _meter = meter;
        _promptSlice = options.PromptSliceOn(device);
        _members = new BatchMember[options.MaxSessions];
        Queue = new SchedulerQueue(this, options);
    }

    /// <summary>Its calls.</summary>
    public SchedulerQueue Queue { get; }

    void IThreadPoolWorkItem.Execute()
    {
        if (!Queue.BeginStep())
        {
            return;
        }

        Begin();
        Decode();
        ReadPrompt();
        Queue.EndStep();
    }

    private void Begin()
    {
        _calls.Clear();
        Queue.TakeNew(_calls);
        foreach (ScheduledCall call in _calls)
        {
            Advance(call);
        }
    }

    private void Decode()
    {
        _calls.Clear();
        Queue.TakeDecoding(_calls);
        Span<BatchMember> members = _members.AsSpan(0, _calls.Count);
        for (int i = 0; i < members.Length; i++)
        {
            members[i] = new BatchMember { Session = _calls[i].Session, Step = _calls[i].Step };
        }

        bool metered = members.Length > 0 && _meter.Next();
        for (int i = 0; i < members.Length; i++)
        {
            if (!members[i].IsComputed)
            {
                Compute(members, _decoder.Group(members, i), metered && members[i].GoesWithOthers);
            }
        }

        // Sessions that are dropped shall be collected.
        members.Clear();
        foreach (ScheduledCall call in _calls)
        {
            Advance(call);
        }

        _calls.Clear();
    }

    private void Compute(ReadOnlySpan<BatchMember> members, ReadOnlySpan<int> group, bool metered)
    {
        long start = Stopwatch.GetTimestamp();
        try
        {
            _decoder.Run(members, group, metered);
            if (metered)
            {
                _meter.Take();
            }
        }
        catch (Exception) when (group.Length > 1)
        {
            // Each alone: one may have no room on the device, and the others may go on.
            for (int i = 0; i < group.Length; i++)
            {
                Compute(members, group.Slice(i, 1), metered: false);
            }

            return;
        }
        catch (Exception exception)
        {
            Queue.Fail(_calls[group[0]], exception);
            return;
        }

        long ticks = Stopwatch.GetTimestamp() - start;
        foreach (int i in group)
        {
            _calls[i].Generation.Decoded(ticks);
        }
    }

    private void ReadPrompt()
    {
        if (Queue.TakePrompt() is not { } call)
        {
            return;
        }

        try
        {
            call.Generation.Compute(call.Step, _promptSlice);
        }
        catch (Exception exception)
        {
            Queue.Fail(call, exception);
        }

        Advance(call);
    }

    /// <summary>Takes a generation as far as it gets without computing, and gives it back.</summary>
    private void Advance(ScheduledCall call)
    {
        try
        {
            while (call.Failure is null && call.Generation.Reason is null && call.Generation.TryAdvance(out GenerationPiece piece))
            {
                Queue.Publish(call, in piece);
            }
        }
        catch (Exception exception)
        {
            Queue.Fail(call, exception);
        }

        Queue.GiveBack(call);
    }
}
