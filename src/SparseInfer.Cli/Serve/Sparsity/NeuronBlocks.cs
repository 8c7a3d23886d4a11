namespace SparseInfer.Cli.Serve.Sparsity;

/// <summary>How a map divides a layer's neurons: in blocks of one size, give or take a neuron, at most <see cref="Most"/>.</summary>
/// <param name="Neurons">Neurons that a token has in a layer; of experts, those of the chosen ones, one expert after the other.</param>
internal readonly record struct NeuronBlocks(int Neurons)
{
    /// <summary>As many as a screen shows side by side.</summary>
    public const int Most = 64;

    public int Count => Math.Min(Neurons, Most);

    /// <summary>The blocks of a model's layers.</summary>
    public static NeuronBlocks Of(ModelShape shape) => new(Math.Max(1, shape.ActiveExperts) * shape.Intermediate);

    /// <summary>A block's first neuron; of the block after the last one: how many neurons there are.</summary>
    public int First(int block) => (int)((long)block * Neurons / Count);
}
