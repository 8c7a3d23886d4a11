using System.Runtime.ExceptionServices;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// Collects what a loaded model owns, and frees it together; and knows of what was prepared earlier and need not be made again. May be used
/// from several threads.
/// </summary>
public sealed class NativeMemoryPool : IDisposable
{
    private readonly Lock _lock = new();
    private readonly List<IDisposable> _owned = [];
    private readonly Dictionary<nint, (SignPlane Plane, string Name)> _signs = [];

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

    /// <summary>Tells of a matrix's signs that are in memory already, for <see cref="SignPlane.Pack{T}(in WeightMatrix, NativeMemoryPool)"/>.</summary>
    /// <param name="matrix">The matrix.</param>
    /// <param name="plane">Its signs, unless whoever stored them was wrong. Their memory must live as long as the matrix.</param>
    /// <param name="name">What an error calls the plane.</param>
    public void Offer(in WeightMatrix matrix, SignPlane plane, string name)
    {
        lock (_lock)
        {
            _signs[matrix.Address] = (plane, name);
        }
    }

    /// <summary>Finds the signs that were offered for a matrix.</summary>
    internal bool TryGetSigns(in WeightMatrix matrix, out (SignPlane Plane, string Name) offered)
    {
        lock (_lock)
        {
            return _signs.TryGetValue(matrix.Address, out offered);
        }
    }

    /// <summary>Frees one buffer before the rest, and forgets the signs that were offered for a matrix in it.</summary>
    /// <param name="address">The buffer's first byte.</param>
    /// <returns>Whether such a buffer is owned.</returns>
    public bool Free(nint address)
    {
        lock (_lock)
        {
            // Another matrix may come to lie at the same address.
            _signs.Remove(address);
            int index = _owned.FindLastIndex(memory => memory is NativeBuffer buffer && buffer.Address == address);
            if (index < 0)
            {
                return false;
            }

            _owned[index].Dispose();
            _owned.RemoveAt(index);
            return true;
        }
    }

    /// <summary>Frees everything, the latest first; what fails does not keep the rest.</summary>
    /// <exception cref="Exception">What freeing threw, the first if there are several.</exception>
    public void Dispose()
    {
        bool interrupted = Uninterruptible.Enter(_lock);
        IDisposable[] owned = [.. _owned];
        _owned.Clear();
        _signs.Clear();
        _lock.Exit();
        ExceptionDispatchInfo? failure = null;
        for (int i = owned.Length - 1; i >= 0; i--)
        {
            try
            {
                owned[i].Dispose();
            }
            catch (Exception exception)
            {
                failure ??= ExceptionDispatchInfo.Capture(exception);
            }
        }

        Uninterruptible.Raise(interrupted);
        failure?.Throw();
    }
}
