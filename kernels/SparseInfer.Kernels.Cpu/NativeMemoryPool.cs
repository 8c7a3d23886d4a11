namespace SparseInfer.Kernels.Cpu;

/// <summary>Collects what a loaded model owns, and frees it together. May be used from several threads.</summary>
public sealed class NativeMemoryPool : IDisposable
{
    private readonly Lock _lock = new();
    private readonly List<IDisposable> _owned = [];

    /// <summary>Takes ownership of memory.</summary>
    /// <param name="memory">What to free with the rest; null is ignored.</param>
    public void Own(IDisposable? memory)
    {
        if (memory is not null)
        {
            lock (_lock)
            {
                _owned.Add(memory);
            }
        }
    }

    /// <summary>Frees everything.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            foreach (IDisposable memory in _owned)
            {
                memory.Dispose();
            }

            _owned.Clear();
        }
    }
}
