using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using SparseInfer.Cli.Serve.Http;

namespace SparseInfer.Cli.Serve.Protocol;

/// <summary>Everything that is written, serialized by code made at build time.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ChatReply))]
[JsonSerializable(typeof(ChatChunk))]
[JsonSerializable(typeof(ChatChunkWithUsage))]
[JsonSerializable(typeof(CompletionReply))]
[JsonSerializable(typeof(CompletionReplyWithUsage))]
[JsonSerializable(typeof(EmbeddingReply<float>), TypeInfoPropertyName = "EmbeddingReplySingle")]
[JsonSerializable(typeof(EmbeddingReply<byte>), TypeInfoPropertyName = "EmbeddingReplyByte")]
[JsonSerializable(typeof(ModelsReply))]
[JsonSerializable(typeof(ModelReply))]
[JsonSerializable(typeof(TokenizeReply))]
[JsonSerializable(typeof(TokenPiecesReply))]
[JsonSerializable(typeof(DetokenizeReply))]
[JsonSerializable(typeof(StatusReply))]
[JsonSerializable(typeof(ErrorReply))]
[JsonSerializable(typeof(LogLine))]
[JsonSerializable(typeof(string))]
[JsonSerializable(typeof(int[]))]
internal sealed partial class ReplyJson : JsonSerializerContext
{
    /// <summary>Letters as they are: the text is read as JSON, never as HTML.</summary>
    private static readonly JsonWriterOptions Writing = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes a value.</summary>
    public static void Write<T>(System.Buffers.IBufferWriter<byte> output, T value, JsonTypeInfo<T> type)
    {
        using var writer = new Utf8JsonWriter(output, Writing);
        JsonSerializer.Serialize(writer, value, type);
    }
}
