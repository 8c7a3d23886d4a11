using System.Text;

namespace SparseInfer.Runtime.Tests.Files;

/// <summary>Composes the bytes of a GGUF file without any check, so that a test can tell any lie.</summary>
internal sealed class RawGguf
{
    private readonly MemoryStream _keys = new();
    private readonly MemoryStream _tensors = new();
    private ulong _keyCount;
    private ulong _tensorCount;

    public uint Version { get; init; } = 3;

    /// <summary>What the header claims, where that shall differ from the truth.</summary>
    public ulong? ClaimedKeys { get; init; }

    public ulong? ClaimedTensors { get; init; }

    public int DataBytes { get; init; }

    public static byte[] Utf8(string text) => [.. U64((ulong)Encoding.UTF8.GetByteCount(text)), .. Encoding.UTF8.GetBytes(text)];

    public static byte[] U32(uint value) => BitConverter.GetBytes(value);

    public static byte[] U64(ulong value) => BitConverter.GetBytes(value);

    public RawGguf Key(string name, uint type, params byte[][] value)
    {
        _keyCount++;
        _keys.Write([.. Utf8(name), .. U32(type), .. value.SelectMany(bytes => bytes)]);
        return this;
    }

    /// <summary>Adds a tensor; sizes as in the file, innermost first.</summary>
    public RawGguf Tensor(string name, uint type, ulong offset, params ulong[] sizes)
    {
        _tensorCount++;
        _tensors.Write([.. Utf8(name), .. U32((uint)sizes.Length), .. sizes.SelectMany(U64), .. U32(type), .. U64(offset)]);
        return this;
    }

    public byte[] ToArray()
    {
        byte[] head =
        [
            .. "GGUF"u8, .. U32(Version), .. U64(ClaimedTensors ?? _tensorCount), .. U64(ClaimedKeys ?? _keyCount),
            .. _keys.ToArray(), .. _tensors.ToArray(),
        ];
        int padding = DataBytes == 0 ? 0 : -head.Length & 31;
        return [.. head, .. new byte[padding + DataBytes]];
    }
}
