using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// Which experts compute some tokens, and what their outputs are multiplied by: a row a token, experts ascending. Ascending, because a prompt goes
/// through the experts in that order: so a token's outputs are added in one order, whoever else is computed with it.
/// </summary>
public sealed class ExpertChoices : IDisposable
{
    private readonly NativeBuffer _experts;
    private readonly NativeBuffer _weights;
    private readonly NativeBuffer _logits;

    /// <summary>Allocates the rows.</summary>
    /// <param name="rows">Number of rows.</param>
    /// <param name="count">Experts that there are.</param>
    /// <param name="active">Experts that compute a token.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is not positive, or more experts compute a token than there are.</exception>
    public ExpertChoices(int rows, int count, int active)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(rows);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(active);
        ArgumentOutOfRangeException.ThrowIfLessThan(count, active);
        Count = count;
        Active = active;
        _experts = NativeBuffer.Allocate((long)rows * active * sizeof(int));
        _weights = NativeBuffer.Allocate((long)rows * active * sizeof(float));
        _logits = NativeBuffer.Allocate((long)rows * count * sizeof(float));
    }

    /// <summary>Experts that there are.</summary>
    public int Count { get; }

    /// <summary>Experts that compute a token.</summary>
    public int Active { get; }

    /// <summary>A row's experts, ascending.</summary>
    /// <param name="row">The row.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Span<int> Experts(int row) => MemoryMarshal.CreateSpan(ref Unsafe.Add(ref _experts.Ref<int>(), row * (nint)Active), Active);

    /// <summary>What their outputs are multiplied by.</summary>
    /// <param name="row">The row.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Span<float> Weights(int row) => MemoryMarshal.CreateSpan(ref Unsafe.Add(ref _weights.Ref<float>(), row * (nint)Active), Active);

    /// <summary>The router's output for a row, an element for each expert that there is.</summary>
    /// <param name="row">The row.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Span<float> Logits(int row) => MemoryMarshal.CreateSpan(ref Unsafe.Add(ref _logits.Ref<float>(), row * (nint)Count), Count);

    /// <summary>Frees the rows.</summary>
    public void Dispose()
    {
        _experts.Dispose();
        _weights.Dispose();
        _logits.Dispose();
    }
}
