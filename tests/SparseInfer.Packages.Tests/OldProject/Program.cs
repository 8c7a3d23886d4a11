using SparseInfer;

System.Console.WriteLine(Old.DeclaredShape);
System.Console.WriteLine(Old.Load("model.gguf"));

[DecoderModel(Hidden = 64, Layers = 2, Vocabulary = 100, Context = 64)]
[Attention(Heads = 4)]
[FeedForward(Intermediate = 96)]
[RmsNorm]
[Weights(WeightType.F16)]
public sealed partial class Old // SPI0040
{
}
