using SparseInfer.Cli.Compilation;
using SparseInfer.Files;
using SparseInfer.Loading;

namespace SparseInfer.Cli.Calibrate;

/// <summary>Norms of the columns of matrices that share an input, as a loaded model has them: what WINA multiplies a channel's magnitude by.</summary>
internal sealed class ColumnNorms
{
    private readonly ModelFile _file;
    private readonly ModelFacts _facts;
    private readonly ModelDeclaration _model;

    /// <param name="file">The model.</param>
    /// <param name="options">How it is read.</param>
    /// <param name="model">What it is.</param>
    /// <param name="inputs">Those that are asked for.</param>
    /// <exception cref="CliException">The file has matrices in a form that is not read here.</exception>
    public ColumnNorms(ModelFile file, LoadOptions options, ModelDeclaration model, IEnumerable<ChannelInput> inputs)
    {
        (_file, _facts, _model) = (file, ModelFacts.Read(file, options), model);
        foreach (ChannelInput input in inputs.Where(input => input.HasNorms))
        {
            _ = Matrices(0, input);
        }
    }

    /// <summary>An input's, of a layer.</summary>
    public float[] Of(int layer, ChannelInput input)
    {
        double[] sums = new double[_model.Hidden];
        float[] row = new float[_model.Hidden];
        foreach (TensorInfo matrix in Matrices(layer, input))
        {
            WeightFormat format = WeightFormat.For(matrix.Weight!.Value);
            int rowBytes = (int)format.SourceRowBytes(_model.Hidden);
            for (long first = 0; first < matrix.ByteLength; first += rowBytes)
            {
                format.Decode(matrix.Bytes.Slice((int)first, rowBytes), row);
                for (int i = 0; i < sums.Length; i++)
                {
                    sums[i] += (double)row[i] * row[i];
                }
            }
        }

        return [.. sums.Select(sum => (float)Math.Sqrt(sum))];
    }

    private TensorInfo[] Matrices(int layer, ChannelInput input)
    {
        string[] names = (input.Activation, _file.Format) switch
        {
            (ObservedActivation.AttentionInput, ModelFileFormat.Gguf) => ["attn_q", "attn_k", "attn_v"],
            (ObservedActivation.AttentionInput, _) => ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"],
            (_, ModelFileFormat.Gguf) => _model.Gated ? ["ffn_gate", "ffn_up"] : ["ffn_up"],
            _ => _model.Gated ? ["mlp.gate_proj", "mlp.up_proj"] : ["mlp.up_proj"],
        };
        return [.. names.Select(name => Tensor(_file.Format == ModelFileFormat.Gguf ? $"blk.{layer}.{name}.weight" : _facts.NameOf($"model.layers.{layer}.{name}.weight")))];
    }

    private TensorInfo Tensor(string name) => _file.TryGetTensor(name, out TensorInfo? tensor) && tensor.Weight is not null && tensor.Shape.Contains(_model.Hidden)
        ? tensor
        : throw new CliException($"{_file.Path} has no matrix '{name}' whose columns --column-norms could measure.");
}
