using System.Runtime.ExceptionServices;

namespace SparseInfer;

/// <summary>
/// The calls of a <see cref="BatchScheduler"/>: who waits, whose turn it is, and what readers have not taken yet. Computes nothing; puts the loop on
/// the thread pool while there is something to compute, and only then. Safe for several threads.
/// </summary>
/// <param name="loop">What computes.</param>
/// <param name="options">The bounds.</param>
internal sealed partial class SchedulerQueue(IThreadPoolWorkItem loop, SchedulerOptions options)
{
    private readonly object _gate = new();

    /// <summary>Calls that were not begun, the earliest first.</summary>
    private readonly List<ScheduledCall> _waiting = [];

    /// <summary>Calls that were begun and are not over, the one whose turn is next first.</summary>
    private readonly List<ScheduledCall> _running = [];

    /// <summary>Calls whose readers have not left, those included whose prompts are tokenized.</summary>
    private int _calls;

    /// <summary>Whether the loop is on the pool.</summary>
    private bool _isOnPool;
    private bool _isInStep;
    private bool _isClosed;

    /// <summary>Set where somebody waits for the end of the last step.</summary>
    private TaskCompletionSource? _lastStep;

    public int Waiting
    {
        get
        {
            lock (_gate)
            {
                return _waiting.Count;
            }
        }
    }

    public int Running
    {
        get
        {
            lock (_gate)
            {
                return _running.Count;
            }
        }
    }

    public bool IsIdle
    {
        get
        {
            lock (_gate)
            {
                return !_isOnPool;
            }
        }
    }

    /// <summary>Keeps a place for a call, which must <see cref="Join"/> or <see cref="GiveUpPlace"/>.</summary>
    /// <exception cref="SchedulerFullException">There is none.</exception>
    /// <exception cref="ObjectDisposedException">It is closed.</exception>
    public void TakePlace()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isClosed, typeof(BatchScheduler));
            if (_calls >= (long)options.MaxSessions + options.MaxQueued)
            {
                throw new SchedulerFullException(
                    $"The scheduler is full: {_calls} generations run or wait, which is SchedulerOptions.MaxSessions = {options.MaxSessions} and MaxQueued = {options.MaxQueued}. "
                    + "Call again when one has ended, or make a scheduler with a larger MaxQueued.");
            }

            _calls++;
        }
    }

    /// <summary>The place of a call that did not join, or whose generation has ended.</summary>
    public void GiveUpPlace()
    {
        lock (_gate)
        {
            _calls--;
        }
    }

    /// <summary>Puts a call at the end of those that wait.</summary>
    public void Join(ScheduledCall call)
    {
        lock (_gate)
        {
            if (_isClosed)
            {
                SetFailure(call, Closed());
                return;
            }

            _waiting.Add(call);
            Wake();
        }
    }

    /// <summary>The next piece for a call's reader, which the sequence then has.</summary>
    /// <param name="call">The call.</param>
    /// <param name="cancellationToken">The reader's.</param>
    /// <param name="next">The piece, whose text may be empty; null: there is none, any more or yet.</param>
    /// <returns>Null; or, where the reader must wait, what is done when it shall ask again.</returns>
    public Task? Take(ScheduledCall call, CancellationToken cancellationToken, out GenerationPiece? next)
    {
        lock (_gate)
        {
            next = null;
            if (call.Session.IsDisposed)
            {
                call.End = ReaderEnd.Failed;
                call.Session.ThrowIfDisposed();
            }

            if (!call.IsOver || call.Unread.Count > 0)
            {
                cancellationToken.ThrowIfCancellationRequested();
            }

            if (call.Unread.TryDequeue(out GenerationPiece piece))
            {
                call.Generation.HandOut(in piece);
                next = piece;
                WakeFor(call);
                return null;
            }

            if (call.Failure is { } failure)
            {
                call.End = ReaderEnd.Failed;
                ExceptionDispatchInfo.Throw(failure);
            }

            if (call.IsOver)
            {
                call.End = ReaderEnd.Ended;
                return null;
            }

            call.Arrival ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            WakeFor(call);
            return call.Arrival.Task;
        }
    }

    /// <summary>Takes a call out; done when the loop does not have it.</summary>
    public Task RemoveAsync(ScheduledCall call)
    {
        lock (_gate)
        {
            call.IsOver = true;
            if (call.IsInStep)
            {
                call.GivenBack = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                return call.GivenBack.Task;
            }

            _running.Remove(call);
            _waiting.Remove(call);
            return Task.CompletedTask;
        }
    }

    /// <summary>Fails all calls and lets none join any more.</summary>
    /// <returns>Done when the loop has ended.</returns>
    public Task CloseAsync()
    {
        lock (_gate)
        {
            if (!_isClosed)
            {
                _isClosed = true;
                _running.ForEach(call => SetFailure(call, Closed()));
                _waiting.ForEach(call => SetFailure(call, Closed()));
                _running.Clear();
                _waiting.Clear();
            }

            return _isInStep
                ? (_lastStep ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task
                : Task.CompletedTask;
        }
    }

    /// <summary>As <see cref="CloseAsync"/>, and waits.</summary>
    public void Close()
    {
        _ = CloseAsync();
        lock (_gate)
        {
            while (_isInStep)
            {
                Monitor.Wait(_gate);
            }
        }
    }

    /// <summary>After its reader took a piece, or waits for one.</summary>
    private void WakeFor(ScheduledCall call)
    {
        if (IsRunnable(call))
        {
            Wake();
        }
    }

    private void Wake()
    {
        if (!_isOnPool && !_isClosed)
        {
            _isOnPool = true;
            ThreadPool.UnsafeQueueUserWorkItem(loop, preferLocal: false);
        }
    }

    private static void SetFailure(ScheduledCall call, Exception failure)
    {
        call.Failure ??= failure;
        call.IsOver = true;
        Arrive(call);
    }

    private static void Arrive(ScheduledCall call)
    {
        call.Arrival?.TrySetResult();
        call.Arrival = null;
    }

    private static ObjectDisposedException Closed() =>
        new(nameof(BatchScheduler), "The scheduler was disposed of before the generation ended. The session can be used on.");
}
