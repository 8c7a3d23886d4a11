using System.Net.Http.Json;
using System.Text.Json;
using Deque.AxeCore.Commons;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;

namespace SparseInfer.Page.Tests;

/// <summary>The page in a browser, used as its users do: by keyboard, with a screen reader's eyes, in the dark and on a phone.</summary>
public sealed class PageTests(PageServer server, Browser browser) : IClassFixture<PageServer>, IClassFixture<Browser>
{
    private const string Story = "Once upon a time there was a little dog";

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_text_is_gone_on_with_as_the_api_does(bool withMap)
    {
        await using OpenPage opened = await browser.OpenAsync(server.Text);
        IPage page = opened.Page;
        await ReadyAsync(page);
        await SettingsAsync(page, seed: 7, tokens: 40);
        await page.GetByLabel("Live map").SetCheckedAsync(withMap);
        await TypeAsync(page, Story);
        await EndedAsync(page);
        (await page.Locator(".answer .given").TextContentAsync()).ShouldBe(Story);
        string answer = await AnswerAsync(page);
        answer.ShouldBe(await ApiAsync("predicted", seed: 7, tokens: 40));

        // Told in whole sentences, and all of it.
        Squeezed(await page.Locator("#said").TextContentAsync()).ShouldBe(Squeezed(answer));
        (await page.Locator(".answer .facts").TextContentAsync())!.ShouldContain(withMap ? "of the neurons computed" : "a second");
        (await page.Locator("#prompt").InputValueAsync()).ShouldBe("");
        await Assertions.Expect(page.GetByLabel("Text to go on with")).ToBeFocusedAsync();
    }

    [Fact]
    public async Task The_map_changes_with_the_mode_and_with_the_token()
    {
        await using OpenPage opened = await browser.OpenAsync(server.Text);
        IPage page = opened.Page;
        await ReadyAsync(page);
        await SettingsAsync(page, seed: 3, tokens: 20);
        var maps = new Dictionary<string, string>();
        var answers = new Dictionary<string, string>();
        foreach (string mode in new[] { "Dense", "Exact", "Predicted" })
        {
            await page.GetByRole(AriaRole.Radio, new() { Name = mode }).CheckAsync();
            await TypeAsync(page, Story);
            await EndedAsync(page);
            maps[mode] = await PixelsAsync(page);
            answers[mode] = await AnswerAsync(page);
            (await page.Locator("#map-text").TextContentAsync()).ShouldStartWith($"Mode {mode.ToLowerInvariant()}: {(mode == "Dense" ? "100.0%" : "")}");
        }

        maps.Values.Distinct().Count().ShouldBe(3);
        answers["Exact"].ShouldBe(answers["Dense"]);

        // By keyboard, back to an earlier token: another map, and that token is marked in the answer.
        ILocator slider = page.GetByLabel("Token", new() { Exact = true });
        string marked = (await page.Locator(".chosen").TextContentAsync())!;
        await slider.PressAsync("Home");
        (await PixelsAsync(page)).ShouldNotBe(maps["Predicted"]);
        (await page.Locator("#token-text").TextContentAsync()).ShouldStartWith("1 of 19: ");
        (await page.Locator(".chosen").TextContentAsync()).ShouldNotBeNull();
        await slider.PressAsync("End");
        (await page.Locator(".chosen").TextContentAsync()).ShouldBe(marked);

        // Layer 5 has a predictor, layer 0 has none.
        await page.GetByText("The map in numbers").ClickAsync();
        (await page.Locator("#layers tbody tr:nth-child(6) td:nth-child(5)").TextContentAsync()).ShouldNotBe("0.0%");
        (await page.Locator("#layers tbody tr:nth-child(1) td:nth-child(5)").TextContentAsync()).ShouldBe("0.0%");
        (await page.Locator("#map").GetAttributeAsync("aria-label"))!.ShouldContain("Map of 6 layers");
    }

    /// <summary>What a pointer is told of a cell, a keyboard and a screen reader are told too.</summary>
    [Fact]
    public async Task Each_cell_is_told_by_keyboard_as_to_a_pointer()
    {
        await using OpenPage opened = await browser.OpenAsync(server.Text);
        IPage page = opened.Page;
        await ReadyAsync(page);
        ILocator layer = page.GetByLabel("Layer", new() { Exact = true });
        ILocator block = page.GetByLabel("Block", new() { Exact = true });
        await Assertions.Expect(layer).ToBeDisabledAsync();
        await SettingsAsync(page, seed: 3, tokens: 12);
        await TypeAsync(page, Story);
        await EndedAsync(page);

        await page.GetByLabel("Token", new() { Exact = true }).FocusAsync();
        await page.Keyboard.PressAsync("Tab");
        await Assertions.Expect(layer).ToBeFocusedAsync();
        string before = await PixelsAsync(page);
        await page.Keyboard.PressAsync("End");
        await page.Keyboard.PressAsync("Tab");
        await page.Keyboard.PressAsync("ArrowRight");
        await page.Keyboard.PressAsync("ArrowRight");
        string told = (await block.GetAttributeAsync("aria-valuetext"))!;
        told.ShouldMatch("^Layer 5, neurons 32 to 47: [0-9]+ of 16 add something$");
        (await layer.GetAttributeAsync("aria-valuetext")).ShouldBe(told);
        await Assertions.Expect(page.Locator("#cell-text")).ToHaveTextAsync(told);
        (await PixelsAsync(page)).ShouldNotBe(before); // it is marked

        // The same cell, pointed at; then another one, clicked.
        await page.Locator("#map").HoverAsync(new() { Position = await CellAsync(page, layer: 5, block: 2) });
        await Assertions.Expect(page.Locator("#map-tip")).ToHaveTextAsync(told);
        await page.Locator("#map").ClickAsync(new() { Position = await CellAsync(page, layer: 1, block: 63) });
        (await page.Locator("#cell-text").TextContentAsync())!.ShouldStartWith("Layer 1, neurons 1008 to 1023: ");
        await Assertions.Expect(layer).ToHaveValueAsync("1");

        // Another token, the same cell.
        await page.GetByLabel("Token", new() { Exact = true }).PressAsync("Home");
        (await block.GetAttributeAsync("aria-valuetext"))!.ShouldStartWith("Layer 1, neurons 1008 to 1023: ");
    }

    [Fact]
    public async Task Modes_stand_side_by_side()
    {
        await using OpenPage opened = await browser.OpenAsync(server.Text);
        IPage page = opened.Page;
        await ReadyAsync(page);
        await SettingsAsync(page, seed: 3, tokens: 24);
        await page.Locator("#prompt").FillAsync(Story);
        await page.GetByRole(AriaRole.Button, new() { Name = "Measure with this prompt" }).PressAsync("Enter");
        await Assertions.Expect(page.Locator("#texts")).ToBeVisibleAsync();
        string[][] rows = await page.EvaluateAsync<string[][]>("() => [...document.querySelectorAll('#modes tbody tr')].map(row => [...row.cells].map(cell => cell.textContent))");
        rows.Select(row => row[0]).ShouldBe(["Dense", "Exact", "Predicted"]);
        rows.ShouldAllBe(row => double.Parse(row[1].Replace(",", "")) > 0 && row[2].EndsWith('×'));
        rows[0][3].ShouldBe("100.0%");
        rows[1][6].ShouldBe("the same");
        rows[2][4].ShouldNotBe("0.0%");
        (await page.Locator("#compare-text").TextContentAsync()).ShouldStartWith("Measured now on ");
        string[] texts = await page.Locator("#texts dd").AllTextContentsAsync() is var all ? [.. all] : [];
        texts[1].ShouldBe(texts[0]);
    }

    [Fact]
    public async Task Stop_ends_the_request_and_what_came_stays()
    {
        await using OpenPage opened = await browser.OpenAsync(server.Text);
        IPage page = opened.Page;
        await ReadyAsync(page);
        await page.GetByLabel("Live map").UncheckAsync();

        // One story after the other until the context is full, with a pause for the reader between events.
        await page.RouteAsync("**/v1/completions", route => route.ContinueAsync(new() { PostData = JsonSerializer.SerializeToUtf8Bytes(With(route.Request.PostData!, "ignore_eos", true)) }));
        await SettingsAsync(page, seed: 1, tokens: 480);
        await page.Locator("#prompt").FillAsync(Story);
        await page.EvaluateAsync("() => new MutationObserver((_, seen) => { if (document.querySelector('.answer .text span')) { seen.disconnect(); document.getElementById('stop').click(); } }).observe(document.getElementById('log'), { subtree: true, childList: true })");
        await page.Locator("#prompt").PressAsync("Enter");
        await EndedAsync(page);
        (await page.Locator(".answer .facts").TextContentAsync()).ShouldBe("Stopped.");
        (await AnswerAsync(page)).Length.ShouldBeGreaterThan(0);
        (await page.Locator("#fault").TextContentAsync()).ShouldBe("");
        for (int i = 0; i < 500 && server.Counts.Running > 0; i++)
        {
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }

        server.Counts.Running.ShouldBe(0);
        await TypeAsync(page, "The end");
        await Assertions.Expect(page.Locator(".answer")).ToHaveCountAsync(2);
    }

    [Fact]
    public async Task Errors_are_told_and_over_with_the_next_request()
    {
        await using OpenPage opened = await browser.OpenAsync(server.Text);
        IPage page = opened.Page;
        opened.Expected.Add(400);
        await ReadyAsync(page);
        await page.Locator("#prompt").FillAsync(string.Concat(Enumerable.Repeat(Story + ". ", 100)));
        await page.Locator("#prompt").PressAsync("Enter");
        await Assertions.Expect(page.GetByRole(AriaRole.Alert)).ToContainTextAsync("maximum context length is 512 tokens");
        (await page.Locator("#prompt").InputValueAsync()).ShouldStartWith(Story); // what was written is not lost
        await page.Locator("#prompt").FillAsync("");
        await SettingsAsync(page, seed: 1, tokens: 8);
        await page.GetByLabel("Temperature").FillAsync("3");
        await TypeAsync(page, Story);
        await Assertions.Expect(page.GetByRole(AriaRole.Alert)).ToContainTextAsync("Temperature: ");
        await Assertions.Expect(page.GetByLabel("Temperature")).ToBeFocusedAsync();
        await page.GetByLabel("Temperature").FillAsync("0");
        await TypeAsync(page, Story);
        await EndedAsync(page);
        await Assertions.Expect(page.GetByRole(AriaRole.Alert)).ToBeEmptyAsync();
    }

    [Fact]
    public async Task Conversations_keep_their_turns_and_show_texts_as_they_are()
    {
        const string Hostile = "<img src=x onerror=\"document.title='broken'\"><script>document.title='broken'</script>";
        await using OpenPage opened = await browser.OpenAsync(server.Chat);
        IPage page = opened.Page;
        await ReadyAsync(page);
        await SettingsAsync(page, seed: 5, tokens: 12);
        await page.GetByLabel("System prompt").FillAsync("Be kind.");
        await TypeAsync(page, Hostile);
        await EndedAsync(page);
        string first = await AnswerAsync(page);
        (await page.Locator(".own").TextContentAsync()).ShouldBe("You" + Hostile);
        (await page.Locator("#log img, #log script").CountAsync()).ShouldBe(0);
        Task<IRequest> next = page.WaitForRequestAsync("**/sparsity");
        await TypeAsync(page, "Hello");
        using JsonDocument body = JsonDocument.Parse((await next).PostData!);
        body.RootElement.GetProperty("messages").EnumerateArray().Select(turn => $"{turn.GetProperty("role")}: {turn.GetProperty("content")}")
            .ShouldBe(["system: Be kind.", $"user: {Hostile}", $"assistant: {first}", "user: Hello"]);
        await EndedAsync(page);
        await page.GetByRole(AriaRole.Button, new() { Name = "Start anew" }).ClickAsync();
        (await page.Locator(".turn").CountAsync()).ShouldBe(0);
        (await page.TitleAsync()).ShouldBe("stories – SparseInfer");
    }

    /// <summary>As on a GPU.</summary>
    [Fact]
    public async Task Where_there_is_no_map_the_page_says_so_and_answers_without()
    {
        const string Why = "No map: this device does not show which neurons it computes.";
        await using OpenPage opened = await browser.OpenAsync(server.Text);
        IPage page = opened.Page;
        await page.RouteAsync("**/sparsity", async route =>
        {
            IAPIResponse facts = await route.FetchAsync();
            await route.FulfillAsync(new() { Response = facts, Json = With(await facts.TextAsync(), "no_map", Why) });
        });
        await page.ReloadAsync();
        await ReadyAsync(page);
        await Assertions.Expect(page.Locator("#map-text")).ToHaveTextAsync(Why);
        await Assertions.Expect(page.GetByLabel("Live map")).ToBeDisabledAsync();
        await SettingsAsync(page, seed: 5, tokens: 6);
        await TypeAsync(page, Story);
        await EndedAsync(page);
        (await page.Locator(".answer .facts").TextContentAsync())!.ShouldContain("a second");
    }

    [Fact]
    public async Task A_key_is_asked_for_where_there_is_one()
    {
        await using OpenPage opened = await browser.OpenAsync(server.Locked);
        IPage page = opened.Page;
        opened.Expected.Add(401);
        await Assertions.Expect(page.GetByLabel("API key")).ToBeFocusedAsync();
        await Assertions.Expect(page.Locator("#send")).ToBeDisabledAsync();
        await page.Keyboard.TypeAsync(PageServer.Key);
        await page.Keyboard.PressAsync("Tab");
        await ReadyAsync(page);
        await SettingsAsync(page, seed: 5, tokens: 6);
        await TypeAsync(page, Story);
        await EndedAsync(page);
        (await AnswerAsync(page)).Length.ShouldBeGreaterThan(0);
    }

    [Theory]
    [InlineData(1360, 900, ColorScheme.Light)]
    [InlineData(1360, 900, ColorScheme.Dark)]
    [InlineData(390, 844, ColorScheme.Dark)]
    public async Task Nothing_stands_in_the_way_of_assistive_technology(int width, int height, ColorScheme scheme)
    {
        await using OpenPage opened = await browser.OpenAsync(server.Text, new() { ViewportSize = new() { Width = width, Height = height }, ColorScheme = scheme, BypassCSP = true });
        IPage page = opened.Page;
        await ReadyAsync(page);
        await SettingsAsync(page, seed: 3, tokens: 60);
        await TypeAsync(page, Story);
        await EndedAsync(page);
        await page.Locator("#compare").ClickAsync();
        await Assertions.Expect(page.Locator("#texts")).ToBeVisibleAsync();
        await page.GetByText("The map in numbers").ClickAsync();
        if (Environment.GetEnvironmentVariable("SPARSEINFER_PICTURES") is { Length: > 0 } folder)
        {
            await page.GetByText("Settings", new() { Exact = true }).ClickAsync();
            await page.EvaluateAsync("() => scrollTo(0, 0)");
            await page.ScreenshotAsync(new() { Path = Path.Combine(folder, $"page-{width}-{scheme}.png"), FullPage = true });
        }

        AxeResult result = await page.RunAxe();
        result.Violations.Select(violation => $"{violation.Id}: {violation.Help}: {string.Join("; ", violation.Nodes.Select(node => node.Html))}").ShouldBeEmpty();
        (await page.EvaluateAsync<int>("() => document.documentElement.scrollWidth - innerWidth")).ShouldBeLessThanOrEqualTo(0);
    }

    private static Task ReadyAsync(IPage page) => Assertions.Expect(page.Locator("#send")).ToBeEnabledAsync();

    private static async Task SettingsAsync(IPage page, int seed, int tokens)
    {
        if (!await page.GetByLabel("Seed").IsVisibleAsync())
        {
            await page.GetByText("Settings", new() { Exact = true }).ClickAsync();
        }

        await page.GetByLabel("Seed").FillAsync($"{seed}");
        await page.GetByLabel("Most tokens").FillAsync($"{tokens}");
    }

    /// <summary>As somebody without a mouse does: type, and press Enter.</summary>
    private static async Task TypeAsync(IPage page, string text)
    {
        await page.Locator("#prompt").FocusAsync();
        await page.Keyboard.TypeAsync(text);
        await page.Keyboard.PressAsync("Enter");
    }

    private static async Task EndedAsync(IPage page)
    {
        await Assertions.Expect(page.Locator(".answer").Last.Locator(".facts")).ToBeVisibleAsync();
        await Assertions.Expect(page.Locator("#stop")).ToBeDisabledAsync();
    }

    private static async Task<string> AnswerAsync(IPage page) => (await page.Locator(".answer .text").Last.TextContentAsync())!;

    private static Task<string> PixelsAsync(IPage page) => page.EvaluateAsync<string>("() => document.getElementById('map').toDataURL()");

    /// <summary>The middle of a cell, by the measures of map.js.</summary>
    private static async Task<Position> CellAsync(IPage page, int layer, int block)
    {
        LocatorBoundingBoxResult map = (await page.Locator("#map").BoundingBoxAsync())!;
        return new() { X = 34 + ((block + 0.5f) * (map.Width - 140) / 64), Y = (layer + 0.5f) * map.Height / 6 };
    }

    private async Task<string> ApiAsync(string mode, int seed, int tokens)
    {
        using var client = new HttpClient();
        using HttpResponseMessage response = await client.PostAsJsonAsync(
            new Uri(server.Text, "v1/completions"), new { prompt = Story, max_tokens = tokens, seed, sparsity_mode = mode }, TestContext.Current.CancellationToken);
        using JsonDocument reply = JsonDocument.Parse(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        return reply.RootElement.GetProperty("choices")[0].GetProperty("text").GetString()!;
    }

    private static string Squeezed(string? text) => string.Concat((text ?? "").Where(c => !char.IsWhiteSpace(c)));

    private static Dictionary<string, object> With(string json, string name, object value)
    {
        Dictionary<string, object> body = JsonSerializer.Deserialize<Dictionary<string, object>>(json)!;
        body[name] = value;
        return body;
    }
}
