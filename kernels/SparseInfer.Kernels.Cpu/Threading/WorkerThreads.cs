using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// The threads of a <see cref="WorkerGroup"/> and where they meet. A running thread is never collected, nor is what it refers to: so that a
/// group which nobody holds any more can be, and end its threads, these refer to this alone.
/// </summary>
internal sealed class WorkerThreads
{
    /// <summary>Whose job the thread is in, the caller's threads included.</summary>
    [ThreadStatic]
    private static WorkerThreads? _current;

    private readonly Thread[] _threads;
    private readonly Lock _callers = new();
    private readonly Phase _start;
    private readonly Phase _finish;
    private readonly Phase _meeting;
    private IWorkerJob? _job;
    private ExceptionDispatchInfo? _failure;
    private volatile bool _failed;
    private volatile bool _stopped;
    private bool _interrupted;
    private int _arrived;
    private int _running;

    /// <summary>Starts the threads of workers 1 to <paramref name="count"/> - 1.</summary>
    public WorkerThreads(int count)
    {
        bool oversubscribed = count > Environment.ProcessorCount;
        _start = new Phase(oversubscribed);
        _finish = new Phase(oversubscribed);
        _meeting = new Phase(oversubscribed);
        _threads = new Thread[count - 1];
        int start = _start.Value;
        try
        {
            for (int i = 0; i < _threads.Length; i++)
            {
                int worker = i + 1;
                _threads[i] = new Thread(() => Work(worker, start)) { IsBackground = true, Name = $"SparseInfer worker {worker}" };
                _threads[i].Start();
            }
        }
        catch
        {
            Stop();
            throw;
        }
    }

    public int Count => _threads.Length + 1;

    public bool IsInJob => _current == this;

    /// <exception cref="InvalidOperationException">The thread is in a job of these threads.</exception>
    public void RequireOutside(string message)
    {
        if (IsInJob)
        {
            throw new InvalidOperationException(message);
        }
    }

    /// <summary>Runs a job on every worker. Returns, or throws, when all of them are done, whatever happens to the calling thread.</summary>
    /// <exception cref="ObjectDisposedException">The threads have been stopped.</exception>
    public void Run(IWorkerJob job)
    {
        bool interrupted = Uninterruptible.Enter(_callers);
        ExceptionDispatchInfo? failure;
        try
        {
            ObjectDisposedException.ThrowIf(_stopped, typeof(WorkerGroup));
            WorkerThreads? outer = _current;
            int finish = _finish.Value;
            _job = job;
            _running = _threads.Length;
            _current = this;
            try
            {
                _start.Advance();
                Execute(job, 0);
            }
            finally
            {
                interrupted |= _finish.WaitWhile(finish) | _interrupted;
                failure = _failure;
                _current = outer;
                _job = null;
                _failure = null;
                _failed = false;
                _interrupted = false;
                _arrived = 0;
            }
        }
        finally
        {
            _callers.Exit();
            Uninterruptible.Raise(interrupted);
        }

        failure?.Throw();
    }

    /// <summary>Waits until every worker is here.</summary>
    /// <exception cref="OperationCanceledException">Another worker failed.</exception>
    public void Barrier()
    {
        int meeting = _meeting.Value;
        ThrowIfFailed();
        if (Interlocked.Increment(ref _arrived) == Count)
        {
            _arrived = 0;
            _meeting.Advance();
            return;
        }

        // The caller's thread is told when the run is over; a worker's is nobody's to interrupt.
        if (_meeting.WaitWhile(meeting) && !IsWorker)
        {
            _interrupted = true;
        }

        ThrowIfFailed();
    }

    /// <summary>Ends the threads after the job that is running, and waits for them.</summary>
    public void StopAndWait()
    {
        bool interrupted = Uninterruptible.Enter(_callers);
        Stop();
        _callers.Exit();
        foreach (Thread thread in _threads)
        {
            interrupted |= Uninterruptible.Join(thread);
        }

        Uninterruptible.Raise(interrupted);
    }

    /// <summary>Tells the threads to end. No job may be running.</summary>
    public void Stop()
    {
        _stopped = true;
        _start.Advance();
    }

    private bool IsWorker => Array.IndexOf(_threads, Thread.CurrentThread) >= 0;

    private void Work(int worker, int start)
    {
        _current = this;
        while (true)
        {
            _start.WaitWhile(start);
            if (_stopped)
            {
                return;
            }

            start++;
            ExecuteCurrent(worker);
        }
    }

    /// <summary>In a frame of its own: that of <see cref="Work"/> lives on, and must not keep a job that is over.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void ExecuteCurrent(int worker)
    {
        Execute(_job!, worker);
        if (Interlocked.Decrement(ref _running) == 0)
        {
            _finish.Advance();
        }
    }

    private void Execute(IWorkerJob job, int worker)
    {
        try
        {
            job.Execute(worker);
        }
        catch (Exception exception)
        {
            // The first failure is the cause; what the others throw at a barrier follows from it.
            Interlocked.CompareExchange(ref _failure, ExceptionDispatchInfo.Capture(exception), null);
            _failed = true;
            _meeting.Advance();
        }
    }

    private void ThrowIfFailed()
    {
        if (_failed)
        {
            throw new OperationCanceledException("Another worker of the group failed.");
        }
    }
}
