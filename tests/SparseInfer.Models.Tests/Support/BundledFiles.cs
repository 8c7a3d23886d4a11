using System.Runtime.InteropServices;

namespace SparseInfer.Models.Tests;

/// <summary>The real models and texts beside the tests.</summary>
internal static class BundledFiles
{
    public static string ReluFolder => At("stories-relu");

    public static string ReluGguf => Path.Combine(ReluFolder, "stories-relu.gguf");

    public static string ReluSafetensors => Path.Combine(ReluFolder, "model.safetensors");

    public static string Stories260KFolder => At("stories260K");

    public static string Stories260KGguf => Path.Combine(Stories260KFolder, "stories260K.gguf");

    /// <summary>A vocabulary without a model.</summary>
    public static string Phi3Vocabulary => At("ggml-vocab-phi-3.gguf");

    /// <summary>24,000 token ids of held-out text, in the vocabulary of both models.</summary>
    public static ushort[] EvaluationTokens { get; } =
        MemoryMarshal.Cast<byte, ushort>(File.ReadAllBytes(Path.Combine(ReluFolder, "evaluation-tokens.u16"))).ToArray();

    /// <summary>The begin-of-sequence token and the text's opening.</summary>
    public static int[] Opening(int tokens) => [1, .. EvaluationTokens.Take(tokens - 1).Select(token => (int)token)];

    private static string At(string name) => Path.Combine(AppContext.BaseDirectory, "models", name);
}
