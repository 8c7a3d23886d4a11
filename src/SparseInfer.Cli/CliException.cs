using SparseInfer.Files;

namespace SparseInfer.Cli;

/// <summary>Something that the user can put right: its message goes to standard error as it is, on one line.</summary>
internal sealed class CliException(string message) : Exception(message)
{
    /// <summary>Runs what reads models: what is wrong with a file, or too large, is the user's to put right.</summary>
    /// <exception cref="CliException">It is; the message is the file's.</exception>
    public static T OfFiles<T>(Func<T> run)
    {
        try
        {
            return run();
        }
        catch (Exception exception) when (
            exception is ModelFormatException or IOException or UnauthorizedAccessException or InsufficientMemoryException)
        {
            throw new CliException(exception.Message);
        }
    }
}
