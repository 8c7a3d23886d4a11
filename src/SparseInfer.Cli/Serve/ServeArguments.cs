using System.CommandLine;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using SparseInfer.Cli.Embed;
using SparseInfer.Cli.Run;

namespace SparseInfer.Cli.Serve;

/// <summary>The arguments of <c>sparseinfer serve</c>: llama.cpp's names where it has one.</summary>
internal sealed class ServeArguments
{
    private const int MaxSeconds = 24 * 60 * 60;

    private const string Description = $"""
        Answers requests over HTTP, as OpenAI's service does: /v1/chat/completions, /v1/completions, /v1/embeddings, /v1/models; also /tokenize, /detokenize, /health, /ready, /metrics.
        Options of sampling are what requests get that do not say. Clients need a key where {ApiKey.Variable} is set, or --api-key-file given.

        Examples:
          sparseinfer serve samples/Stories/model/stories-relu.gguf
          sparseinfer serve qwen3-0.6b-q8_0.gguf --activation silu --port 8000 --ctx-size 4096
          {ApiKey.Variable}=... sparseinfer serve model.gguf --host 0.0.0.0 --profile model.sparsity.json
        """;

    private readonly Argument<string?> _file = new("model")
    {
        Description = "A GGUF file, or safetensors beside a config.json.",
        Arity = ArgumentArity.ZeroOrOne,
        HelpName = "MODEL",
    };

    private readonly ModelArguments _model = new();

    private readonly GenerationArguments _generation = new(usualCount: -1);

    private readonly Option<string> _host = ValueOption.Of(
        "--host", "ADDRESS", "Where it listens; 0.0.0.0: on all addresses.", "127.0.0.1", "an address or a name", text => (text.Length > 0, text));

    private readonly Option<int> _port = ValueOption.Of(
        "--port", "N", "The port; 0: one that is free.", 8080, "a whole number from 0 to 65535", text => ValueOption.Integer(text, 0, ushort.MaxValue));

    private readonly Option<string?> _keyFile = ValueOption.Of<string?>(
        "--api-key-file", "FILE", $"A file with the key that clients need. [default: the key in {ApiKey.Variable}]", null, "the path of a file", text => (text.Length > 0, text));

    private readonly Option<string?> _alias = ValueOption.Of<string?>(
        "--alias", "NAME", "What the model is called. [default: as its file]", null, "a name", text => (text.Length > 0 && !text.Any(char.IsControl), text), "-a");

    private readonly Option<string?> _template = ValueOption.Of<string?>(
        "--chat-template-file", "FILE", "A Jinja template in place of the model's.", null, "the path of a file", text => (text.Length > 0, text));

    private readonly Option<int> _parallel = ValueOption.Of(
        "--parallel", "N", "Answers that are computed at a time.", 16, "a whole number from 1 to 16", text => ValueOption.Integer(text, 1, 16), "-np");

    private readonly Option<int> _queue = ValueOption.Of(
        "--queue", "N", "Answers that wait beside those; then clients get status 429.", 64, "a whole number up to 65536", text => ValueOption.Integer(text, 0, 1 << 16));

    private readonly Option<int> _kept = ValueOption.Of(
        "--kept-sessions", "N", "Conversations whose keys and values are kept for their next turn.", 16, "a whole number up to 65536", text => ValueOption.Integer(text, 0, 1 << 16));

    private readonly Option<KeyValueType?> _cacheType = ValueOption.Optional(
        "--cache-type", "TYPE", "What the key-value cache stores. [default: f32 on the CPU]", $"one of {string.Join(", ", ValueOption.Names<KeyValueType>())}", ValueOption.Enumeration<KeyValueType>);

    private readonly Option<int> _meter = ValueOption.Of(
        "--meter-every", "N", "Meter one of so many steps, for /metrics: it takes as long as a dense one or two; 0: none.", 64, "a whole number", text => ValueOption.Integer(text, 0, int.MaxValue));

    private readonly Option<EmbeddingPooling?> _pooling = EmbedArguments.PoolingOption("mean, cls or last: what embeddings are made of. [default: as the file says, else mean]", tokens: false);

    private readonly Option<bool> _matryoshka = new("--matryoshka")
    {
        Description = "The model's embeddings were trained to be cut: requests may ask for 'dimensions'.",
    };

    private readonly Option<int> _body = ValueOption.Of(
        "--max-body", "MIB", "Mebibytes of a request's body.", 4, "a whole number from 1 to 1024", text => ValueOption.Integer(text, 1, 1024));

    private readonly Option<double> _requestTimeout = Seconds("--request-timeout", "Seconds that an answer may take, its waiting included.", 600);

    private readonly Option<double> _writeTimeout = Seconds("--write-timeout", "Seconds that a client may take to read what was written.", 30);

    private readonly Option<double> _shutdownTimeout = Seconds("--shutdown-timeout", "Seconds that running answers have when the server is asked to end.", 30);

    private readonly Option<bool> _json = new("--json") { Description = "Write each line, of standard output and of the log on standard error, as an object." };

    /// <summary>The command, without an action.</summary>
    public Command CreateCommand()
    {
        var command = new Command("serve", Description);
        command.Arguments.Add(_file);
        foreach (Option option in (Option[])[
            .. _model.All, _host, _port, _keyFile, _alias, _template, .. _generation.All, _parallel, _queue, _kept, _cacheType, _meter, _pooling, _matryoshka, _body, _requestTimeout, _writeTimeout, _shutdownTimeout, _json])
        {
            command.Options.Add(option);
        }

        return command;
    }

    /// <summary>What was asked for.</summary>
    /// <exception cref="CliException">There is no model, or two; no such address; no key where one is said to be.</exception>
    public ServeOptions Read(ParseResult parsed)
    {
        string? option = parsed.GetValue(_model.Model);
        string? file = parsed.GetValue(_file);
        if (option is not null && file is not null)
        {
            throw new CliException($"'{file}' is one argument too many: the model is given once.");
        }

        return new()
        {
            Model = _model.Read(parsed, option ?? file ?? throw new CliException("give a model: sparseinfer serve MODEL.")),
            Generation = _generation.Read(parsed),
            Mode = _generation.Mode(parsed),
            Context = _generation.Context(parsed),
            Template = parsed.GetValue(_template),
            Alias = parsed.GetValue(_alias),
            Address = AddressOf(parsed.GetRequiredValue(_host)),
            Port = parsed.GetRequiredValue(_port),
            Key = ApiKey.Read(parsed.GetValue(_keyFile)),
            Parallel = parsed.GetRequiredValue(_parallel),
            Queue = parsed.GetRequiredValue(_queue),
            Kept = parsed.GetRequiredValue(_kept),
            CacheType = parsed.GetValue(_cacheType),
            MeterEvery = parsed.GetRequiredValue(_meter),
            Pooling = parsed.GetValue(_pooling),
            Matryoshka = parsed.GetValue(_matryoshka),
            MaxBody = (long)parsed.GetRequiredValue(_body) << 20,
            RequestTimeout = TimeSpan.FromSeconds(parsed.GetRequiredValue(_requestTimeout)),
            WriteTimeout = TimeSpan.FromSeconds(parsed.GetRequiredValue(_writeTimeout)),
            ShutdownTimeout = TimeSpan.FromSeconds(parsed.GetRequiredValue(_shutdownTimeout)),
            Json = parsed.GetValue(_json),
        };
    }

    private static IPAddress AddressOf(string host)
    {
        if (host.Equals("localhost", StringComparison.OrdinalIgnoreCase))
        {
            return IPAddress.Loopback;
        }

        try
        {
            return IPAddress.TryParse(host, out IPAddress? address) ? address : Dns.GetHostAddresses(host)[0];
        }
        catch (Exception exception) when (exception is SocketException or ArgumentException or IndexOutOfRangeException)
        {
            throw new CliException($"--host {host} is no address and no name of one: {exception.Message}");
        }
    }

    private static Option<double> Seconds(string name, string description, double usual) => ValueOption.Of(
        name, "S", description, usual, $"a number above 0, at most {MaxSeconds}",
        text => (double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double value) && value is >= 0.001 and <= MaxSeconds, value));
}
