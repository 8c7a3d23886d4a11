using SparseInfer.Files;

namespace SparseInfer.Models.Tests;

/// <summary>
/// The bundled vocabulary with two frequent tokens and two bytes in each other's place: what the model writes is then full of characters
/// in two tokens, of halves of such, and of bytes that belong to none.
/// </summary>
internal static class ByteVocabulary
{
    private const string Tokens = "tokenizer.ggml.tokens";
    private const string Types = "tokenizer.ggml.token_type";

    /// <summary>A GGUF file of nothing but the vocabulary.</summary>
    public static string Write(string path)
    {
        using ModelFile file = ModelFile.Open(BundledFiles.ReluGguf);
        file.Metadata.TryGetStringArray(Tokens, out string[]? pieces).ShouldBeTrue();
        file.Metadata.TryGetInt32Array(Types, out int[]? types).ShouldBeTrue();
        Swap("▁a", "<0xC3>");
        Swap("e", "<0xC3>", second: true);
        return new GgufCopy().Key(Tokens, writer => writer.Add(Tokens, pieces!)).Key(Types, writer => writer.Add(Types, types))
            .Write(BundledFiles.ReluGguf, path);

        void Swap(string piece, string with, bool second = false)
        {
            int a = Array.IndexOf(pieces!, piece);
            int b = Array.IndexOf(pieces!, second ? "<0xA9>" : with);
            (pieces![a], pieces[b]) = (pieces[b], pieces[a]);
            (types![a], types[b]) = (types[b], types[a]);
        }
    }
}
