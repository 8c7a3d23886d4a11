using System.Security.Cryptography;
using System.Text;

namespace SparseInfer.Cli.Serve;

/// <summary>The key that requests have to know. It is compared in constant time, and never printed.</summary>
internal sealed class ApiKey
{
    /// <summary>Where the key is, if it is in no file.</summary>
    public const string Variable = "SPARSEINFER_API_KEY";

    private const int MaxLength = 4096;

    /// <summary>Hashes are of one length, so that the comparison tells nothing of the key's.</summary>
    private readonly byte[] _hash;

    private ApiKey(string key) => _hash = Hash(key);

    /// <summary>The key of a file or of the environment; null: neither has one.</summary>
    /// <param name="file">A file with the key and perhaps a line end; null: none.</param>
    /// <exception cref="CliException">The file cannot be read, or what is there can be no key.</exception>
    public static ApiKey? Read(string? file)
    {
        if (file is null)
        {
            // Empty is as good as unset: that is how a container file leaves it out.
            return Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } value ? Of(value, Variable) : null;
        }

        try
        {
            if (new FileInfo(file).Length > MaxLength + 2)
            {
                throw new CliException($"--api-key-file {file} is too long for a key: one line of at most {MaxLength} characters.");
            }

            return Of(File.ReadAllText(file).TrimEnd('\r', '\n'), $"--api-key-file {file}");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new CliException($"--api-key-file {file}: {exception.Message}");
        }
    }

    /// <summary>Whether somebody has said the key.</summary>
    public bool Is(string said) => CryptographicOperations.FixedTimeEquals(_hash, Hash(said));

    private static ApiKey Of(string key, string from) =>
        key.Length is > 0 and <= MaxLength && key.All(c => c is > ' ' and < '\u007f')
            ? new(key)
            : throw new CliException($"{from} holds no key: one line of ASCII letters, digits and signs, without spaces, at most {MaxLength} characters.");

    private static byte[] Hash(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));
}
