using SparseInfer.Cli.Compilation;
using SparseInfer.Files;
using SparseInfer.Kernels.Cpu;
using SparseInfer.Loading;

namespace SparseInfer.Cli.Calibrate;

/// <summary>A layer's feed-forward, or one of its experts, widened to F32: a layer at a time is in memory.</summary>
internal sealed class LayerWeights
{
    private LayerWeights(ModelFile file, ModelFacts facts, ModelDeclaration model, int layer, int expert, bool withUp, ModelFile? predictor)
    {
        Stored stored = Find(file, facts, model, layer, expert);
        Layer = layer;
        PolicyTensors = new(file, predictor, model.Experts);
        First = Values(stored.First);
        Up = withUp || model.Activation == Activation.DRelu ? Values(stored.Up) : null;
        Down = stored.IsPrepared ? NeuronMajor(stored.Down, model) : Transposed(Values(stored.Down), model.Hidden, model.Intermediate);
        FirstBias = file.TryGetTensor(Name(file, facts, model, layer, expert, FirstOf(model), "bias"), out TensorInfo? bias) ? Values(bias) : null;
        UpBias = Up is not null && file.TryGetTensor(Name(file, facts, model, layer, expert, "up", "bias"), out TensorInfo? upBias) ? Values(upBias) : null;
        FirstBytes = (double)stored.First.ByteLength / model.Intermediate;
        OtherBytes = (double)((model.Gated ? stored.Up.ByteLength : 0) + stored.Down.ByteLength) / model.Intermediate;
    }

    /// <summary>Which layer.</summary>
    public int Layer { get; }

    /// <summary>Where policies find what they want of files.</summary>
    public PolicyTensors PolicyTensors { get; }

    /// <summary>The matrix whose rows are read first, gate or else up, [intermediate x hidden].</summary>
    public float[] First { get; }

    public float[]? FirstBias { get; }

    /// <summary>Up, where a policy looks at it too (dReLU) or it was asked for, [intermediate x hidden].</summary>
    public float[]? Up { get; }

    public float[]? UpBias { get; }

    /// <summary>Down, a row a neuron, [intermediate x hidden].</summary>
    public float[] Down { get; }

    /// <summary>Bytes of a neuron's first row, as it is stored.</summary>
    public double FirstBytes { get; }

    /// <summary>Bytes of its other rows.</summary>
    public double OtherBytes { get; }

    /// <summary>Reads a layer.</summary>
    /// <param name="file">The model.</param>
    /// <param name="options">How it is read.</param>
    /// <param name="model">What it is.</param>
    /// <param name="layer">Which layer.</param>
    /// <param name="expert">Which expert; 0 where there are none.</param>
    /// <param name="withUp">Whether up is wanted whatever the activation.</param>
    /// <param name="predictor">Another file, with what policies want; null: there is none.</param>
    /// <exception cref="CliException">The file has its matrices in a form that is not read here.</exception>
    public static LayerWeights Read(
        ModelFile file, LoadOptions options, ModelDeclaration model, int layer, int expert = 0, bool withUp = false, ModelFile? predictor = null) =>
        new(file, ModelFacts.Read(file, options), model, layer, expert, withUp, predictor);

    /// <summary>Whether all layers can be read: looked at before the model runs.</summary>
    /// <param name="file">The model.</param>
    /// <param name="options">How it is read.</param>
    /// <param name="model">What it is.</param>
    /// <exception cref="CliException">The file has its matrices in a form that is not read here.</exception>
    public static void Check(ModelFile file, LoadOptions options, ModelDeclaration model)
    {
        ModelFacts facts = ModelFacts.Read(file, options);
        for (int layer = 0; layer < model.Layers; layer++)
        {
            for (int expert = 0; expert < Math.Max(1, model.Experts); expert++)
            {
                Find(file, facts, model, layer, expert);
            }
        }
    }

    private static string FirstOf(ModelDeclaration model) => model.Gated ? "gate" : "up";

    private static string Name(ModelFile file, ModelFacts facts, ModelDeclaration model, int layer, int expert, string matrix, string of) =>
        (file.Format == ModelFileFormat.Gguf, model.Experts > 0) switch
        {
            (true, false) => $"blk.{layer}.ffn_{matrix}.{of}",
            (true, true) => $"blk.{layer}.ffn_{matrix}_exps.{of}",
            (false, false) => facts.NameOf($"model.layers.{layer}.mlp.{matrix}_proj.{of}"),
            (false, true) => facts.NameOf($"model.layers.{layer}.block_sparse_moe.experts.{expert}.{(matrix == "gate" ? "w1" : matrix == "up" ? "w3" : "w2")}.{of}"),
        };

    private static Stored Find(ModelFile file, ModelFacts facts, ModelDeclaration model, int layer, int expert)
    {
        TensorInfo first = Matrix(Of(FirstOf(model)), model.Intermediate, model.Hidden);
        TensorInfo up = Matrix(Of("up"), model.Intermediate, model.Hidden);
        string name = Name(file, facts, model, layer, expert, "down", "weight");
        string? other = model.Experts > 0 ? PreparedTensors.ExpertsDownName(name) : PreparedTensors.TryGetDownName(name, out string? own) ? own : null;
        return !file.TryGetTensor(name, out _) && other is not null && file.TryGetTensor(other, out TensorInfo? prepared)
            ? new(first, up, Prepared(OfExpert(prepared), model), IsPrepared: true)
            : new(first, up, Matrix(Of("down"), model.Hidden, model.Intermediate), IsPrepared: false);

        TensorInfo Of(string matrix) => OfExpert(Tensor(file, Name(file, facts, model, layer, expert, matrix, "weight")));

        TensorInfo OfExpert(TensorInfo tensor) => model.Experts == 0 || file.Format != ModelFileFormat.Gguf ? tensor
            : tensor.Shape.Count > 2 && tensor.Shape[0] == model.Experts ? tensor.Parts()[expert]
            : throw new CliException($"tensor '{tensor.Name}' is {string.Join(" x ", tensor.Shape)}, and {model.Experts} experts are declared.");
    }

    private static TensorInfo Tensor(ModelFile file, string name) => file.TryGetTensor(name, out TensorInfo? tensor)
        ? tensor
        : throw new CliException($"{file.Path} has no tensor '{name}': calibrate from the file that it was prepared or converted from.");

    private static TensorInfo Matrix(TensorInfo tensor, int rows, int columns) => Readable(tensor).Shape is [var stored, var width] && stored == rows && width == columns
        ? tensor
        : throw new CliException($"tensor '{tensor.Name}' is {string.Join(" x ", tensor.Shape)}, and {rows} x {columns} is declared.");

    /// <summary>Down with a row a neuron: in blocks over neurons, as they are prepared here, or as PowerInfer's files have it.</summary>
    private static TensorInfo Prepared(TensorInfo tensor, ModelDeclaration model) => PreparedTensors.BlockTypeOf(tensor) is not { } type
        ? Matrix(tensor, model.Intermediate, model.Hidden)
        : tensor.Shape.SequenceEqual(PreparedTensors.DownShape(type, model.Intermediate, model.Hidden))
        ? tensor
        : throw new CliException($"tensor '{tensor.Name}' is {string.Join(" x ", tensor.Shape)}, which is not {model.Intermediate} neurons of hidden size {model.Hidden}.");

    private static TensorInfo Readable(TensorInfo tensor) => tensor.Weight is not null
        ? tensor
        : throw new CliException($"tensor '{tensor.Name}' is {tensor.Type}, which is not read here: quantize to one of {string.Join(", ", Enum.GetNames<WeightType>())}.");

    private static float[] Values(TensorInfo tensor)
    {
        float[] values = new float[tensor.Shape.Aggregate(1L, (product, size) => product * size)];
        WeightFormat.For(Readable(tensor).Weight!.Value).Decode(tensor.Bytes, values);
        return values;
    }

    private static unsafe float[] NeuronMajor(TensorInfo tensor, ModelDeclaration model)
    {
        if (PreparedTensors.BlockTypeOf(tensor) is not { } type)
        {
            return Values(tensor);
        }

        using NativeBuffer widened = WeightFormat.For(type).ConvertDownTo(WeightFormat.For(WeightType.F32), tensor.Address, model.Intermediate, model.Hidden);
        return new ReadOnlySpan<float>((void*)widened.Address, model.Intermediate * model.Hidden).ToArray();
    }

    private static float[] Transposed(float[] matrix, int rows, int columns)
    {
        float[] transposed = new float[matrix.Length];
        for (int row = 0; row < rows; row++)
        {
            for (int column = 0; column < columns; column++)
            {
                transposed[(column * rows) + row] = matrix[(row * columns) + column];
            }
        }

        return transposed;
    }

    /// <summary>A layer's matrices, of which all can be read.</summary>
    /// <param name="First">Gate, or else up.</param>
    /// <param name="Up">Up.</param>
    /// <param name="Down">Down.</param>
    /// <param name="IsPrepared">Whether it has a row a neuron already.</param>
    private readonly record struct Stored(TensorInfo First, TensorInfo Up, TensorInfo Down, bool IsPrepared);
}
