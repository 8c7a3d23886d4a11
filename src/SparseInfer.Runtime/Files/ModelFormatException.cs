namespace SparseInfer.Files;

/// <summary>
/// A model file is damaged, incomplete, or of a kind that cannot be read. This is the one exception for every bad file: the message names
/// the file, the tensor or key, what is wrong with it and what to do.
/// </summary>
/// <param name="path">The offending file, as the caller named it; a shard or a <c>config.json</c> where the fault lies there.</param>
/// <param name="message">What is wrong and what to do, without the path: that is put in front.</param>
public sealed class ModelFormatException(string path, string message) : Exception($"{path}: {message}")
{
    /// <summary>The file at fault.</summary>
    public string Path { get; } = path;

    /// <summary>The message without the path.</summary>
    internal string Fault { get; } = message;
}
