using System.Buffers.Binary;

namespace SparseInfer.Files;

/// <summary>What a file turned out to be.</summary>
internal enum ModelContent
{
    Gguf,
    Safetensors,
    ShardIndex,
}

/// <summary>Finds the file that a path means, and tells by its first bytes what it is.</summary>
internal static class ModelLocator
{
    private const string SingleFile = "model.safetensors";
    private const string IndexSuffix = ".safetensors.index.json";

    /// <summary>What PowerInfer's tools write in place of 'GGUF', so that llama.cpp does not take their files for its own. Nothing else differs.</summary>
    private static ReadOnlySpan<byte> PowerInfer => "PWRI"u8;

    /// <summary>What PyTorch saves: pickled objects, which only Python reads.</summary>
    private static readonly string[] PickledPatterns = ["pytorch_model*.bin", "pytorch_model*.bin.index.json", "*.pth", "*.pt", "*.ckpt"];

    /// <summary>Names in capitals are the same names.</summary>
    private static readonly EnumerationOptions AnyCase = new()
    {
        MatchCasing = MatchCasing.CaseInsensitive,
        AttributesToSkip = 0,
        IgnoreInaccessible = false,
    };

    /// <summary>The file to open for a path: itself, or the one model in a folder.</summary>
    public static string Resolve(string path)
    {
        if (File.Exists(path))
        {
            return path;
        }

        if (!Directory.Exists(path))
        {
            throw new FileNotFoundException($"There is no model at {path}: neither a file nor a folder of that name exists.", path);
        }

        string single = Path.Combine(path, SingleFile);
        if (File.Exists(single))
        {
            return single;
        }

        return OnlyOne(path, SingleFile)
            ?? OnlyOne(path, "*" + IndexSuffix)
            ?? OnlyOne(path, "*.safetensors")
            ?? OnlyOne(path, "*.gguf")
            ?? throw new ModelFormatException(path, WhyNone(path));
    }

    /// <summary>The <c>config.json</c> that describes a safetensors file: the one in its folder, if any.</summary>
    public static string? FindConfig(string file)
    {
        string config = Path.Combine(Path.GetDirectoryName(file) ?? "", "config.json");
        return File.Exists(config) ? config : null;
    }

    /// <summary>Tells the content from the first bytes. The extension is used for nothing but a better error.</summary>
    public static ModelContent Recognize(FileRegion region)
    {
        if (region.Length == 0)
        {
            throw new ModelFormatException(region.Path, "the file is empty. Download or convert it again.");
        }

        var head = region.Span(0, (int)Math.Min(region.Length, 64));
        if (head.StartsWith("GGUF"u8) || head.StartsWith(PowerInfer))
        {
            return ModelContent.Gguf;
        }

        // A safetensors file starts with the header's length, never near 2^56, and the header with a brace.
        if (head.Length > 8 && head[7] == 0 && head[8] == (byte)'{')
        {
            return ModelContent.Safetensors;
        }

        if (head[0] == (byte)'{')
        {
            return ModelContent.ShardIndex;
        }

        string extension = Path.GetExtension(region.Path);
        if (extension.Equals(".safetensors", StringComparison.OrdinalIgnoreCase) && !head.StartsWith("version https://git-lfs"u8))
        {
            return ModelContent.Safetensors;
        }

        throw new ModelFormatException(region.Path, Unrecognized(head));
    }

    private static string Unrecognized(ReadOnlySpan<byte> head)
    {
        if (head.StartsWith("version https://git-lfs"u8))
        {
            return "this is a Git LFS pointer, not the model itself. Fetch it with 'git lfs pull'.";
        }

        if (head.StartsWith("PK\u0003\u0004"u8))
        {
            return "this is a zip archive (PyTorch's format?). Convert the model to safetensors or GGUF.";
        }

        if (head.Length > 1 && head[0] == 0x80 && head[1] is >= 2 and <= 5)
        {
            return "this is a Python pickle (PyTorch's older format?). Convert the model to safetensors or GGUF.";
        }

        uint magic = head.Length < 4 ? 0 : BinaryPrimitives.ReadUInt32LittleEndian(head);

        // 'ggml', 'ggmf', 'ggjt', 'ggla': the containers before GGUF, their magic numbers from llama.cpp's history.
        if (magic is 0x67676d6c or 0x67676d66 or 0x67676a74 or 0x67676c61)
        {
            return "this is a model in a ggml format older than GGUF. Convert the original model to GGUF again.";
        }

        return "this is neither a GGUF file (it does not start with 'GGUF') nor a safetensors file (it does not start with the length of "
            + "a JSON header). Name the model file, or download it again if this should be one.";
    }

    private static string WhyNone(string folder)
    {
        string[] pickled = [.. PickledPatterns.SelectMany(pattern => Directory.GetFiles(folder, pattern, AnyCase))];
        if (pickled.Length == 0)
        {
            return "the folder holds no model: it has neither a *.safetensors nor a *.gguf file. Name the folder or file that has one.";
        }

        return $"the folder holds a model in PyTorch's own format only ({FileText.Show(Path.GetFileName(pickled.Min(StringComparer.Ordinal)!))}), "
            + "which is not read: convert it to safetensors (in Python, model.save_pretrained(folder, safe_serialization=True)), or to GGUF.";
    }

    private static string? OnlyOne(string folder, string pattern)
    {
        string[] found = Directory.GetFiles(folder, pattern, AnyCase);
        if (found.Length <= 1)
        {
            return found.FirstOrDefault();
        }

        Array.Sort(found, StringComparer.Ordinal);
        string names = string.Join(", ", found.Take(3).Select(file => FileText.Show(Path.GetFileName(file)))) + (found.Length > 3 ? ", …" : "");
        throw new ModelFormatException(folder, $"the folder holds {found.Length} files {pattern} ({names}). Name the one to open.");
    }
}
