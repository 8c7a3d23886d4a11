using SparseInfer.Cli.Compilation;
using SparseInfer.Files;

namespace SparseInfer.Cli.Bench;

/// <summary>What a model is made of, and what a token costs besides the feed-forwards, which are metered.</summary>
internal sealed class ModelCost
{
    private readonly ModelDeclaration _model;

    public ModelCost(ModelDeclaration model, ModelFile file)
    {
        _model = model;
        Size = file.Tensors.Sum(tensor => tensor.ByteLength);
        IEnumerable<TensorInfo> attention = file.Tensors.Where(tensor =>
            tensor.Name.Contains(".attn_", StringComparison.Ordinal) && tensor.Shape.Count == 2);
        long embedding = Bytes(file, "token_embd.weight");
        long head = model.TiedEmbedding ? embedding : Bytes(file, "output.weight");
        WeightBytes = attention.Sum(tensor => tensor.ByteLength) + head + (embedding / model.Vocabulary);
    }

    /// <summary>Bytes of all tensors.</summary>
    public long Size { get; }

    /// <summary>Bytes of weights that each token reads: attention, head, its row of the embedding.</summary>
    public long WeightBytes { get; }

    /// <summary>Parameters, norms included; biases are left out.</summary>
    public long Parameters => (_model.Layers * LayerParameters)
        + ((long)_model.Vocabulary * _model.Hidden * (_model.TiedEmbedding ? 1 : 2))
        + (((2L * _model.Layers) + 1) * _model.Hidden);

    private long LayerParameters => _model.Hidden
        * ((2L * _model.QueryWidth) + (2L * _model.KeyValueWidth) + (_model.Intermediate * (_model.Gated ? 3L : 2L)));

    /// <summary>Bytes of the key-value cache that a token reads on average, when so many are generated after others.</summary>
    public double CacheBytes(int depth, int generated) =>
        _model.Layers * 2.0 * sizeof(float) * _model.KeyValueWidth * (depth + ((generated + 1) / 2.0));

    /// <summary>
    /// Multiplications and additions that a prompt needs in matrices: all layers for every token, the head for the last. Attention's scores
    /// and sums are left out.
    /// </summary>
    public double PromptOperations(int tokens) =>
        2.0 * (((double)_model.Layers * LayerParameters * tokens) + ((double)_model.Vocabulary * _model.Hidden));

    private static long Bytes(ModelFile file, string name) => file.TryGetTensor(name, out TensorInfo? tensor) ? tensor.ByteLength : 0;
}
