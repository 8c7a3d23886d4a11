using Broken;
using SparseInfer;

// What a program does with its declarations: none of it may be in error because a declaration is.
using LanguageModel healthy = Healthy.Load("model.gguf");
using LanguageModel broken = WithOddHeads.Load("model.gguf");
using LanguageModel onDevice = WithoutWeights.Load("model.gguf", healthy.Device, new LoadOptions());
FeedForwardKernel[] layers = [HealthyLayers.Mlp, Policies.WithNegativeAlpha, LayersOfTheWrongForm.WithoutWeights, Generic<int>.Mlp];
return layers.Length + TooLarge.DeclaredShape.Context;

[DecoderModel(Hidden = 64, Layers = 2, Vocabulary = 100, Context = 64)]
[Attention(Heads = 4)]
[FeedForward(Intermediate = 96)]
[RmsNorm]
[SignBitPredictor]
[Weights(WeightType.F16)]
public sealed partial class Healthy;

public static partial class HealthyLayers
{
    [FeedForward(Hidden = 64, Intermediate = 96)]
    [Weights(WeightType.F32)]
    public static partial FeedForwardKernel Mlp { get; }
}
