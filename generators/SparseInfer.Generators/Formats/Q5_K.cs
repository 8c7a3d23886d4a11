namespace SparseInfer.Generators.Formats;

/// <summary>ggml's Q5_K: a half for scales, one for minima, both of six bits for every 32 columns, and 256 times five bits.</summary>
internal sealed class Q5_K : HostFormat
{
    public override WeightType Type => WeightType.Q5_K;

    public override int BlockColumns => 256;

    public override int BlockBytes => 176;
}
