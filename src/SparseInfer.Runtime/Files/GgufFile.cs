using System.Buffers.Binary;
using System.Numerics;

namespace SparseInfer.Files;

/// <summary>
/// A GGUF file, version 2 or 3, little-endian. Layout (ggml's docs/gguf.md): magic, version, number of tensors, number of keys; the
/// key-value pairs; the tensor table; padding; the data.
/// </summary>
internal sealed class GgufFile : ModelFile
{
    public const string AlignmentKey = "general.alignment";
    public const int DefaultAlignment = 32;

    private const string SplitCountKey = "split.count";
    private const string ArchitectureKey = "general.architecture";

    /// <summary>The longest name of an architecture. It begins the names of most other keys, so that it is joined to each of them.</summary>
    private const int MaximumArchitectureBytes = 256;

    /// <summary>The specification wants a multiple of 8; what is larger than a huge page is a damaged number.</summary>
    private const int MinimumAlignment = 8;
    private const int MaximumAlignment = 2 << 20;

    private GgufFile(string path, FileRegion region, TensorTable tensors, GgufMetadata metadata)
        : base(path, ModelFileFormat.Gguf, tensors, metadata, [region])
    {
    }

    public static bool IsSoundAlignment(long alignment) =>
        alignment is >= MinimumAlignment and <= MaximumAlignment && BitOperations.IsPow2(alignment);

    public static GgufFile Read(string path, FileRegion region)
    {
        var cursor = new GgufCursor(region);
        cursor.ReadBytes(4, "the magic number");
        CheckVersion(cursor);
        long tensorCount = cursor.ReadCount(GgufTensorReader.MinimumTensorBytes, "tensors");
        if (tensorCount > TensorTable.MaximumCount)
        {
            throw cursor.Error($"claims {tensorCount} tensors; no more than {TensorTable.MaximumCount} are read. {FileText.Mend}");
        }

        long keyCount = cursor.ReadCount(GgufMetadataReader.MinimumPairBytes, "metadata keys");
        var metadata = new GgufMetadataReader(cursor).Read(keyCount);
        CheckArchitecture(metadata);
        CheckSplit(metadata);
        var tensors = new GgufTensorReader(cursor, ReadAlignment(metadata)).Read(tensorCount);
        return new GgufFile(path, region, tensors, metadata);
    }

    private static void CheckVersion(GgufCursor cursor)
    {
        uint version = cursor.ReadUInt32("the version");
        if (version is 2 or 3)
        {
            return;
        }

        if (version == 1)
        {
            throw cursor.Error("says GGUF version 1; versions 2 and 3 are read. Convert the original model again.");
        }

        // Versions are small: one whose low half is zero was written the other way round.
        if ((version & 0xFFFF) == 0 && version != 0)
        {
            throw cursor.Error($"says this is a big-endian GGUF (version {BinaryPrimitives.ReverseEndianness(version)} byte-swapped); "
                + "little-endian files are read. Convert the model again as little-endian.");
        }

        throw cursor.Error($"says GGUF version {version}; versions 2 and 3 are read. The file is damaged, or newer than this reader.");
    }

    private static int ReadAlignment(GgufMetadata metadata)
    {
        if (metadata.Describe(AlignmentKey) is not { } found)
        {
            return DefaultAlignment;
        }

        if (metadata.TryGetInt64(AlignmentKey, out long alignment) && IsSoundAlignment(alignment))
        {
            return (int)alignment;
        }

        throw new ModelFormatException(metadata.Path, $"metadata key '{AlignmentKey}' is {found} {alignment}, but must be a power of two "
            + $"from {MinimumAlignment} to {MaximumAlignment}. {FileText.Mend}");
    }

    private static void CheckArchitecture(GgufMetadata metadata)
    {
        if (metadata.TextLength(ArchitectureKey) is { } bytes && bytes > MaximumArchitectureBytes)
        {
            throw new ModelFormatException(metadata.Path, $"metadata key '{ArchitectureKey}' is a text of {bytes} bytes, but the name of an "
                + $"architecture has at most {MaximumArchitectureBytes}. {FileText.Mend}");
        }
    }

    private static void CheckSplit(GgufMetadata metadata)
    {
        if (metadata.TryGetInt64(SplitCountKey, out long parts) && parts > 1)
        {
            throw new ModelFormatException(metadata.Path, $"metadata key '{SplitCountKey}' says that this is one of {parts} parts of a "
                + "split model. Join them with llama.cpp's 'llama-gguf-split --merge' and open the result.");
        }
    }
}
