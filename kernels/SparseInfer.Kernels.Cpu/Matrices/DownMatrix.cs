using System.Numerics;
using System.Runtime.CompilerServices;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// The second matrix of a feed-forward layer, neuron-major: one row of hidden columns for each neuron of the intermediate dimension. Block
/// formats, whose blocks run along that dimension in the file, keep every bit: the neurons of a block, 32 or 256, share rows of scales, which
/// have what each column's block has besides its quants, followed by the neurons' rows of quants.
/// </summary>
public readonly unsafe struct DownMatrix
{
    /// <summary>
    /// Neurons whose activations are taken together, and of which slices are whole multiples: a block, or in formats with blocks of 256 an eighth
    /// of one.
    /// </summary>
    public const int BlockNeurons = 32;

    private readonly byte* _address;
    private readonly nint _scaleBytes;
    private readonly nint _neuronBytes;
    private readonly nint _blockBytes;
    private readonly int _sharedShift;

    private DownMatrix(byte* address, int neurons, int columns, nint scaleBytes, nint neuronBytes, int sharing)
    {
        _address = address;
        _scaleBytes = scaleBytes;
        _neuronBytes = neuronBytes;
        _blockBytes = scaleBytes + (sharing * neuronBytes);
        _sharedShift = BitOperations.Log2((uint)sharing);
        Neurons = neurons;
        Columns = columns;
    }

    /// <summary>Number of neurons: the layer's intermediate width.</summary>
    public int Neurons { get; }

    /// <summary>Number of columns: the layer's hidden width.</summary>
    public int Columns { get; }

    /// <summary><see cref="Columns"/> rounded up to a multiple of 32.</summary>
    public int PaddedColumns => Padding.Pad(Columns);

    /// <summary>Bytes that one neuron's row takes, its scales left out: what reading the neuron costs.</summary>
    public nint NeuronBytes => _neuronBytes;

    /// <summary>Bytes of a matrix in a format.</summary>
    /// <param name="neurons">Number of neurons.</param>
    /// <param name="columns">Number of columns.</param>
    public static long ByteCount<T>(int neurons, int columns)
        where T : IWeightFormat
    {
        int padded = Padding.Pad(columns);
        int sharing = Sharing<T>();
        long blocks = ((long)neurons + sharing - 1) / sharing;
        return checked((blocks * T.DownScaleBytes(padded)) + ((long)neurons * T.DownNeuronBytes(padded)));
    }

    /// <summary>Describes a matrix that lies in memory already, in the layout that <see cref="WeightPacking.PackDown"/> writes.</summary>
    /// <param name="address">First byte. The memory must outlive the matrix, and must not move.</param>
    /// <param name="neurons">Number of neurons.</param>
    /// <param name="columns">Number of columns.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is negative, or zero columns.</exception>
    public static DownMatrix FromMemory<T>(nint address, int neurons, int columns)
        where T : IWeightFormat
    {
        ArgumentOutOfRangeException.ThrowIfNegative(neurons);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(columns);
        int padded = Padding.Pad(columns);
        return new DownMatrix((byte*)address, neurons, columns, T.DownScaleBytes(padded), T.DownNeuronBytes(padded), Sharing<T>());
    }

    /// <summary>First byte of a neuron's row. Not bounds-checked.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ref byte Neuron(int neuron) => ref *Pointer(neuron);

    /// <summary>The rows of four neurons. Not bounds-checked.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal FourRows Four(int first, int second, int third, int fourth) =>
        new(Pointer(first), Pointer(second), Pointer(third), Pointer(fourth));

    /// <summary>First byte of the scales of a neuron's block; its first row in formats that have none. Not bounds-checked.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ref byte Scales(int neuron) => ref *ScalePointer(neuron);

    /// <summary>A neuron's number in its block.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal int InBlock(int neuron) => neuron & ((1 << _sharedShift) - 1);

    /// <summary>The scales of a neuron's block, which its first neuron's row follows. Not bounds-checked.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal byte* ScalePointer(int neuron) => _address + ((neuron >>> _sharedShift) * _blockBytes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal byte* Pointer(int neuron) => ScalePointer(neuron) + _scaleBytes + (InBlock(neuron) * _neuronBytes);

    /// <summary>Neurons that share scales.</summary>
    internal static int Sharing<T>()
        where T : IWeightFormat => Math.Max(BlockNeurons, T.BlockElements);
}
