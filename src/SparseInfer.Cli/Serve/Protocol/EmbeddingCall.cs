using System.Text.Json;
using SparseInfer.Cli.Serve.Http;
using SparseInfer.Serving;

namespace SparseInfer.Cli.Serve.Protocol;

/// <summary>A request to <c>/v1/embeddings</c>.</summary>
/// <param name="Request">What is asked of the model.</param>
/// <param name="IsBase64">Whether vectors are sent as the bytes of their floats, the lower ones first, in base 64; else as numbers.</param>
internal sealed record EmbeddingCall(EmbeddingRequest Request, bool IsBase64)
{
    /// <summary>OpenAI's, of one request.</summary>
    private const int MaxInputs = 2048;

    /// <summary>Reads a request.</summary>
    /// <param name="parameters">Its body.</param>
    /// <param name="service">What answers it.</param>
    /// <param name="pooling">What vectors are made of; null: what the model's file says.</param>
    /// <exception cref="ApiException">A parameter is wrong.</exception>
    /// <exception cref="TextTooLongException">A list of tokens does not fit.</exception>
    public static EmbeddingCall Read(Parameters parameters, ModelService service, EmbeddingPooling? pooling)
    {
        parameters.Ignore("model", "user");
        EmbeddingRequest request = ReadInput(parameters, service);
        bool isBase64 = parameters.Choice("encoding_format", "float", "base64") == "base64";
        int width = service.Model.Shape.Hidden;
        int? dimensions = (int?)parameters.Integer("dimensions", 1, width);
        parameters.EndHere();
        if (dimensions < width && !service.Options.Matryoshka)
        {
            throw ApiException.Invalid("This model does not support specifying dimensions.");
        }

        return (pooling ?? service.Model.DefaultPooling) is { } known
            ? new(request with { Options = new() { Pooling = known, Dimensions = dimensions } }, isBase64)
            : throw ApiException.Invalid("What this model's file says of pooling is not computed. Start the server with --pooling.", null, "no_pooling");
    }

    /// <summary>A text, texts, tokens, or several lists of tokens.</summary>
    private static EmbeddingRequest ReadInput(Parameters parameters, ModelService service)
    {
        JsonElement value = parameters.Require("input");
        bool isOne = value.ValueKind != JsonValueKind.Array || (value.GetArrayLength() > 0 && value[0].ValueKind == JsonValueKind.Number);
        JsonElement[] inputs = isOne ? [value] : parameters.List("input", "strings", MaxInputs);
        if (inputs.Length == 0)
        {
            throw Empty();
        }

        return inputs[0].ValueKind == JsonValueKind.Array
            ? new(inputs.Select((input, i) => Tokens(input, i, isOne ? "input" : $"input[{i}]", service)).ToArray())
            : new(inputs.Select((input, i) => Text(input, isOne ? "input" : $"input[{i}]")).ToArray());
    }

    private static string Text(JsonElement input, string path) =>
        input.ValueKind != JsonValueKind.String ? throw WrongInput(path, input) : input.GetString() is { Length: > 0 } text ? text : throw Empty();

    private static int[] Tokens(JsonElement input, int index, string path, ModelService service)
    {
        // Not read where it is too long: a body holds millions.
        int length = input.ValueKind == JsonValueKind.Array ? input.GetArrayLength() : throw WrongInput(path, input);
        return length == 0 ? throw Empty()
            : length > service.Context ? throw new TextTooLongException(index, length, service.Context)
            : CompletionPrompt.TokenIds([.. input.EnumerateArray()], path, service.Model.Shape.Vocabulary);
    }

    /// <summary>OpenAI's service says no more of an empty text, and of an empty list.</summary>
    private static ApiException Empty() => ApiException.Invalid("'$.input' is invalid. Please check the API reference: https://platform.openai.com/docs/api-reference.");

    private static ApiException WrongInput(string path, JsonElement value) =>
        Parameters.WrongType(path, "one of a string, array of strings, array of integers, or array of integer arrays", value);
}
