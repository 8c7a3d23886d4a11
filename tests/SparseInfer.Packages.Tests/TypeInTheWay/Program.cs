using SparseInfer;

System.Console.WriteLine(nameof(SparseInfer.Generated.LoadReport));

namespace Broken
{
    [DecoderModel(Hidden = 64, Layers = 2, Vocabulary = 100, Context = 64)]
    [Attention(Heads = 4)]
    [FeedForward(Intermediate = 96)]
    [RmsNorm]
    [Weights(WeightType.F16)]
    public sealed partial class Model; // SPI0041
}

namespace SparseInfer.Generated
{
    internal sealed class LoadReport;
}
