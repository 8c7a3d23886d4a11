using SparseInfer.Cli.Serve;
using SparseInfer.Serving;

namespace SparseInfer.Page.Tests;

/// <summary>Servers in this process, all of one model: as it is, with a chat template, and with a key.</summary>
public sealed class PageServer : IAsyncLifetime
{
    public const string Key = "not-a-secret";

    /// <summary>Conversations are nothing that the bundled model has seen: what it answers is some text.</summary>
    private const string Template = "{% for message in messages %}{{ message.role }}: {{ message.content }}\n{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}";

    private readonly StoriesModel _stories = new();
    private readonly List<ApiServer> _servers = [];
    private readonly List<ModelService> _services = [];

    public LanguageModel Model => _stories.Model;

    /// <summary>Goes on with texts.</summary>
    public Uri Text { get; private set; } = null!;

    /// <summary>Answers conversations.</summary>
    public Uri Chat { get; private set; } = null!;

    /// <summary>Asks for <see cref="Key"/>.</summary>
    public Uri Locked { get; private set; } = null!;

    /// <summary>What the first server computes.</summary>
    public ServiceCounts Counts => _services[0].ReadCounts();

    /// <summary>What the first server's log says.</summary>
    public StringWriter Log { get; } = new();

    public async ValueTask InitializeAsync()
    {
        string file = Path.Combine(AppContext.BaseDirectory, "key.txt");
        await File.WriteAllTextAsync(file, Key);
        Text = await StartAsync(new(), null);
        Chat = await StartAsync(new() { ChatTemplate = ChatTemplate.Parse(Template) }, null);
        Locked = await StartAsync(new(), ApiKey.Read(file));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (ApiServer server in _servers)
        {
            await server.StopAsync();
            await server.DisposeAsync();
        }

        foreach (ModelService service in _services)
        {
            await service.DisposeAsync();
        }

        _stories.Dispose();
    }

    private async Task<Uri> StartAsync(ModelServiceOptions options, ApiKey? key)
    {
        var service = new ModelService(Model, options);
        _services.Add(service);
        ApiServer server = await ApiServer.StartAsync(
            new()
            {
                Model = new() { File = new(StoriesModel.Gguf, null, null, 1f, null, new()), Device = "cpu" },
                Generation = new() { MaxTokens = int.MaxValue },
                Key = key,
            },
            new RequestLog(TextWriter.Synchronized(_servers.Count == 0 ? Log : new StringWriter()), isJson: false));
        _servers.Add(server);
        server.Open(new("stories", 0, "fp_page", service));
        return server.Address;
    }
}
