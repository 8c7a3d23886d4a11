using System.Text;
using LLama;
using LLama.Common;
using LLama.Native;

namespace SparseInfer.Oracle.Tests;

/// <summary>llama.cpp's tokenizer of a GGUF file, without the weights.</summary>
internal sealed class LlamaCppVocabulary : IDisposable
{
    private readonly LLamaWeights _weights;

    /// <param name="path">A GGUF file; one with a vocabulary and no tensors will do.</param>
    public LlamaCppVocabulary(string path)
    {
        _weights = LLamaWeights.LoadFromFile(new ModelParams(path) { VocabOnly = true, GpuLayerCount = 0 });
    }

    public void Dispose() => _weights.Dispose();

    /// <param name="text">The text.</param>
    /// <param name="addBegin">Whether the token that opens sequences goes first, if the file asks for one.</param>
    /// <param name="parseControlTokens">Whether names of control tokens in the text are these tokens.</param>
    public int[] Encode(string text, bool addBegin = true, bool parseControlTokens = false) =>
        [.. _weights.NativeHandle.Tokenize(text, addBegin, parseControlTokens, Encoding.UTF8).Select(token => (int)token)];

    /// <summary>The bytes that a token adds to a text; none for control tokens.</summary>
    public byte[] BytesOf(int token)
    {
        byte[] bytes = new byte[256];
        uint length = _weights.NativeHandle.TokenToSpan((LLamaToken)token, bytes, lstrip: 0, special: false);
        return bytes[..(int)length];
    }
}
