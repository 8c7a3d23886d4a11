using Microsoft.Playwright;

namespace SparseInfer.Page.Tests;

/// <summary>A browser that is installed on this machine; none is fetched.</summary>
public sealed class Browser : IAsyncLifetime
{
    /// <summary>Names another browser of Chromium's kind.</summary>
    private const string Variable = "SPARSEINFER_BROWSER";

    private static readonly string[] Usual = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

    /// <summary>It shall talk to nobody, and draw the same everywhere.</summary>
    private static readonly string[] Arguments =
    [
        "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update", "--disable-default-apps", "--disable-sync",
        "--disable-domain-reliability", "--no-first-run", "--no-pings", "--disable-features=OptimizationHints,MediaRouter,Translate",
    ];

    private IPlaywright? _playwright;
    private IBrowser? _browser;

    public async ValueTask InitializeAsync()
    {
        if ((Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named ? named : Array.Find(Usual, File.Exists)) is { } path)
        {
            _playwright = await Playwright.CreateAsync();
            _browser = await _playwright.Chromium.LaunchAsync(new() { ExecutablePath = path, Args = Arguments, Headless = true });
        }
    }

    /// <summary>A page, and what is held against it: errors on its console, and requests that go elsewhere.</summary>
    /// <param name="address">The server.</param>
    /// <param name="options">How it is seen; null: a wide window, light.</param>
    public async Task<OpenPage> OpenAsync(Uri address, BrowserNewContextOptions? options = null)
    {
        if (_browser is null)
        {
            Assert.Skip($"No browser is installed: {string.Join(", ", Usual)}. Install chromium, or name one in {Variable}.");
        }

        IBrowserContext context = await _browser.NewContextAsync(options ?? new() { ViewportSize = new() { Width = 1360, Height = 900 } });
        context.SetDefaultTimeout(60_000);
        return await OpenPage.OpenAsync(context, address);
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null)
        {
            await _browser.DisposeAsync();
        }

        _playwright?.Dispose();
    }
}

/// <summary>A page that is closed with a look at what it did.</summary>
public sealed class OpenPage : IAsyncDisposable
{
    private readonly List<string> _faults = [];

    private OpenPage(IPage page) => Page = page;

    public IPage Page { get; }

    /// <summary>Statuses of errors that a test expects: browsers write a line on the console for each.</summary>
    public HashSet<int> Expected { get; } = [];

    public static async Task<OpenPage> OpenAsync(IBrowserContext context, Uri address)
    {
        var opened = new OpenPage(await context.NewPageAsync());
        opened.Page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning")
            {
                opened._faults.Add($"console: {message.Text}");
            }
        };
        opened.Page.PageError += (_, error) => opened._faults.Add($"script: {error}");
        context.Request += (_, request) =>
        {
            if (!request.Url.StartsWith(address.ToString(), StringComparison.Ordinal))
            {
                opened._faults.Add($"request: {request.Url}");
            }
        };
        await opened.Page.GotoAsync(address.ToString());
        return opened;
    }

    public async ValueTask DisposeAsync()
    {
        await Page.Context.CloseAsync();
        _faults.Where(fault => !Expected.Any(status => fault.Contains($"status of {status}", StringComparison.Ordinal))).ShouldBeEmpty();
    }
}
