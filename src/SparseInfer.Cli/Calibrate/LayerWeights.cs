using SparseInfer.Cli.Compilation;
using SparseInfer.Files;
using SparseInfer.Loading;

namespace SparseInfer.Cli.Calibrate;

/// <summary>A layer's feed-forward, widened to F32: a layer at a time is in memory.</summary>
internal sealed class LayerWeights
{
    private LayerWeights(ModelFile file, ModelFacts facts, ModelDeclaration model, int layer)
    {
        string Name(string gguf, string huggingFace) => file.Format == ModelFileFormat.Gguf
            ? $"blk.{layer}.{gguf}"
            : facts.NameOf($"model.layers.{layer}.mlp.{huggingFace}");

        (string Gguf, string HuggingFace) first = model.Gated ? ("ffn_gate", "gate_proj") : ("ffn_up", "up_proj");
        TensorInfo ofFirst = Tensor(file, Name(first.Gguf + ".weight", first.HuggingFace + ".weight"));
        TensorInfo ofUp = Tensor(file, Name("ffn_up.weight", "up_proj.weight"));
        TensorInfo ofDown = Tensor(file, Name("ffn_down.weight", "down_proj.weight"));
        First = Matrix(ofFirst, model.Intermediate, model.Hidden);
        Up = model.Activation == Activation.DRelu ? Matrix(ofUp, model.Intermediate, model.Hidden) : null;
        Down = Transposed(Matrix(ofDown, model.Hidden, model.Intermediate), model.Hidden, model.Intermediate);
        FirstBias = file.TryGetTensor(Name(first.Gguf + ".bias", first.HuggingFace + ".bias"), out TensorInfo? bias) ? Values(bias) : null;
        FirstBytes = (double)ofFirst.ByteLength / model.Intermediate;
        OtherBytes = (double)((model.Gated ? ofUp.ByteLength : 0) + ofDown.ByteLength) / model.Intermediate;
    }

    /// <summary>The matrix whose rows are read first, gate or else up, [intermediate x hidden].</summary>
    public float[] First { get; }

    public float[]? FirstBias { get; }

    /// <summary>Up, where a policy looks at it too (dReLU), [intermediate x hidden].</summary>
    public float[]? Up { get; }

    /// <summary>Down, a row a neuron, [intermediate x hidden].</summary>
    public float[] Down { get; }

    /// <summary>Bytes of a neuron's first row, as it is stored.</summary>
    public double FirstBytes { get; }

    /// <summary>Bytes of its other rows.</summary>
    public double OtherBytes { get; }

    /// <summary>Reads a layer.</summary>
    /// <exception cref="CliException">The file has its matrices in a form that is not read here.</exception>
    public static LayerWeights Read(ModelFile file, LoadOptions options, ModelDeclaration model, int layer) => new(file, ModelFacts.Read(file, options), model, layer);

    private static TensorInfo Tensor(ModelFile file, string name) => file.TryGetTensor(name, out TensorInfo? tensor)
        ? tensor
        : throw new CliException($"{file.Path} has no tensor '{name}': calibrate from the file that it was prepared or converted from.");

    private static float[] Matrix(TensorInfo tensor, int rows, int columns) => tensor.Shape is [var stored, var width] && stored == rows && width == columns
        ? Values(tensor)
        : throw new CliException($"tensor '{tensor.Name}' is {string.Join(" x ", tensor.Shape)}, and {rows} x {columns} is declared.");

    private static float[] Values(TensorInfo tensor)
    {
        if (tensor.Weight is not { } type)
        {
            throw new CliException($"tensor '{tensor.Name}' is {tensor.Type}, which is not read here: quantize to one of {string.Join(", ", Enum.GetNames<WeightType>())}.");
        }

        float[] values = new float[tensor.Shape.Aggregate(1L, (product, size) => product * size)];
        WeightFormat.For(type).Decode(tensor.Bytes, values);
        return values;
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
}
