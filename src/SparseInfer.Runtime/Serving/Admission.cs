namespace SparseInfer.Serving;

/// <summary>Who is computed, and who waits: a bounded queue, first come, first served. Safe for several threads.</summary>
/// <param name="options">The bounds.</param>
internal sealed class Admission(ModelServiceOptions options)
{
    /// <summary>How much the last answer's time counts for the next estimate.</summary>
    private const double Newest = 0.2;

    private readonly object _gate = new();

    /// <summary>Those that wait, the earliest first. One that has its turn is not in it any more.</summary>
    private readonly LinkedList<TaskCompletionSource> _waiting = [];
    private int _taken;
    private int _running;
    private bool _isClosed;

    /// <summary>Done when it is closed and nobody is left.</summary>
    private TaskCompletionSource? _empty;

    /// <summary>How long an answer is computed, in seconds; 0: none was yet.</summary>
    private double _seconds;

    /// <summary>How many are computed, and how many wait: those included whose prompts are tokenized.</summary>
    public (int Running, int Waiting) Counts
    {
        get
        {
            lock (_gate)
            {
                return (_running, _taken - _running);
            }
        }
    }

    /// <summary>Takes a place, which must be <see cref="GiveUpPlace">given up</see>.</summary>
    /// <exception cref="ServiceBusyException">There is none.</exception>
    /// <exception cref="ServiceStoppedException">It is closed.</exception>
    public void TakePlace()
    {
        lock (_gate)
        {
            if (_isClosed)
            {
                throw new ServiceStoppedException("The service was stopped: it takes no more requests.");
            }

            if (_taken >= (long)options.MaxRunning + options.MaxQueued)
            {
                throw Busy($"The service is busy: {_running} requests run and {_taken - _running} wait, as many as ModelServiceOptions.MaxQueued = {options.MaxQueued} allows.");
            }

            _taken++;
        }
    }

    /// <summary>The place of a request that has ended.</summary>
    public void GiveUpPlace()
    {
        lock (_gate)
        {
            _taken--;
            if (_isClosed && _taken == 0)
            {
                _empty?.TrySetResult();
            }
        }
    }

    /// <summary>Waits for a turn, which must be <see cref="EndTurn">ended</see>.</summary>
    /// <exception cref="OperationCanceledException">It was canceled.</exception>
    /// <exception cref="ServiceBusyException">It took longer than <see cref="ModelServiceOptions.QueueTimeLimit"/>.</exception>
    public async Task WaitAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        LinkedListNode<TaskCompletionSource> place;
        lock (_gate)
        {
            if (_running < options.MaxRunning && _waiting.Count == 0)
            {
                _running++;
                return;
            }

            place = _waiting.AddLast(new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        }

        try
        {
            await place.Value.Task.WaitAsync(options.QueueTimeLimit ?? Timeout.InfiniteTimeSpan, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            lock (_gate)
            {
                if (place.List is null)
                {
                    // Its turn came at the same moment, and is another's.
                    PassOn();
                }
                else
                {
                    _waiting.Remove(place);
                }

                if (exception is TimeoutException)
                {
                    throw Busy($"The service is busy: the request waited for ModelServiceOptions.QueueTimeLimit = {options.QueueTimeLimit}, and {_running} requests still run.");
                }
            }

            throw;
        }
    }

    /// <summary>Ends a turn: the next one has it.</summary>
    /// <param name="time">How long it was; null: it says nothing about others, since it was broken off.</param>
    public void EndTurn(TimeSpan? time)
    {
        lock (_gate)
        {
            if (time is { TotalSeconds: double seconds })
            {
                _seconds = _seconds == 0 ? seconds : _seconds + (Newest * (seconds - _seconds));
            }

            PassOn();
        }
    }

    /// <summary>Takes nobody in any more.</summary>
    /// <returns>Done when nobody is left.</returns>
    public Task CloseAsync()
    {
        lock (_gate)
        {
            _isClosed = true;
            _empty ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            if (_taken == 0)
            {
                _empty.TrySetResult();
            }

            return _empty.Task;
        }
    }

    private void PassOn()
    {
        if (_waiting.First is { } next)
        {
            _waiting.RemoveFirst();
            next.Value.SetResult();
        }
        else
        {
            _running--;
        }
    }

    /// <summary>All that wait have to begin, and one more to end, before there is a place again.</summary>
    private ServiceBusyException Busy(string what)
    {
        double seconds = Math.Clamp(Math.Ceiling(_seconds * (_taken - _running + 1) / options.MaxRunning), 1, 60);
        return new ServiceBusyException($"{what} Try again in {seconds:0} s.", TimeSpan.FromSeconds(seconds));
    }
}
