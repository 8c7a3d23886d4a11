namespace SparseInfer.Generators.Formats;

/// <summary>ggml's Q5_1: a half scale, a half minimum and 32 times five bits.</summary>
internal sealed class Q5_1 : HostFormat
{
    public override WeightType Type => WeightType.Q5_1;

    public override int BlockColumns => 32;

    public override int BlockBytes => 24;
}
