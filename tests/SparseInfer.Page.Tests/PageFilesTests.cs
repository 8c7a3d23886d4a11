using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;

namespace SparseInfer.Page.Tests;

/// <summary>How the page's files and what it asks for are served: without a browser.</summary>
public sealed class PageFilesTests(PageServer server) : IClassFixture<PageServer>
{
    private static readonly object Long = new { prompt = "Once", max_tokens = 480, ignore_eos = true };

    private readonly HttpClient _client = new();

    [Theory]
    [InlineData("", "text/html")]
    [InlineData("page/page.js", "text/javascript")]
    [InlineData("page/page.css", "text/css")]
    [InlineData("page/icon.svg", "image/svg+xml")]
    public async Task Files_are_kept_until_they_change_and_need_no_key(string path, string type)
    {
        using HttpResponseMessage first = await _client.GetAsync(new Uri(server.Locked, path), TestContext.Current.CancellationToken);
        first.StatusCode.ShouldBe(HttpStatusCode.OK);
        first.Content.Headers.ContentType!.MediaType.ShouldBe(type);
        first.Headers.CacheControl!.NoCache.ShouldBeTrue();
        string policy = first.Headers.GetValues("Content-Security-Policy").Single();
        policy.ShouldStartWith("default-src 'none'; script-src 'self';");
        policy.ShouldNotContain("unsafe");
        first.Headers.GetValues("X-Content-Type-Options").ShouldBe(["nosniff"]);
        using var again = new HttpRequestMessage(HttpMethod.Get, new Uri(server.Locked, path));
        again.Headers.IfNoneMatch.Add(EntityTagHeaderValue.Parse("\"other\""));
        again.Headers.IfNoneMatch.Add(first.Headers.ETag!);
        using HttpResponseMessage second = await _client.SendAsync(again, TestContext.Current.CancellationToken);
        second.StatusCode.ShouldBe(HttpStatusCode.NotModified);
        (await second.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken)).ShouldBeEmpty();
    }

    /// <summary>All addresses in the page's files are its own, but for the namespace of pictures.</summary>
    [Fact]
    public async Task Files_name_no_other_host()
    {
        foreach (string path in SparseInfer.Cli.Serve.Page.PageFiles.Paths)
        {
            string text = await _client.GetStringAsync(new Uri(server.Text, path), TestContext.Current.CancellationToken);
            text.Replace("http://www.w3.org/2000/svg", "").ShouldNotContain("://", customMessage: path);
            text.ShouldNotContain("innerHTML", customMessage: path);
        }
    }

    [Theory]
    [InlineData("sparsity")]
    [InlineData("sparsity/modes")]
    public async Task What_the_page_asks_for_needs_the_key(string path)
    {
        using HttpResponseMessage response = await _client.PostAsJsonAsync(new Uri(server.Locked, path), Long, TestContext.Current.CancellationToken);
        response.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        (await _client.GetAsync(new Uri(server.Locked, "sparsity"), TestContext.Current.CancellationToken)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
    }

    [Theory]
    [InlineData("""{"prompt":"Once","n":2}""", "one, without tools")]
    [InlineData("""{"prompt":""}""", "")]
    [InlineData("""{"prompt":"Once","sparsity_mode":"most"}""", "Supported values are")]
    [InlineData("""{"messages":[{"role":"user","content":"Hi"}]}""", "no chat template")]
    [InlineData("""{"prompt":"Once","depth":2}""", "Unknown parameter: 'depth'")]
    public async Task What_is_wrong_is_told_as_elsewhere(string body, string message)
    {
        using HttpResponseMessage response = await WhenFreeAsync(() => _client.PostAsync(
            new Uri(server.Text, "sparsity"), new StringContent(body, System.Text.Encoding.UTF8, "application/json"), TestContext.Current.CancellationToken));
        if (message.Length == 0)
        {
            // Nothing but the begin of a sequence: a model has something to say to that.
            response.StatusCode.ShouldBe(HttpStatusCode.OK);
            return;
        }

        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        using JsonDocument reply = JsonDocument.Parse(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        reply.RootElement.GetProperty("error").GetProperty("message").GetString()!.ShouldContain(message);
    }

    /// <summary>Asks, again where a request that a test before has left is not gone yet.</summary>
    private static async Task<HttpResponseMessage> WhenFreeAsync(Func<Task<HttpResponseMessage>> ask)
    {
        for (int i = 0; ; i++)
        {
            i.ShouldBeLessThan(1000);
            HttpResponseMessage response = await ask();
            if (response.StatusCode != HttpStatusCode.TooManyRequests)
            {
                return response;
            }

            response.Dispose();
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
    }

    [Fact]
    public async Task One_request_at_a_time_looks_inside_and_who_leaves_makes_room()
    {
        using HttpResponseMessage first = await WhenFreeAsync(BeginAsync);
        first.StatusCode.ShouldBe(HttpStatusCode.OK);
        using HttpResponseMessage second = await BeginAsync();
        second.StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
        second.Headers.RetryAfter!.Delta.ShouldNotBeNull();
        first.Dispose();
        using HttpResponseMessage third = await WhenFreeAsync(BeginAsync);
        third.StatusCode.ShouldBe(HttpStatusCode.OK);

        Task<HttpResponseMessage> BeginAsync()
        {
            var request = new HttpRequestMessage(HttpMethod.Post, new Uri(server.Text, "sparsity/modes")) { Content = JsonContent.Create(Long) };
            return _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        }
    }
}
