namespace SparseInfer.Generators.Formats;

/// <summary>ggml's Q6_K: 256 times six bits, each with an excess of 32, scales of eight bits for every 16 columns, and their half.</summary>
internal sealed class Q6_K : HostFormat
{
    public override WeightType Type => WeightType.Q6_K;

    public override int BlockColumns => 256;

    public override int BlockBytes => 210;
}
