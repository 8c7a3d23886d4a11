using System.Runtime.ExceptionServices;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// A fixed number of threads that run a job together, the caller's thread among them, and meet at barriers in it. Nothing is allocated per
/// run or barrier.
/// </summary>
/// <remarks>
/// A group of one has no threads and takes no lock: every caller runs its own job, several at once. In larger groups, callers wait for one
/// another.
/// </remarks>
public sealed class WorkerGroup : IDisposable
{
    [ThreadStatic]
    private static WorkerGroup? _current;

    private readonly Thread[] _threads;
    private readonly Lock _callers = new();
    private readonly Phase _start;
    private readonly Phase _finish;
    private readonly Phase _meeting;
    private IWorkerJob? _job;
    private ExceptionDispatchInfo? _failure;
    private volatile bool _failed;
    private volatile bool _disposed;
    private int _arrived;
    private int _running;

    /// <summary>Starts the group's threads.</summary>
    /// <param name="count">Number of workers, the caller included.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="count"/> is not positive.</exception>
    public WorkerGroup(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        bool oversubscribed = count > Environment.ProcessorCount;
        _start = new Phase(oversubscribed);
        _finish = new Phase(oversubscribed);
        _meeting = new Phase(oversubscribed);
        _threads = new Thread[count - 1];
        int start = _start.Value;
        for (int i = 0; i < _threads.Length; i++)
        {
            int worker = i + 1;
            _threads[i] = new Thread(() => Work(worker, start)) { IsBackground = true, Name = $"SparseInfer worker {worker}" };
            _threads[i].Start();
        }
    }

    /// <summary>Number of workers, the caller included.</summary>
    public int Count => _threads.Length + 1;

    /// <summary>
    /// The part of a total that falls to one of several: parts differ by at most one <paramref name="multiple"/>, follow one another and
    /// cover the total exactly once. Parts may be empty.
    /// </summary>
    /// <param name="total">Number of things to share out.</param>
    /// <param name="parts">Number of parts.</param>
    /// <param name="index">Which part.</param>
    /// <param name="multiple">What every part but the last begins and ends at a multiple of.</param>
    public static (int From, int To) Slice(int total, int parts, int index, int multiple)
    {
        long units = ((long)total + multiple - 1) / multiple;
        return ((int)Math.Min(units * index / parts * multiple, total), (int)Math.Min(units * (index + 1) / parts * multiple, total));
    }

    /// <summary>Runs a job on every worker and returns when all are done.</summary>
    /// <param name="job">The job; its <see cref="IWorkerJob.Execute"/> is called once for each worker.</param>
    /// <exception cref="InvalidOperationException">The caller is in a job of this group.</exception>
    /// <exception cref="ObjectDisposedException">The group has been disposed of.</exception>
    /// <remarks>What a worker throws is thrown here, the first if there are several, when all workers have ended.</remarks>
    public void Run(IWorkerJob job)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_threads.Length == 0)
        {
            job.Execute(0);
            return;
        }
        WorkerGroup? outer = _current;
        if (outer == this)
            throw new InvalidOperationException("A job cannot run another on its own group: its workers are busy with it.");

        lock (_callers)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            int finish = _finish.Value;
            _job = job;
            _running = _threads.Length;
            _start.Advance();
            _current = this;
            Execute(job, 0);
            _current = outer;
            _finish.WaitWhile(finish);

            _job = null;
            if (_failed)
                ThrowFailure();
        }
    }

    /// <summary>
    /// Waits, inside a job, until every worker of the group has come here; what any of them wrote before, all of them see after. Every
    /// worker must come the same number of times.
    /// </summary>
    /// <exception cref="OperationCanceledException">
    /// Another worker failed and will not come; <see cref="Run"/> throws what it threw.
    /// </exception>
    public void Barrier()
    {
        if (_threads.Length == 0)
            return;
        int meeting = _meeting.Value;
        ThrowIfFailed();
        if (Interlocked.Increment(ref _arrived) == Count)
        {
            _arrived = 0;
            _meeting.Advance();
            return;
        }
        _meeting.WaitWhile(meeting);
        ThrowIfFailed();
    }

    /// <summary>Ends the threads, after the job that is running, and waits for them. Not to be called from a job.</summary>
    public void Dispose()
    {
        lock (_callers)
        {
            if (_disposed)
                return;
            _disposed = true;
            _start.Advance();
        }
        foreach (Thread thread in _threads)
            thread.Join();
    }

    private void Work(int worker, int start)
    {
        _current = this;
        while (true)
        {
            _start.WaitWhile(start);
            if (_disposed)
                return;
            start++;
            Execute(_job!, worker);
            if (Interlocked.Decrement(ref _running) == 0)
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
            throw new OperationCanceledException("Another worker of the group failed.");
    }

    private void ThrowFailure()
    {
        ExceptionDispatchInfo failure = _failure!;
        _failure = null;
        _failed = false;
        _arrived = 0;
        failure.Throw();
    }
}
