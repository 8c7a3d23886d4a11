namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// A fixed number of threads that run a job together, the caller's thread among them, and meet at barriers in it. Nothing is allocated per
/// run or barrier.
/// </summary>
/// <remarks>
/// A group of one has no threads and takes no lock: every caller runs its own job, several at once. In larger groups, callers wait for one
/// another. A group that nobody holds any more ends its threads when it is collected.
/// </remarks>
public sealed class WorkerGroup : IDisposable
{
    /// <summary>Null in a group of one.</summary>
    private readonly WorkerThreads? _threads;
    private volatile bool _disposed;

    /// <summary>Starts the group's threads.</summary>
    /// <param name="count">Number of workers, the caller included.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="count"/> is not positive.</exception>
    public WorkerGroup(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        Count = count;
        if (count > 1)
        {
            _threads = new WorkerThreads(count);
        }
        else
        {
            GC.SuppressFinalize(this);
        }
    }

    /// <summary>Ends the threads of a group that nobody disposed. None is in a job: a run keeps its group.</summary>
    ~WorkerGroup() => _threads?.Stop();

    /// <summary>Number of workers, the caller included.</summary>
    public int Count { get; }

    /// <summary>Whether the calling thread is in a job of this group.</summary>
    internal bool IsInJob => _threads?.IsInJob ?? false;

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
    /// <remarks>
    /// What a worker throws is thrown here, the first if there are several, when all workers have ended. <see cref="Thread.Interrupt"/> does
    /// not end a run: a caller that is interrupted meanwhile is interrupted again when the run is over, so that its next wait throws.
    /// </remarks>
    public void Run(IWorkerJob job)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_threads is null)
        {
            job.Execute(0);
            return;
        }

        _threads.RequireOutside("A job cannot run another on its own group: its workers are busy with it.");
        _threads.Run(job);
        GC.KeepAlive(this);
    }

    /// <summary>
    /// Waits, inside a job, until every worker of the group has come here; what any of them wrote before, all of them see after. Every
    /// worker must come the same number of times.
    /// </summary>
    /// <exception cref="OperationCanceledException">
    /// Another worker failed and will not come; <see cref="Run"/> throws what it threw.
    /// </exception>
    public void Barrier() => _threads?.Barrier();

    /// <summary>Ends the threads, after the job that is running, and waits for them.</summary>
    /// <exception cref="InvalidOperationException">The caller is in a job of this group.</exception>
    public void Dispose()
    {
        _threads?.RequireOutside("A job cannot dispose of its own group: its workers are busy with it.");
        _disposed = true;
        _threads?.StopAndWait();
        GC.SuppressFinalize(this);
    }
}
