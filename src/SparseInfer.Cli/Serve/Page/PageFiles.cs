using System.Collections.Frozen;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;

namespace SparseInfer.Cli.Serve.Page;

/// <summary>The page at <c>/</c>: files of this assembly, sent as they are. A browser may keep them, and asks whether they are still the same.</summary>
internal static class PageFiles
{
    private const string Prefix = "page/";
    private const string Start = "index.html";

    /// <summary>
    /// The page loads its own files and talks to its own server, nothing else: no script of a model's text could do more. Nobody shows it in a frame.
    /// </summary>
    private const string Policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private static readonly FrozenDictionary<string, PageFile> All = Read();

    /// <summary>Whether a path is one of the page's: these tell nothing of the model, and need no key.</summary>
    public static bool Has(PathString path) => All.ContainsKey(Name(path));

    /// <summary>The paths.</summary>
    public static IEnumerable<string> Paths => All.Keys;

    /// <summary>Sends a file.</summary>
    public static async Task SendAsync(HttpContext context)
    {
        PageFile file = All[Name(context.Request.Path)];
        HttpResponse response = context.Response;
        IHeaderDictionary headers = response.Headers;
        headers.ETag = file.Tag;
        headers.CacheControl = "no-cache";
        headers.ContentSecurityPolicy = Policy;
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        if (IsKnown(context.Request, file.Tag))
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }

        response.ContentType = file.Type;
        response.ContentLength = file.Content.Length;
        if (!HttpMethods.IsHead(context.Request.Method))
        {
            await response.Body.WriteAsync(file.Content, context.RequestAborted);
        }
    }

    /// <summary>Routes take any case, and a slash at the end.</summary>
    private static string Name(PathString path) => path.Value is { Length: > 1 } file ? file.TrimEnd('/') : "/";

    private static bool IsKnown(HttpRequest request, string tag) => request.Headers.IfNoneMatch
        .SelectMany(value => (value ?? "").Split(','))
        .Any(value => EntityTagHeaderValue.TryParse(value.Trim(), out EntityTagHeaderValue? known) && (known.Tag == tag || known == EntityTagHeaderValue.Any));

    private static FrozenDictionary<string, PageFile> Read()
    {
        var files = new Dictionary<string, PageFile>();
        foreach (string name in typeof(PageFiles).Assembly.GetManifestResourceNames().Where(name => name.StartsWith(Prefix, StringComparison.Ordinal)))
        {
            using Stream stream = typeof(PageFiles).Assembly.GetManifestResourceStream(name)!;
            byte[] content = new byte[stream.Length];
            stream.ReadExactly(content);
            string tag = $"\"{System.Convert.ToHexStringLower(SHA256.HashData(content))[..16]}\"";
            files.Add(name == Prefix + Start ? "/" : "/" + name, new(content, TypeOf(name), tag));
        }

        return files.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);
    }

    private static string TypeOf(string name) => Path.GetExtension(name) switch
    {
        ".html" => "text/html; charset=utf-8",
        ".css" => "text/css; charset=utf-8",
        ".js" => "text/javascript; charset=utf-8",
        ".svg" => "image/svg+xml",
        var other => throw new InvalidOperationException($"The page has a file with the extension '{other}', whose type is not known."),
    };

    private sealed record PageFile(byte[] Content, string Type, string Tag);
}
