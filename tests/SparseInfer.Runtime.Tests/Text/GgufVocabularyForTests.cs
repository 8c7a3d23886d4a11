using System.Buffers.Binary;
using System.Text;
using SparseInfer.Text;

namespace SparseInfer.Runtime.Tests.Text;

/// <summary>Just enough of GGUF to get a vocabulary out of a test file. To be replaced by the runtime's own reader.</summary>
internal static class GgufVocabularyForTests
{
    public static SentencePieceVocabulary Load(params string[] path)
    {
        Dictionary<string, object> metadata = ReadMetadata(File.ReadAllBytes(TestData.Path(path)));
        return new SentencePieceVocabulary(
            Values<string>("tokenizer.ggml.tokens"),
            Values<float>("tokenizer.ggml.scores"),
            [.. Values<int>("tokenizer.ggml.token_type").Select(type => (TokenType)type)],
            (int)(uint)metadata["tokenizer.ggml.bos_token_id"],
            (int)(uint)metadata["tokenizer.ggml.eos_token_id"],
            (int)(uint)metadata["tokenizer.ggml.unknown_token_id"],
            (bool)metadata["tokenizer.ggml.add_bos_token"]);

        T[] Values<T>(string key) => [.. ((object[])metadata[key]).Cast<T>()];
    }

    private static Dictionary<string, object> ReadMetadata(ReadOnlySpan<byte> rest)
    {
        rest = rest[16..];
        ulong count = BinaryPrimitives.ReadUInt64LittleEndian(rest);
        rest = rest[8..];
        var metadata = new Dictionary<string, object>();
        for (ulong i = 0; i < count; i++)
        {
            string key = ReadString(ref rest);
            metadata[key] = ReadValue(ref rest, ReadUInt32(ref rest));
        }

        return metadata;
    }

    private static object ReadValue(ref ReadOnlySpan<byte> rest, uint type)
    {
        switch (type)
        {
            case 4:
                return ReadUInt32(ref rest);
            case 5:
                return (int)ReadUInt32(ref rest);
            case 6:
                return BitConverter.UInt32BitsToSingle(ReadUInt32(ref rest));
            case 7:
                bool value = rest[0] != 0;
                rest = rest[1..];
                return value;
            case 8:
                return ReadString(ref rest);
            case 9:
                uint elementType = ReadUInt32(ref rest);
                object[] values = new object[(int)ReadUInt64(ref rest)];
                for (int i = 0; i < values.Length; i++)
                {
                    values[i] = ReadValue(ref rest, elementType);
                }

                return values;
            default:
                throw new NotSupportedException($"The test files have no value of type {type}.");
        }
    }

    private static string ReadString(ref ReadOnlySpan<byte> rest)
    {
        int length = (int)ReadUInt64(ref rest);
        string text = Encoding.UTF8.GetString(rest[..length]);
        rest = rest[length..];
        return text;
    }

    private static uint ReadUInt32(ref ReadOnlySpan<byte> rest)
    {
        uint value = BinaryPrimitives.ReadUInt32LittleEndian(rest);
        rest = rest[4..];
        return value;
    }

    private static ulong ReadUInt64(ref ReadOnlySpan<byte> rest)
    {
        ulong value = BinaryPrimitives.ReadUInt64LittleEndian(rest);
        rest = rest[8..];
        return value;
    }
}
