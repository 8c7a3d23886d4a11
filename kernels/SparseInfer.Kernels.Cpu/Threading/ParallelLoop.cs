using System.Runtime.ExceptionServices;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// A loop that pool threads help with. In contrast to <see cref="Parallel"/> it never ends before they do, not even where the calling thread
/// is interrupted: what they write to may be freed right after it.
/// </summary>
internal static class ParallelLoop
{
    /// <summary>Runs a body for every index of a range, several at once, in any order.</summary>
    /// <param name="from">The first index.</param>
    /// <param name="to">Behind the last.</param>
    /// <param name="body">What to do.</param>
    /// <exception cref="Exception">What the body threw, for the lowest index if there are several. No index is begun after that.</exception>
    public static void For(int from, int to, Action<int> body) => For(from, to, static () => 0, (index, _) => body(index));

    /// <summary>Runs a body for every index of a range, with something that each thread makes once.</summary>
    /// <param name="from">The first index.</param>
    /// <param name="to">Behind the last.</param>
    /// <param name="local">Makes what a thread needs: memory to work in.</param>
    /// <param name="body">What to do.</param>
    /// <exception cref="Exception">As above.</exception>
    public static void For<T>(int from, int to, Func<T> local, Action<int, T> body)
    {
        var loop = new Loop<T>(from, to, local, body);
        for (int helpers = Math.Min(Environment.ProcessorCount, to - from) - 1; helpers > 0; helpers--)
        {
            ThreadPool.UnsafeQueueUserWorkItem(loop, preferLocal: false);
        }

        loop.RunToTheEnd();
    }

    private sealed class Loop<T>(int from, int to, Func<T> local, Action<int, T> body) : IThreadPoolWorkItem
    {
        private readonly object _gate = new();
        private long _next = from;
        private int _helping;
        private bool _over;
        private int _failedAt = int.MaxValue;
        private ExceptionDispatchInfo? _failure;

        void IThreadPoolWorkItem.Execute()
        {
            // Whoever comes late is not waited for.
            if (!Change(helping: 1))
            {
                return;
            }

            Work();
            Change(helping: -1);
        }

        public void RunToTheEnd()
        {
            Work();
            bool interrupted = Uninterruptible.Enter(_gate);
            _over = true;
            while (_helping > 0)
            {
                interrupted |= Uninterruptible.Wait(_gate);
            }

            Monitor.Exit(_gate);
            Uninterruptible.Raise(interrupted);
            _failure?.Throw();
        }

        private bool Change(int helping)
        {
            Uninterruptible.Enter(_gate);
            bool inTime = !_over || helping < 0;
            _helping += inTime ? helping : 0;
            if (_helping == 0)
            {
                Monitor.Pulse(_gate);
            }

            Monitor.Exit(_gate);
            return inTime;
        }

        private void Work()
        {
            long index = from;
            try
            {
                T mine = local();
                while ((index = Interlocked.Increment(ref _next) - 1) < to)
                {
                    body((int)index, mine);
                }
            }
            catch (Exception exception)
            {
                Fail((int)index, exception);
            }
        }

        private void Fail(int index, Exception exception)
        {
            Interlocked.Exchange(ref _next, to);
            bool interrupted = Uninterruptible.Enter(_gate);
            if (index < _failedAt)
            {
                _failedAt = index;
                _failure = ExceptionDispatchInfo.Capture(exception);
            }

            Monitor.Exit(_gate);
            Uninterruptible.Raise(interrupted);
        }
    }
}
