using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Benchmarks;

/// <summary>
/// One layer's prepared weights, with room to compute in. Every variant computes in the same: physical memory is not all of one speed,
/// least
/// of all in a virtual machine, and two copies of the same weights have been seen to differ by half.
/// </summary>
internal sealed class LoadedLayer : IDisposable
{
    // Fields, as generated kernels have them: reading a property of this size copies it.
    public WeightMatrix Gate;
    public WeightMatrix Up;

    /// <summary>As the file has it: [Hidden x Intermediate].</summary>
    public WeightMatrix FileDown;

    /// <summary>Neuron-major.</summary>
    public DownMatrix Down;

    public SignPlane GateSigns;

    private readonly NativeMemoryPool _memory = new();
    private readonly NativeBuffer _output;

    /// <summary>What the generator plans for shapes of 1536 neurons and more.</summary>
    private const int PlannedSlices = 24;

    private LoadedLayer(SyntheticLayer data)
    {
        Shape = data.Shape;
        Scratch = new FeedForwardScratch(1, Shape.Hidden, new NeuronSlices(Shape.Intermediate, PlannedSlices), Signs.WordsPerRow(Shape.Hidden));
        _output = NativeBuffer.Allocate(Shape.Hidden * sizeof(float));
        _memory.Own(Scratch);
        _memory.Own(_output);
    }

    public FeedForwardShape Shape { get; }

    /// <summary>Signs that may disagree, at an alpha of 1.</summary>
    public int SignThreshold => Shape.Hidden / 2;

    public FeedForwardScratch Scratch { get; }

    public ref float Output => ref _output.Ref<float>();

    public static LoadedLayer Load(SyntheticLayer data) => data.Type switch
    {
        WeightType.F16 => Load<F16>(data),
        WeightType.Q8_0 => Load<Q8_0>(data),
        _ => Load<Q4_0>(data),
    };

    public void Dispose() => _memory.Dispose();

    private static LoadedLayer Load<T>(SyntheticLayer data)
        where T : IWeightFormat
    {
        int hidden = data.Shape.Hidden, intermediate = data.Shape.Intermediate;
        var memory = new List<NativeBuffer>();
        WeightMatrix gate = Matrix(data.Gate, intermediate, hidden);
        WeightMatrix up = Matrix(data.Up, intermediate, hidden);
        WeightMatrix fileDown = Matrix(data.Down, hidden, intermediate);
        DownMatrix down = WeightPacking.PackDown<T>(
            memory[^1].Address, hidden, intermediate, Environment.ProcessorCount, out NativeBuffer owner);
        memory.Add(owner);
        SignPlane signs = SignPlane.Allocate(intermediate, hidden, out owner);
        memory.Add(owner);
        signs.Pack<T>(in gate, 0, intermediate);
        var layer = new LoadedLayer(data) { Gate = gate, Up = up, FileDown = fileDown, Down = down, GateSigns = signs };
        memory.ForEach(layer._memory.Own);
        return layer;

        WeightMatrix Matrix(byte[] bytes, int rows, int columns)
        {
            NativeBuffer buffer = NativeBuffer.Allocate(bytes.Length);
            bytes.CopyTo(buffer.AsSpan<byte>());
            memory.Add(buffer);
            return WeightMatrix.FromMemory(buffer.Address, rows, columns, T.RowBytes(columns));
        }
    }
}
