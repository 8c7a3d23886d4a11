using SparseInfer;

namespace Broken;

[DecoderModel(Hidden = 64, Layers = 2, Vocabulary = 100, Context = 64)]
[Attention(Heads = 4, QueryKeyNorms = true)] // SPI0044
[FeedForward(Intermediate = 96)]
[LayerNorm]
[Weights(WeightType.F16)]
public sealed partial class WithNormsOfHeadsBesideLayerNorm;

[DecoderModel(Hidden = 64, Layers = 2, Vocabulary = 100, Context = 64)]
[Attention(Heads = 4)]
[SlidingWindow(Window = 16, Period = 3)] // SPI0045
[FeedForward(Intermediate = 96)]
[RmsNorm]
[Weights(WeightType.F16)]
public sealed partial class WithALongPeriod;

[DecoderModel(Hidden = 64, Layers = 2, Vocabulary = 100, Context = 64)]
[Attention(Heads = 4)]
[Embedding(PositionOffset = 2)] // SPI0046
[FeedForward(Intermediate = 96)]
[RmsNorm]
[Weights(WeightType.F16)]
public sealed partial class WithAnOffsetOfNoPositions;

[DecoderModel(Hidden = 64, Layers = 2, Vocabulary = 100, Context = 64)]
[Attention(Heads = 4, RopeScaling = 2)] // SPI0050
[YarnScaling(Factor = 4, OriginalContext = 16)]
[FeedForward(Intermediate = 96)]
[RmsNorm]
[Weights(WeightType.F16)]
public sealed partial class WithTwoScalings;
