namespace SparseInfer.Cli;

/// <summary>Something that the user can put right: its message goes to standard error as it is, on one line.</summary>
internal sealed class CliException(string message) : Exception(message);
