namespace SparseInfer;

/// <content>What the loop asks for, and tells.</content>
internal sealed partial class SchedulerQueue
{
    /// <summary>Begins a step, which it must <see cref="EndStep"/>.</summary>
    /// <returns>False: it has ended.</returns>
    public bool BeginStep()
    {
        lock (_gate)
        {
            _isOnPool = _isInStep = !_isClosed;
            return _isInStep;
        }
    }

    /// <summary>Ends a step. The next one goes to the end of the pool's queue, so that readers get their turn on the smallest machine.</summary>
    public void EndStep()
    {
        lock (_gate)
        {
            _isInStep = _isOnPool = false;
            _lastStep?.TrySetResult();
            Monitor.PulseAll(_gate);
            if (_waiting.Count > 0 || _running.Exists(IsRunnable))
            {
                Wake();
            }
        }
    }

    /// <summary>The calls that begin now. As each, until <see cref="GiveBack"/>.</summary>
    public void TakeNew(List<ScheduledCall> calls)
    {
        lock (_gate)
        {
            foreach (ScheduledCall call in _waiting)
            {
                if (call.Session.IsDisposed)
                {
                    SetFailure(call, new ObjectDisposedException(nameof(Session)));
                }
            }

            _waiting.RemoveAll(call => call.IsOver);
            int room = options.MaxSessions;
            foreach (ScheduledCall call in _running)
            {
                room -= IsRunnable(call) ? 1 : 0;
            }

            int begun = Math.Clamp(room, 0, _waiting.Count);
            calls.AddRange(_waiting.GetRange(0, begun));
            _waiting.RemoveRange(0, begun);
            calls.ForEach(TakeTurn);
        }
    }

    /// <summary>The calls that get a token now.</summary>
    public void TakeDecoding(List<ScheduledCall> calls)
    {
        lock (_gate)
        {
            for (int i = 0; i < _running.Count && calls.Count < options.MaxSessions; i++)
            {
                if (IsRunnable(_running[i]) && _running[i].Generation.NeedsDecoding)
                {
                    calls.Add(_running[i]);
                }
            }

            calls.ForEach(TakeTurn);
        }
    }

    /// <summary>The call whose prompt is read on now; null: there is none.</summary>
    public ScheduledCall? TakePrompt()
    {
        lock (_gate)
        {
            ScheduledCall? next = _running.Find(call => IsRunnable(call) && !call.Generation.NeedsDecoding);
            if (next is not null)
            {
                TakeTurn(next);
            }

            return next;
        }
    }

    /// <summary>A piece of a call.</summary>
    public void Publish(ScheduledCall call, in GenerationPiece piece)
    {
        lock (_gate)
        {
            if (!piece.IsNothing)
            {
                call.Unread.Enqueue(piece);
                Arrive(call);
            }
        }
    }

    /// <summary>A call's generation has failed.</summary>
    public void Fail(ScheduledCall call, Exception failure)
    {
        lock (_gate)
        {
            SetFailure(call, failure);
        }
    }

    /// <summary>It does not have a call any more.</summary>
    public void GiveBack(ScheduledCall call)
    {
        lock (_gate)
        {
            call.IsInStep = false;
            if (call.Generation.Reason is not null && !call.IsOver)
            {
                call.IsOver = true;
                Arrive(call);
            }

            if (call.IsOver)
            {
                _running.Remove(call);
            }

            call.GivenBack?.TrySetResult();
        }
    }

    /// <summary>The loop has it, and its next turn is after those of all others.</summary>
    private void TakeTurn(ScheduledCall call)
    {
        call.IsInStep = true;
        call.Step = call.Session.Step;
        _running.Remove(call);
        _running.Add(call);
    }

    private bool IsRunnable(ScheduledCall call) =>
        !call.IsOver && (call.FollowsReader ? call.Arrival is not null : call.Unread.Count < options.ReadAhead);
}
