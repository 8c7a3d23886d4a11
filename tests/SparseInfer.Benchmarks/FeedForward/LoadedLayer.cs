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

    /// <summary>The memory of both, gate first: [2 Intermediate x Hidden].</summary>
    public WeightMatrix Both;

    /// <summary>As the file has it: [Hidden x Intermediate].</summary>
    public WeightMatrix FileDown;

    /// <summary>Neuron-major.</summary>
    public DownMatrix Down;

    public SignPlane GateSigns;

    private readonly NativeMemoryPool _memory = new();
    private readonly NativeBuffer _output;
    private readonly NativeBuffer _both;

    private LoadedLayer(FeedForwardShape shape, NativeBuffer both, int slices)
    {
        Shape = shape;
        Scratch = new FeedForwardScratch(1, Shape.Hidden, new NeuronSlices(Shape.Intermediate, slices), Signs.WordsPerRow(Shape.Hidden));
        _both = both;
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

    /// <summary>Slices of the down product that the generator plans: at most 24, none of fewer than 64 neurons.</summary>
    public static int PlannedSlices(int neurons) => Math.Min(24, (neurons + 63) / 64);

    /// <summary>The layer in the same memory, its down product in so many slices.</summary>
    public LoadedLayer InSlices(int slices) => Own(new LoadedLayer(Shape, _both, slices)
    {
        Gate = Gate,
        Up = Up,
        Both = Both,
        FileDown = FileDown,
        Down = Down,
        GateSigns = GateSigns,
    });

    /// <summary>
    /// Another layer in the same memory, as sparse: rows of gate and up are a neuron's by turns, where one follows the other here.
    /// </summary>
    public LoadedLayer Interleaved<T>()
        where T : IWeightFormat
    {
        LoadedLayer layer = Own(new LoadedLayer(Shape, _both, Scratch.Slices.Count)
        {
            Gate = WeightMatrix.FromMemory(_both.Address, Shape.Intermediate, Shape.Hidden, 2 * Gate.Stride),
            Up = WeightMatrix.FromMemory(_both.Address + Gate.Stride, Shape.Intermediate, Shape.Hidden, 2 * Gate.Stride),
            Both = Both,
            FileDown = FileDown,
            Down = Down,
            GateSigns = SignPlane.Allocate(Shape.Intermediate, Shape.Hidden, out NativeBuffer signs),
        });
        layer._memory.Own(signs);
        layer.GateSigns.Pack<T>(in layer.Gate, 0, Shape.Intermediate);
        return layer;
    }

    public void Dispose() => _memory.Dispose();

    private static LoadedLayer Load<T>(SyntheticLayer data)
        where T : IWeightFormat
    {
        int hidden = data.Shape.Hidden, intermediate = data.Shape.Intermediate;
        nint stride = (nint)T.RowBytes(hidden);
        NativeBuffer both = NativeBuffer.Allocate(data.Gate.Length + data.Up.Length);
        data.Gate.CopyTo(both.AsSpan<byte>());
        data.Up.CopyTo(both.AsSpan<byte>()[data.Gate.Length..]);
        NativeBuffer fileDown = NativeBuffer.Allocate(data.Down.Length);
        data.Down.CopyTo(fileDown.AsSpan<byte>());
        WeightMatrix gate = WeightMatrix.FromMemory(both.Address, intermediate, hidden, stride);
        DownMatrix down = WeightPacking.PackDown<T>(fileDown.Address, hidden, intermediate, Environment.ProcessorCount, out NativeBuffer packed);
        SignPlane signs = SignPlane.Allocate(intermediate, hidden, out NativeBuffer plane);
        signs.Pack<T>(in gate, 0, intermediate);

        var layer = new LoadedLayer(data.Shape, both, PlannedSlices(intermediate))
        {
            Gate = gate,
            Up = WeightMatrix.FromMemory(both.Address + data.Gate.Length, intermediate, hidden, stride),
            Both = WeightMatrix.FromMemory(both.Address, 2 * intermediate, hidden, stride),
            FileDown = WeightMatrix.FromMemory(fileDown.Address, hidden, intermediate, (nint)T.RowBytes(intermediate)),
            Down = down,
            GateSigns = signs,
        };
        ((NativeBuffer[])[both, fileDown, packed, plane]).ToList().ForEach(layer._memory.Own);
        return layer;
    }

    private LoadedLayer Own(LoadedLayer other)
    {
        _memory.Own(other);
        return other;
    }
}
