namespace SparseInfer.Generators.Formats;

/// <summary>ggml's Q4_K: a half for scales, one for minima, both of six bits for every 32 columns, and 256 times four bits.</summary>
internal sealed class Q4_K : HostFormat
{
    public override WeightType Type => WeightType.Q4_K;

    public override int BlockColumns => 256;

    public override int BlockBytes => 144;
}
