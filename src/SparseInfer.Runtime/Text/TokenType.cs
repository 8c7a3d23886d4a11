namespace SparseInfer.Text;

/// <summary>What a token of a vocabulary stands for. The values are those of GGUF's <c>tokenizer.ggml.token_type</c>.</summary>
public enum TokenType
{
    /// <summary>The file does not say; treated as <see cref="Normal"/>.</summary>
    Undefined = 0,

    /// <summary>A piece of text, found by merging.</summary>
    Normal = 1,

    /// <summary>Stands for text the vocabulary cannot express. Byte fallback makes it unreachable; it decodes to nothing.</summary>
    Unknown = 2,

    /// <summary>Steers the model (begin of sequence, end of turn) and is not text; it decodes to nothing.</summary>
    Control = 3,

    /// <summary>A text added after training, matched whole before any merging.</summary>
    UserDefined = 4,

    /// <summary>A piece that the training left unused.</summary>
    Unused = 5,

    /// <summary>One byte, written <c>&lt;0xNN&gt;</c>: the fallback for characters that are no piece of their own.</summary>
    Byte = 6,
}
