using SparseInfer;

namespace Broken;

[DecoderModel(Hidden = 64, Layers = 2, Vocabulary = 100, Context = 64)]
[Attention(Heads = 4)]
[FeedForward(Intermediate = 96)]
[RmsNorm]
[Weights(WeightType.F16)]
public sealed class NotPartial; // SPI0001

public static class Around // SPI0002
{
    [DecoderModel(Hidden = 64, Layers = 2, Vocabulary = 100, Context = 64)]
    [Attention(Heads = 4)]
    [FeedForward(Intermediate = 96)]
    [RmsNorm]
    [Weights(WeightType.F16)]
    public sealed partial class Model;
}

public static partial class Generic<T> // SPI0003
{
    [FeedForward(Hidden = 64, Intermediate = 96)]
    [Weights(WeightType.F32)]
    public static partial FeedForwardKernel Mlp { get; }
}

[DecoderModel(Hidden = 64, Layers = 2, Vocabulary = 100, Context = 64)]
[Attention(Heads = 4)]
[FeedForward(Intermediate = 96)]
[RmsNorm]
[Weights(WeightType.F16)]
public sealed partial record Record; // SPI0004

[RmsNorm] // SPI0005
public sealed partial class Stray;

[DecoderModel(Hidden = 64, Layers = 2, Vocabulary = 100, Context = 64)]
[Attention(Heads = 4)]
[FeedForward(Intermediate = 96)]
[RmsNorm]
public sealed partial class WithoutWeights; // SPI0006

[DecoderModel(Hidden = 64, Layers = 2, Vocabulary = 100, Context = 64)]
[Attention(Heads = 4)]
[FeedForward(Intermediate = 96)]
[RmsNorm]
[LayerNorm] // SPI0007
[Weights(WeightType.F16)]
public sealed partial class WithTwoNorms;

[DecoderModel(Hidden = 64, Layers = 2, Vocabulary = 100, Context = 64)]
[Attention(Heads = 4)]
[FeedForward(Intermediate = 96)]
[RmsNorm]
[Weights(WeightType.F16)]
file sealed partial class FileLocal; // SPI0033

[DecoderModel(Hidden = 64, Layers = 2, Vocabulary = 100, Context = 64)]
[Attention(Heads = 4)]
[FeedForward(Intermediate = 96)]
[RmsNorm]
[Weights(WeightType.F16)]
public sealed partial class WithLoad
{
    public int Load; // SPI0039
}

public static partial class LayersOfTheWrongForm
{
    [FeedForward(Hidden = 64, Intermediate = 96)]
    [Weights(WeightType.F32)]
    public static partial object Mlp { get; } // SPI0008

    [FeedForward(Hidden = 64, Intermediate = 96)]
    public static partial FeedForwardKernel WithoutWeights { get; } // SPI0006
}
