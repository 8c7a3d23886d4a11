using SparseInfer.Cli.Compilation;
using SparseInfer.Files;
using SparseInfer.Loading;

namespace SparseInfer.Cli.Calibrate;

/// <summary>The matrices of a model file that read an input, layer by layer.</summary>
internal sealed class ChannelMatrices
{
    private readonly ModelFile _file;
    private readonly ModelFacts _facts;
    private readonly ModelDeclaration _model;
    private readonly string _for;

    /// <summary>Looks for all of them: before the model runs.</summary>
    /// <param name="file">The model.</param>
    /// <param name="options">How it is read.</param>
    /// <param name="model">What it is.</param>
    /// <param name="inputs">Those that are asked for.</param>
    /// <param name="option">What wants them: errors name it.</param>
    /// <exception cref="CliException">The file has matrices in a form that is not read here.</exception>
    public ChannelMatrices(ModelFile file, LoadOptions options, ModelDeclaration model, IEnumerable<ChannelInput> inputs, string option)
    {
        (_file, _facts, _model, _for) = (file, ModelFacts.Read(file, options), model, option);
        foreach (ChannelInput input in inputs)
        {
            for (int layer = 0; layer < model.Layers; layer++)
            {
                _ = Of(layer, input);
            }
        }
    }

    /// <summary>Those of an input in a layer, each [outputs, channels].</summary>
    public TensorInfo[] Of(int layer, ChannelInput input)
    {
        bool isGguf = _file.Format == ModelFileFormat.Gguf;
        string[] names = input.Activation switch
        {
            ObservedActivation.AttentionInput => isGguf ? ["attn_q", "attn_k", "attn_v"] : ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"],
            ObservedActivation.Attended => [isGguf ? "attn_output" : "self_attn.o_proj"],
            ObservedActivation.Neurons => [isGguf ? "ffn_down" : "mlp.down_proj"],
            _ when _model.Gated => isGguf ? ["ffn_gate", "ffn_up"] : ["mlp.gate_proj", "mlp.up_proj"],
            _ => [isGguf ? "ffn_up" : "mlp.up_proj"],
        };
        return [.. names.Select(name => Matrix(isGguf ? $"blk.{layer}.{name}.weight" : _facts.NameOf($"model.layers.{layer}.{name}.weight"), input.Width(_model)))];
    }

    /// <summary>Calls something with each row of a matrix, in F32.</summary>
    /// <param name="matrix">The matrix.</param>
    /// <param name="channels">Its columns.</param>
    /// <param name="read">Gets the row's number, and the row.</param>
    public static void ForRows(TensorInfo matrix, int channels, Action<int, float[]> read)
    {
        WeightFormat format = WeightFormat.For(matrix.Weight!.Value);
        int rowBytes = (int)format.SourceRowBytes(channels);
        float[] row = new float[channels];
        for (int i = 0; i * (long)rowBytes < matrix.ByteLength; i++)
        {
            format.Decode(matrix.Bytes.Slice(i * rowBytes, rowBytes), row);
            read(i, row);
        }
    }

    private TensorInfo Matrix(string name, int channels) =>
        _file.TryGetTensor(name, out TensorInfo? tensor) && tensor.Weight is not null && tensor.Shape is [_, var columns] && columns == channels
            ? tensor
            : throw new CliException($"{_file.Path} has no matrix '{name}' with {channels} columns, which {_for} looks at: calibrate from the file that it was prepared or converted from.");
}
