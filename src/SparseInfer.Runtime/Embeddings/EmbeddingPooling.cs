namespace SparseInfer;

/// <summary>What becomes of the hidden states of a text's tokens: the vectors after the last norm, before the output head.</summary>
public enum EmbeddingPooling
{
    /// <summary>Their mean.</summary>
    Mean,

    /// <summary>The first token's, which sees nothing of the text after it: for models that were trained so alone. llama.cpp's <c>cls</c>.</summary>
    First,

    /// <summary>The last token's, which has seen the whole text.</summary>
    Last,

    /// <summary>They stay as they are: a vector for each token.</summary>
    None,
}
