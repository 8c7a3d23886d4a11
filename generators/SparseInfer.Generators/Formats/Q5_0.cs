namespace SparseInfer.Generators.Formats;

/// <summary>ggml's Q5_0: a half scale and 32 times five bits, each with an excess of 16.</summary>
internal sealed class Q5_0 : HostFormat
{
    public override WeightType Type => WeightType.Q5_0;

    public override int BlockColumns => 32;

    public override int BlockBytes => 22;
}
