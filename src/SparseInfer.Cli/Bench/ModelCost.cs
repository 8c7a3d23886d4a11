using SparseInfer.Cli.Compilation;
using SparseInfer.Files;
using SparseInfer.Runtime;

namespace SparseInfer.Cli.Bench;

/// <summary>What a model is made of, and what a token costs besides the feed-forwards, which are metered.</summary>
internal sealed class ModelCost
{
    private readonly ModelDeclaration _model;
    private readonly long _first;
    private readonly long _up;
    private readonly long _down;
    private readonly long _head;

    /// <param name="model">The model.</param>
    /// <param name="file">Its weights.</param>
    /// <param name="options">How the file is read; null: as it says itself.</param>
    public ModelCost(ModelDeclaration model, ModelFile file, LoadOptions? options = null)
    {
        _model = model;
        (string Name, TensorInfo Tensor)[] tensors = WeightNames.Of(model, file, options ?? new LoadOptions());
        Size = file.Tensors.Sum(tensor => tensor.ByteLength);
        long attention = tensors.Where(tensor => tensor.Name.Contains(".attn_", StringComparison.Ordinal) && tensor.Tensor.Shape.Count == 2).Sum(tensor => tensor.Tensor.ByteLength);
        long embedding = Bytes("token_embd.weight");
        _head = model.TiedEmbedding ? embedding : Bytes("output.weight");

        // F32 in memory, whatever files have.
        long routers = tensors.Where(tensor => tensor.Name.Contains(".ffn_gate_inp.", StringComparison.Ordinal))
            .Sum(tensor => sizeof(float) * tensor.Tensor.Shape.Aggregate(1L, (product, size) => product * size));
        long positionRow = model.PositionRows == 0 ? 0 : Bytes("position_embd.weight") / model.PositionRows;
        WeightBytes = attention + routers + _head + (embedding / model.Vocabulary) + positionRow;
        _first = FeedForward(model.Gated ? ".ffn_gate" : ".ffn_up");
        _up = model.Gated ? FeedForward(".ffn_up") : 0;
        _down = FeedForward(".ffn_down");

        long Bytes(string name) => tensors.Where(tensor => tensor.Name == name).Sum(tensor => tensor.Tensor.ByteLength);

        // A matrix's bytes in all layers: of experts, those that compute a token.
        long FeedForward(string matrix)
        {
            string name = model.Experts > 0 ? matrix + "_exps" : matrix;
            long bytes = tensors.Where(tensor => tensor.Name.Contains(name, StringComparison.Ordinal) && tensor.Tensor.Shape.Count > 1).Sum(tensor => tensor.Tensor.ByteLength);
            return model.Experts > 0 ? bytes / model.Experts * model.ActiveExperts : bytes;
        }
    }

    /// <summary>Bytes of all tensors.</summary>
    public long Size { get; }

    /// <summary>Bytes of weights that each token reads: attention, routers, head, its row of the embedding and of learned positions.</summary>
    public long WeightBytes { get; }

    /// <summary>Bytes of all weights, and of what predicts, that a token reads.</summary>
    /// <param name="activity">What the meters counted.</param>
    public double BytesPerToken(Activity activity) =>
        activity.FeedForwardBytes - activity.SkippedProjectionBytes + WeightBytes + ((activity.HeadBytes ?? _head) - _head);

    /// <summary>Parameters, norms included; biases are left out.</summary>
    public long Parameters => (_model.Layers * LayerParameters(Math.Max(1, _model.Experts)))
        + (((_model.Vocabulary * (_model.TiedEmbedding ? 1L : 2L)) + _model.PositionRows) * _model.Hidden)
        + (((2L * _model.Layers) + 1) * _model.Hidden);

    /// <param name="feedForwards">How many feed-forwards of the layer are counted.</param>
    private long LayerParameters(int feedForwards) => _model.Hidden
        * ((2L * _model.QueryWidth) + (2L * _model.KeyValueWidth) + _model.Experts + (feedForwards * _model.Intermediate * (_model.Gated ? 3L : 2L)));

    /// <summary>Bytes of the key-value cache that a token reads on average, when so many are generated after others.</summary>
    public double CacheBytes(KeyValueType type, int depth, int generated) =>
        _model.Layers * 2.0 * _model.KeyValueHeads * CpuKeyValueCache.RowBytes(type, _model.HeadSize) * (depth + ((generated + 1) / 2.0));

    /// <summary>What a token's rate can be at most, as a multiple of dense.</summary>
    /// <param name="mode">What is skipped.</param>
    /// <param name="activity">What the meters counted: of inactive neurons everything could be spared, of attention and head what was.</param>
    /// <param name="cacheBytes">Of the key-value cache, of all heads.</param>
    public double Bound(SparsityMode mode, Activity activity, double cacheBytes)
    {
        double dense = WeightBytes + cacheBytes + _first + _up + _down;
        double read = dense / Bound(mode, activity.SparsityTrue ?? 0, WeightBytes + cacheBytes, _first, _up, _down);
        double spared = activity.SkippedProjectionBytes + (activity.SkippedHeads * cacheBytes) + Math.Max(0, _head - (activity.HeadBytes ?? _head));

        // Inputs of the feed-forward may be skipped too, whose neurons are then all computed.
        return dense / Math.Min(read - spared, BytesPerToken(activity) + ((1 - activity.SkippedHeads) * cacheBytes));
    }

    /// <summary>
    /// The same of any sizes, if bytes are all that a token takes and predicting costs nothing. What is not predicted costs the first
    /// matrix: without a gate, Exact spares only down.
    /// </summary>
    /// <param name="mode">What is skipped.</param>
    /// <param name="sparsity">Share of neurons that are inactive.</param>
    /// <param name="others">Bytes that are no feed-forward's.</param>
    /// <param name="first">Of the matrix that is dotted with the input first: gate, or up where there is none.</param>
    /// <param name="up">Of up beside a gate.</param>
    /// <param name="down">Of down.</param>
    public static double Bound(SparsityMode mode, double sparsity, double others, double first, double up, double down)
    {
        double dense = others + first + up + down;
        double spared = mode switch
        {
            SparsityMode.Dense => 0,
            SparsityMode.Exact => sparsity * (up + down),
            _ => sparsity * (first + up + down),
        };
        return dense / (dense - spared);
    }

    /// <summary>
    /// Multiplications and additions that a prompt needs in matrices: all layers for every token, the head for the last. Attention's scores
    /// and sums are left out.
    /// </summary>
    public double PromptOperations(int tokens) =>
        2.0 * (((double)_model.Layers * LayerParameters(Math.Max(1, _model.ActiveExperts)) * tokens) + ((double)_model.Vocabulary * _model.Hidden));
}
