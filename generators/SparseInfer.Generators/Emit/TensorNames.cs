namespace SparseInfer.Generators.Emit;

/// <summary>
/// Names of tensors outside of the layers, as C# that makes a <c>TensorName</c>: in GGUF files, and in Hugging Face's safetensors.
/// </summary>
internal static class TensorNames
{
    public const string Embedding = "new(\"token_embd.weight\", \"model.embed_tokens.weight\")";

    public const string Head = "new(\"output.weight\", \"lm_head.weight\")";

    public static string OutputNorm(string part) => $"new(\"output_norm.{part}\", \"model.norm.{part}\")";
}
