using SparseInfer.Files;
using SparseInfer.Text;

namespace SparseInfer.Loading;

/// <summary>Builds the tokenizer that a GGUF file describes.</summary>
internal static class GgufTokenizer
{
    /// <summary>The tokenizer, or null with the reason why there is none.</summary>
    /// <param name="file">The GGUF file.</param>
    /// <param name="reason">Why there is none.</param>
    /// <param name="endOfGeneration">Ids of tokens at which generation ends as well, from elsewhere; those it does not have are ignored.</param>
    /// <exception cref="ModelFormatException">There is one, but it is damaged.</exception>
    public static Tokenizer? Read(ModelFile file, out string? reason, IReadOnlyList<int>? endOfGeneration = null)
    {
        ModelMetadata metadata = file.Metadata;
        if (!metadata.TryGetString("tokenizer.ggml.model", out string? kind))
        {
            reason = file.Format == ModelFileFormat.Gguf
                ? "the file has no 'tokenizer.ggml.model'"
                : "safetensors files have none";
            return null;
        }

        if (kind != "llama")
        {
            reason = $"'tokenizer.ggml.model' is '{kind}', and only 'llama' (SentencePiece BPE) is supported";
            return null;
        }

        reason = null;
        string[] pieces = metadata.TryGetStringArray("tokenizer.ggml.tokens", out string[]? tokens) ? tokens : throw Missing("tokenizer.ggml.tokens");
        float[] scores = metadata.TryGetSingleArray("tokenizer.ggml.scores", out float[]? numbers) ? numbers : throw Missing("tokenizer.ggml.scores");
        int[] types = metadata.TryGetInt32Array("tokenizer.ggml.token_type", out int[]? kinds) ? kinds : throw Missing("tokenizer.ggml.token_type");
        try
        {
            return new SentencePieceTokenizer(new SentencePieceVocabulary(
                pieces,
                scores,
                Array.ConvertAll(types, type => (TokenType)type),
                Token("tokenizer.ggml.bos_token_id", 1),
                Token("tokenizer.ggml.eos_token_id", 2),
                Token("tokenizer.ggml.unknown_token_id", 0) ?? 0,
                !metadata.TryGetBoolean("tokenizer.ggml.add_bos_token", out bool bos) || bos,
                !metadata.TryGetBoolean("tokenizer.ggml.add_space_prefix", out bool space) || space,
                [
                    .. EndOfGenerationIds.GgufKeys.Select(key => Token(key, null)).OfType<int>(),
                    .. (endOfGeneration ?? []).Where(id => id < pieces.Length),
                ]));
        }
        catch (InvalidDataException exception)
        {
            throw new ModelFormatException(file.Path, exception.Message);
        }

        int? Token(string key, int? byDefault) => !metadata.TryGetInt64(key, out long id) ? byDefault
            : id >= 0 && id < pieces.Length ? (int)id
            : throw new ModelFormatException(file.Path, $"metadata key '{key}' is {id}, but there are {pieces.Length} tokens.");

        ModelFormatException Missing(string key) => new(file.Path, $"metadata key '{key}' is missing or of another type than the tokenizer needs.");
    }
}
