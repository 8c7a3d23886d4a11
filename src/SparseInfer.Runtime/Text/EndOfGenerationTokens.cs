namespace SparseInfer.Text;

/// <summary>
/// The tokens at which generation ends: the end of the sequence, those that a file names by id, and those with a text that is known to end
/// a turn or message. Files often name the latter by nothing else.
/// </summary>
internal static class EndOfGenerationTokens
{
    private const string End = "<|end|>";
    private const string EndOfSequence = "</s>";

    /// <summary>
    /// As in llama.cpp (<c>special_eog_ids</c>, llama-vocab.cpp), fill-in-the-middle's ends of a file among them. The type a file gives
    /// them does not matter: some files call control tokens normal ones.
    /// </summary>
    private static readonly string[] Pieces =
    [
        "<|eot_id|>", "<|im_end|>", End, "<|return|>", "<|call|>", "<|flush|>", "<|calls|>", "<end_of_turn>", "<|endoftext|>", "<|eom_id|>", "<EOT>",
        "_<EOT>", "[EOT]", "[EOS]", "<|end_of_text|>", "<end_of_utterance>", "<eos>", "<turn|>", "<\uFF5Cend\u2581of\u2581sentence\uFF5C>", "[e~[",
        "<|tool_response>", "<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "<|fim_repo|>", "<|repo_name|>", "<fim-repo>",
        "<REPO>", "<reponame>", "<|file_sep|>",
    ];

    /// <summary>
    /// Whether a text names a control token, whatever type a file gives it: those above, and the end of the sequence in SentencePiece
    /// models, which ends nothing where the file does not say so.
    /// </summary>
    public static bool IsControl(string piece) => piece == EndOfSequence || Array.IndexOf(Pieces, piece) >= 0;

    /// <summary>The ids.</summary>
    public static HashSet<int> Of(IVocabulary vocabulary)
    {
        HashSet<int> tokens = [.. vocabulary.EndOfGeneration];
        if (vocabulary.EndOfSequence is { } endOfSequence)
        {
            tokens.Add(endOfSequence);
        }

        foreach (string piece in Pieces)
        {
            if (vocabulary.TryGetToken(piece, out int token))
            {
                tokens.Add(token);
            }
        }

        // In OpenAI's harmony format and Solar's, this one separates the messages of one answer.
        bool calls = vocabulary.TryGetToken("<|call|>", out _) || vocabulary.TryGetToken("<|calls|>", out _);
        bool returns = vocabulary.TryGetToken("<|return|>", out _) || vocabulary.TryGetToken("<|flush|>", out _);
        if (calls && returns && vocabulary.TryGetToken(End, out int separator))
        {
            tokens.Remove(separator);
        }

        return tokens;
    }
}
