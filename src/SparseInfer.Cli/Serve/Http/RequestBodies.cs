using System.Text.Json;
using Microsoft.AspNetCore.Http;
using SparseInfer.Cli.Serve.Protocol;
using SparseInfer.Files;

namespace SparseInfer.Cli.Serve.Http;

/// <summary>
/// The JSON of requests. Bodies that come are bounded by their bytes, and few are parsed at a time: what JSON becomes is ten times as large. Parsing waits for no client.
/// </summary>
/// <param name="limit">Most bytes of a body.</param>
/// <param name="budget">Bytes of all of them.</param>
/// <param name="stopping">Canceled when the server is asked to end: then no body is waited for.</param>
internal sealed class RequestBodies(long limit, BodyBudget budget, CancellationToken stopping)
{
    /// <summary>Bodies that are parsed at a time.</summary>
    private const int AtATime = 4;

    /// <summary>A name twice would mean one thing here and another elsewhere.</summary>
    private static readonly JsonDocumentOptions Reading = new() { AllowDuplicateProperties = false, MaxDepth = 64 };

    private readonly SemaphoreSlim _turns = new(AtATime);

    /// <summary>Reads a body.</summary>
    /// <param name="context">The request.</param>
    /// <param name="read">Makes of the JSON what is asked. It keeps nothing of it: it is gone afterwards.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="ApiException">It is no JSON, too long, or too slow; or the server is about to end.</exception>
    public async Task<T> ReadAsync<T>(HttpContext context, Func<Parameters, T> read, CancellationToken cancellationToken)
    {
        // Anything else a page of another site could send without being asked whether it may.
        if (!context.Request.HasJsonContentType())
        {
            throw ApiException.WrongContentType(context.Request.ContentType);
        }

        using var bytes = new BodyBytes(limit, budget);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, stopping);
        try
        {
            await bytes.ReadAsync(context.Request.Body, ended.Token);
            await _turns.WaitAsync(ended.Token);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw ApiException.Stopping();
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

        try
        {
            using JsonDocument document = Parse(bytes.Text);
            return read(new Parameters(document.RootElement));
        }
        finally
        {
            _turns.Release();
        }
    }

    private static JsonDocument Parse(ReadOnlyMemory<byte> json)
    {
        try
        {
            // Who asks for a string that is none would get an exception, each in its own place.
            return JsonText.IsUnicode(json.Span) ? JsonDocument.Parse(json, Reading) : throw ApiException.Invalid(
                "We could not parse the JSON body of your request: it has a string that is no valid Unicode, such as half a surrogate pair.");
        }
        catch (JsonException exception)
        {
            throw ApiException.Invalid($"We could not parse the JSON body of your request: {exception.Message}");
        }
    }
}
