using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace SparseInfer.Cli.Serve.Http;

/// <summary>The JSON of a request.</summary>
internal static class RequestBody
{
    /// <summary>A name twice would mean one thing here and another elsewhere.</summary>
    private static readonly JsonDocumentOptions Reading = new() { AllowDuplicateProperties = false, MaxDepth = 64 };

    /// <summary>Reads it.</summary>
    /// <param name="context">The request.</param>
    /// <param name="limit">Most bytes.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="ApiException">It is no JSON, too long, or too slow.</exception>
    public static async Task<JsonDocument> ReadAsync(HttpContext context, long limit, CancellationToken cancellationToken)
    {
        // Anything else a page of another site could send without being asked whether it may.
        if (!context.Request.HasJsonContentType())
        {
            throw ApiException.WrongContentType(context.Request.ContentType);
        }

        try
        {
            return await JsonDocument.ParseAsync(context.Request.Body, Reading, cancellationToken);
        }
        catch (JsonException exception)
        {
            throw ApiException.Invalid($"We could not parse the JSON body of your request: {exception.Message}");
        }
        catch (BadHttpRequestException exception)
        {
            throw exception.StatusCode switch
            {
                StatusCodes.Status413PayloadTooLarge => ApiException.BodyTooLarge(limit),
                StatusCodes.Status408RequestTimeout => ApiException.SlowBody(),
                _ => ApiException.Invalid($"We could not read the body of your request: {exception.Message}"),
            };
        }
    }
}
