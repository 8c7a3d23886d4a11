using SparseInfer.Files;
using SparseInfer.Text;

namespace SparseInfer.Loading;

/// <summary>Finds the tokenizer of a model, and reads it: in a GGUF file itself, or beside safetensors.</summary>
internal static class TokenizerReader
{
    /// <summary>Of safetensors without a tokenizer beside them, as a clause.</summary>
    public const string WhyNone =
        $"safetensors files have none, and there is no {CompanionFiles.TokenizerJson} or {CompanionFiles.SentencePiece} beside them";

    /// <summary>The tokenizer of an open model, or null with the reason why there is none that can be used.</summary>
    /// <param name="file">The model.</param>
    /// <param name="notes">Gets a sentence for each oddity.</param>
    /// <param name="reason">What is wrong, as a clause that can follow a colon.</param>
    public static Tokenizer? Read(ModelFile file, ICollection<string> notes, out string? reason)
    {
        CompanionFiles? files = CompanionFiles.Of(file);
        if (files?.Tokenizer is not { } name)
        {
            if (file.Format != ModelFileFormat.Safetensors)
            {
                return GgufTokenizer.Read(file, notes, out reason);
            }

            reason = WhyNone;
            return null;
        }

        try
        {
            reason = null;
            return ReadFile(files, name, EndOfGenerationIds.In(files, notes));
        }
        catch (Exception exception) when (exception is ModelFormatException or IOException or UnauthorizedAccessException)
        {
            string fault = exception is ModelFormatException wrong ? wrong.Fault : exception.Message;
            reason = $"{name}: {fault.TrimEnd('.')}";
            return null;
        }
    }

    /// <summary>The tokenizer that a path means: a file with nothing but a tokenizer, or what a model's file or folder has.</summary>
    /// <param name="path">A file or a folder.</param>
    /// <param name="notes">Gets a sentence for each oddity.</param>
    /// <param name="endOfGeneration">Further tokens at which generation ends, from elsewhere; what is no token is ignored.</param>
    /// <exception cref="FileNotFoundException">There is neither a file nor a folder of that name.</exception>
    /// <exception cref="ModelFormatException">There is no tokenizer that can be used.</exception>
    public static Tokenizer Open(string path, ICollection<string> notes, IReadOnlyList<int>? endOfGeneration = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (FindAlone(path) is { } alone)
        {
            CompanionFiles files = CompanionFiles.InFolder(CompanionFiles.FolderOf(alone));
            return ReadFile(files, Path.GetFileName(alone), [.. EndOfGenerationIds.In(files, notes), .. endOfGeneration ?? []]);
        }

        using ModelFile file = ModelFile.Open(path);
        return (file.Format == ModelFileFormat.Safetensors || CompanionFiles.Of(file)?.Tokenizer is not null
                ? Read(file, notes, out string? reason)
                : GgufTokenizer.Read(file, notes, out reason, endOfGeneration))
            ?? throw GgufTokenizer.Refuse(file, reason);
    }

    private static Tokenizer ReadFile(CompanionFiles files, string name, IReadOnlyList<int> endOfGeneration)
    {
        try
        {
            return IsSentencePiece(name) ? SentencePieceModel.Read(files, name, endOfGeneration) : TokenizerJson.Read(files, name, endOfGeneration);
        }
        catch (InvalidDataException wrong)
        {
            throw new ModelFormatException(files.PathOf(name), wrong.Message);
        }
    }

    /// <summary>The file to read where a path means a tokenizer and no model.</summary>
    public static string? FindAlone(string path)
    {
        if (File.Exists(path))
        {
            bool isIndex = path.EndsWith(".index.json", StringComparison.OrdinalIgnoreCase);
            bool isJson = path.EndsWith(".json", StringComparison.OrdinalIgnoreCase);
            return (isJson && !isIndex) || IsSentencePiece(path) ? path : null;
        }

        // Beside a GGUF file, its own goes first.
        return Directory.Exists(path) && !Directory.EnumerateFiles(path, "*.gguf").Any() && CompanionFiles.InFolder(path).Tokenizer is { } name
            ? Path.Combine(path, name)
            : null;
    }

    private static bool IsSentencePiece(string path) => path.EndsWith(".model", StringComparison.OrdinalIgnoreCase);
}
