using System.Collections;

namespace SparseInfer.Models.Tests;

/// <summary>
/// Stop strings that hold up the generation which reads them: by then it has taken its session. The first to read them is the call itself,
/// which checks its options before it starts anything; that passes.
/// </summary>
internal sealed class Gate : IReadOnlyList<string>, IDisposable
{
    private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ManualResetEventSlim _open = new();
    private int _readers;

    /// <summary>Done when a generation is held up here.</summary>
    public Task Reached => _reached.Task;

    public int Count => 0;

    public string this[int index] => throw new ArgumentOutOfRangeException(nameof(index));

    /// <summary>Lets the generation go on.</summary>
    public void Open() => _open.Set();

    public IEnumerator<string> GetEnumerator()
    {
        if (Interlocked.Increment(ref _readers) > 1)
        {
            _reached.TrySetResult();
            _open.Wait();
        }

        return Enumerable.Empty<string>().GetEnumerator();
    }

    public void Dispose() => _open.Dispose();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
