using SparseInfer;

namespace Broken;

[DecoderModel(Hidden = 64, Layers = 2, Vocabulary = 100, Context = 64)]
[Attention(Heads = 4)]
[FeedForward(Intermediate = 96)]
[RmsNorm]
[Weights(WeightType.F16)]
[SparsityProfile("missing.sparsity.json")] // SPI0065
[SignBitPredictor]
public sealed partial class WithoutItsProfile;

[DecoderModel(Hidden = 64, Layers = 2, Vocabulary = 100, Context = 64)]
[Attention(Heads = 4)]
[FeedForward(Intermediate = 96)]
[RmsNorm]
[Weights(WeightType.F16)]
[SparsityProfile("text.sparsity.json")] // SPI0066
[SignBitPredictor]
public sealed partial class WithUnreadableProfile;

[DecoderModel(Hidden = 64, Layers = 2, Vocabulary = 100, Context = 64)]
[Attention(Heads = 4)]
[FeedForward(Intermediate = 96)]
[RmsNorm]
[Weights(WeightType.F16)]
[SparsityProfile("other.sparsity.json")] // SPI0067
[SignBitPredictor]
public sealed partial class WithProfileOfAnother;

[DecoderModel(Hidden = 64, Layers = 2, Vocabulary = 100, Context = 64)]
[Attention(Heads = 4)]
[FeedForward(Intermediate = 96)]
[RmsNorm]
[Weights(WeightType.F16)]
[SparsityProfile("short.sparsity.json")]
[SignBitPredictor] // SPI0068
public sealed partial class WithShortProfile;

[DecoderModel(Hidden = 64, Layers = 2, Vocabulary = 100, Context = 64)]
[Attention(Heads = 4)]
[FeedForward(Intermediate = 96)]
[RmsNorm]
[Weights(WeightType.F16)]
[SparsityProfile("short.sparsity.json")] // SPI0069
[SignBitPredictor(Alpha = 1.05f)]
public sealed partial class WithIdleProfile;
