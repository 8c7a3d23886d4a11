using System.Diagnostics.CodeAnalysis;

namespace SparseInfer.Files;

/// <summary>
/// What a model file says about itself, by key: a GGUF's own keys (<c>llama.block_count</c>), or those of the <c>config.json</c> beside
/// safetensors (<c>num_hidden_layers</c>, and <c>rope_scaling.factor</c> for a value inside an object). Values stay in the mapping and are
/// decoded when asked for, so hold on to an array instead of asking twice. Valid until the <see cref="ModelFile"/> is disposed.
/// </summary>
/// <remarks>
/// A <c>TryGet</c> is false when the key is absent or holds another kind of value; <see cref="Describe"/> tells these apart. Integers of
/// every width are one kind, and integers are also accepted where a floating-point number is asked for. What cannot be decoded at all,
/// a text that is no UTF-8, throws <see cref="ModelFormatException"/>: a text that nobody asks for does not keep a model from loading.
/// </remarks>
public abstract class ModelMetadata
{
    /// <summary>
    /// The most elements that one array is decoded to. Vocabularies have a few hundred thousand; the bound keeps what is allocated small
    /// whatever a file claims.
    /// </summary>
    internal const int MaximumElements = 1 << 24;

    private protected ModelMetadata(string path) => Path = path;

    /// <summary>The file that the values come from, for messages.</summary>
    public string Path { get; }

    /// <summary>Every key, in the file's order.</summary>
    public abstract IReadOnlyList<string> Keys { get; }

    /// <summary>What a key holds, in words (<c>u32</c>, <c>array of 512 strings</c>); null when there is no such key.</summary>
    public abstract string? Describe(string key);

    /// <summary>A text.</summary>
    public abstract bool TryGetString(string key, [NotNullWhen(true)] out string? value);

    /// <summary>An integer of any width that fits into 64 bits with a sign.</summary>
    public abstract bool TryGetInt64(string key, out long value);

    /// <summary>A number, whole or not; it may be infinite or NaN.</summary>
    public abstract bool TryGetDouble(string key, out double value);

    /// <summary>True or false.</summary>
    public abstract bool TryGetBoolean(string key, out bool value);

    /// <summary>An array of texts.</summary>
    public abstract bool TryGetStringArray(string key, [NotNullWhen(true)] out string[]? values);

    /// <summary>An array of numbers, rounded to single precision.</summary>
    public abstract bool TryGetSingleArray(string key, [NotNullWhen(true)] out float[]? values);

    /// <summary>An array of integers that all fit into 32 bits with a sign.</summary>
    public abstract bool TryGetInt32Array(string key, [NotNullWhen(true)] out int[]? values);

    /// <summary>A text that must be there.</summary>
    /// <exception cref="ModelFormatException">The key is missing or holds something else.</exception>
    public string GetString(string key) => TryGetString(key, out string? value) ? value : throw Missing(key, "a string");

    /// <summary>An integer that must be there.</summary>
    /// <exception cref="ModelFormatException">The key is missing or holds something else.</exception>
    public long GetInt64(string key) => TryGetInt64(key, out long value) ? value : throw Missing(key, "an integer");

    /// <summary>A number that must be there.</summary>
    /// <exception cref="ModelFormatException">The key is missing or holds something else.</exception>
    public double GetDouble(string key) => TryGetDouble(key, out double value) ? value : throw Missing(key, "a number");

    /// <summary>An error about one key.</summary>
    private protected ModelFormatException Error(string key, string fault) =>
        new(Path, $"metadata key {FileText.Quote(key)} {fault}");

    private ModelFormatException Missing(string key, string wanted) => Describe(key) is { } found
        ? Error(key, $"is {found}, but must be {wanted}. Convert the model again.")
        : Error(key, $"is missing; it must be {wanted}. Convert the model again with a converter that writes it.");
}
