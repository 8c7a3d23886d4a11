namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// Cosines and sines of positions' angles, worked out in double precision once: when a position among the same 256 is first asked for, so
/// that a context of a million tokens costs neither time nor memory before it is used. Safe to use from several threads.
/// </summary>
public sealed class RopeTable
{
    private const int BlockShift = 8;

    private readonly float[] _cos;
    private readonly float[] _sin;
    private readonly bool[] _filled;
    private readonly double[] _frequencies;
    private readonly double _magnitude;
    private readonly int _context;
    private readonly int _pairs;
    private readonly Lock _lock = new();

    /// <summary>Makes the table: pair i of dimensions turns by <c>position / scaling / theta^(2i / dimensions)</c>.</summary>
    /// <param name="context">Number of positions.</param>
    /// <param name="dimensions">Dimensions of a head that are rotated; even.</param>
    /// <param name="theta">Base of the frequencies.</param>
    /// <param name="scaling">Linear position scaling: what positions are divided by (1: none).</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is not positive, or <paramref name="dimensions"/> is odd.</exception>
    public RopeTable(int context, int dimensions, double theta, double scaling)
        : this(context, dimensions, theta, new LinearScaling(scaling))
    {
    }

    /// <summary>Makes the table of a model whose frequencies are scaled one by one.</summary>
    /// <param name="context">Number of positions.</param>
    /// <param name="dimensions">Dimensions of a head that are rotated; even.</param>
    /// <param name="theta">Base of the frequencies.</param>
    /// <param name="scaling">How they are scaled; its magnitude is in the cosines and sines.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is not positive, or <paramref name="dimensions"/> is odd.</exception>
    public RopeTable(int context, int dimensions, double theta, RopeScaling scaling)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(context);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(dimensions);
        ArgumentOutOfRangeException.ThrowIfNotEqual(dimensions % 2, 0, nameof(dimensions));
        _context = context;
        _pairs = dimensions / 2;

        // Not zeroed, so not touched: the operating system gives memory to what is filled.
        _cos = GC.AllocateUninitializedArray<float>(checked(context * _pairs));
        _sin = GC.AllocateUninitializedArray<float>(_cos.Length);
        _filled = new bool[((context - 1) >> BlockShift) + 1];
        _frequencies = scaling.Frequencies(dimensions, theta);
        _magnitude = scaling.Magnitude;
    }

    /// <summary>Cosines of a position's angles, one for each pair of dimensions.</summary>
    /// <exception cref="IndexOutOfRangeException">The position is not in the context.</exception>
    public ref readonly float Cos(int position) => ref Row(_cos, position);

    /// <summary>Sines of a position's angles, one for each pair of dimensions.</summary>
    /// <exception cref="IndexOutOfRangeException">The position is not in the context.</exception>
    public ref readonly float Sin(int position) => ref Row(_sin, position);

    private ref readonly float Row(float[] table, int position)
    {
        if (!Volatile.Read(ref _filled[position >> BlockShift]))
        {
            Fill(position >> BlockShift);
        }

        return ref table[position * _pairs];
    }

    private void Fill(int block)
    {
        bool interrupted = Uninterruptible.Enter(_lock);
        if (!_filled[block])
        {
            int end = (int)Math.Min(_context, ((long)block + 1) << BlockShift);
            for (int position = block << BlockShift; position < end; position++)
            {
                for (int pair = 0; pair < _pairs; pair++)
                {
                    (double sin, double cos) = Math.SinCos(position * _frequencies[pair]);
                    _cos[(position * _pairs) + pair] = (float)(_magnitude * cos);
                    _sin[(position * _pairs) + pair] = (float)(_magnitude * sin);
                }
            }

            Volatile.Write(ref _filled[block], true);
        }

        _lock.Exit();
        Uninterruptible.Raise(interrupted);
    }
}
