namespace SparseInfer.Kernels.Cpu;

/// <summary>Cosines and sines of every position's angles, worked out in double precision once.</summary>
public sealed class RopeTable
{
    private readonly float[] _cos;
    private readonly float[] _sin;
    private readonly int _pairs;

    /// <summary>Fills the table: pair i of dimensions turns by <c>position / scaling / theta^(2i / dimensions)</c>.</summary>
    /// <param name="context">Number of positions.</param>
    /// <param name="dimensions">Dimensions of a head that are rotated; even.</param>
    /// <param name="theta">Base of the frequencies.</param>
    /// <param name="scaling">Linear position scaling: what positions are divided by (1: none).</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is not positive, or <paramref name="dimensions"/> is odd.</exception>
    public RopeTable(int context, int dimensions, double theta, double scaling)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(context);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(dimensions);
        ArgumentOutOfRangeException.ThrowIfNotEqual(dimensions % 2, 0, nameof(dimensions));
        _pairs = dimensions / 2;
        _cos = new float[checked(context * _pairs)];
        _sin = new float[_cos.Length];
        for (int pair = 0; pair < _pairs; pair++)
        {
            double frequency = Math.Pow(theta, -2.0 * pair / dimensions) / scaling;
            for (int position = 0; position < context; position++)
            {
                (double sin, double cos) = Math.SinCos(position * frequency);
                _cos[(position * _pairs) + pair] = (float)cos;
                _sin[(position * _pairs) + pair] = (float)sin;
            }
        }
    }

    /// <summary>Cosines of a position's angles, one for each pair of dimensions.</summary>
    /// <exception cref="IndexOutOfRangeException">The position is not in the context.</exception>
    public ref readonly float Cos(int position) => ref _cos[position * _pairs];

    /// <summary>Sines of a position's angles, one for each pair of dimensions.</summary>
    /// <exception cref="IndexOutOfRangeException">The position is not in the context.</exception>
    public ref readonly float Sin(int position) => ref _sin[position * _pairs];
}
