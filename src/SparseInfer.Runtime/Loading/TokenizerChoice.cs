using SparseInfer.Files;
using SparseInfer.Text;

namespace SparseInfer.Loading;

/// <summary>
/// Which tokenizer a model gets. One that the user names must be good. The file's own may be unusable: the model runs on token ids all the
/// same, and says why when somebody comes with text.
/// </summary>
internal static class TokenizerChoice
{
    private const string Remedy = "Give LoadOptions.TokenizerPath or LoadOptions.Tokenizer, or work with token ids";

    /// <summary>Refuses options that contradict each other.</summary>
    /// <exception cref="ArgumentException">More than one tokenizer is asked for.</exception>
    public static void Require(LoadOptions options)
    {
        List<string> given = [];
        if (options.TokenizerPath is not null)
        {
            given.Add(nameof(LoadOptions.TokenizerPath));
        }

        if (options.Tokenizer is not null)
        {
            given.Add(nameof(LoadOptions.Tokenizer));
        }

        if (options.NoTokenizer)
        {
            given.Add(nameof(LoadOptions.NoTokenizer));
        }

        if (given.Count > 1)
        {
            throw new ArgumentException($"LoadOptions.{string.Join(" and LoadOptions.", given)} exclude each other: give one.", nameof(options));
        }
    }

    /// <summary>The tokenizer, or null with the reason.</summary>
    /// <exception cref="ArgumentException">The user's own does not fit the model.</exception>
    /// <exception cref="ModelFormatException">The file that the user named has none that can be used.</exception>
    public static Tokenizer? Make(ModelFile file, ModelShape shape, LoadOptions options, List<string> notes, out string? whyNone)
    {
        whyNone = null;
        if (options.NoTokenizer)
        {
            whyNone = "LoadOptions.NoTokenizer was given";
            return null;
        }

        if (options.Tokenizer is { } own)
        {
            return own.VocabularySize <= shape.Vocabulary
                ? own
                : throw new ArgumentException($"LoadOptions.Tokenizer {DoesNotFit(own, shape)}.", nameof(options));
        }

        if (options.TokenizerPath is { } path)
        {
            Tokenizer read = TokenizerReader.Open(path, notes, EndOfGenerationIds.Beside(file, shape.Vocabulary, notes));
            return read.VocabularySize <= shape.Vocabulary
                ? read
                : throw new ModelFormatException(path, $"{Subject(TokenizerReader.FindAlone(path) is null)} {DoesNotFit(read, shape)}.");
        }

        Tokenizer? tokenizer = TokenizerReader.Read(file, notes, out whyNone);
        if (tokenizer is not null && tokenizer.VocabularySize > shape.Vocabulary)
        {
            // Text could become tokens that the model has no row for. Ids that it has are as good as ever.
            whyNone = $"{Subject(file.Format == ModelFileFormat.Gguf)} {DoesNotFit(tokenizer, shape)}";
            tokenizer = null;
        }

        if (whyNone is not null)
        {
            notes.Add($"No tokenizer: {whyNone}. {Remedy}.");
        }

        return tokenizer;
    }

    private static string Subject(bool isGguf) => isGguf ? "'tokenizer.ggml.tokens'" : "the tokenizer";

    private static string DoesNotFit(Tokenizer tokenizer, ModelShape shape) =>
        $"has {tokenizer.VocabularySize} tokens, but [DecoderModel] Vocabulary = {shape.Vocabulary} is declared";
}
