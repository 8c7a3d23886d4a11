using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using SparseInfer.Cli.Run;
using SparseInfer.Serving;

namespace SparseInfer.Cli.Serve;

/// <summary><c>sparseinfer serve</c>: answers requests until it is asked to end.</summary>
internal static class ServeCommand
{
    private static readonly JsonSerializerOptions OneLine = new(Bench.Reports.JsonReport.Options) { WriteIndented = false };

    /// <summary>After answers have had their time, what remains is the sending of what they wrote.</summary>
    private static readonly TimeSpan LastWords = TimeSpan.FromSeconds(5);

    /// <summary>Listens, loads the model, answers, and ends in order.</summary>
    /// <param name="options">What was asked for.</param>
    /// <param name="output">Where a line tells that it answers.</param>
    /// <param name="error">Where progress and the log go.</param>
    /// <param name="takePatience">Takes how long a signal is waited for.</param>
    /// <param name="cancellationToken">Asks it to end.</param>
    public static async Task RunAsync(ServeOptions options, TextWriter output, TextWriter error, Action<TimeSpan> takePatience, CancellationToken cancellationToken)
    {
        takePatience(options.ShutdownTimeout + options.WriteTimeout + LastWords);
        var log = new RequestLog(error, options.Json);
        await using ApiServer server = await ApiServer.StartAsync(options, log);
        if (!options.IsLoopback && options.Key is null)
        {
            log.Warn($"other machines can reach {server.Address.Authority}, and no key is asked for: set {ApiKey.Variable}, or give --api-key-file.");
        }

        try
        {
            // Progress is no object, and for people.
            TextWriter progress = options.Json ? TextWriter.Null : error;

            // Observed, for the page's map, which is the CPU's: without an observer that costs some tests a layer.
            using LoadedModel loaded = await Task.Run(() => RunCommand.Load(options.Model with { Observed = options.Model.Device is "cpu" or "best" }, progress, cancellationToken), CancellationToken.None);
            if (options.Json)
            {
                // Progress, which has them otherwise, is not shown.
                foreach (string note in loaded.Model.LoadReport.Notes)
                {
                    log.Warn(note);
                }
            }

            if (options.Pooling is null && loaded.Model.WhyNoPooling is { } reason)
            {
                log.Warn($"requests for embeddings are refused, since {reason}: give --pooling mean, cls or last, whichever makes sense for the model.");
            }

            await using ModelService service = Create(options, loaded);
            ServedModel model = Describe(options, loaded, service);
            server.Open(model);
            try
            {
                await TellAsync(options, loaded, server, model, output);
                await AskedToEndAsync(cancellationToken);
                await server.StopAsync();
            }
            finally
            {
                server.Close();
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // While it was loading: nobody has been answered yet.
        }
    }

    private static async Task TellAsync(ServeOptions options, LoadedModel loaded, ApiServer server, ServedModel model, TextWriter output)
    {
        await output.WriteLineAsync(options.Json
            ? JsonSerializer.Serialize(new Started(model.Name, server.Address.ToString(), loaded.Model.Device.Description), OneLine)
            : $"{model.Name} is served at {server.Address}");
        await output.FlushAsync(CancellationToken.None);
    }

    private static async Task AskedToEndAsync(CancellationToken cancellationToken)
    {
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using (cancellationToken.Register(asked.SetResult))
        {
            await asked.Task;
        }
    }

    private static ModelService Create(ServeOptions options, LoadedModel loaded)
    {
        LanguageModel model = loaded.Model;
        string path = options.Model.File.Path;
        if (!model.HasTokenizer)
        {
            throw new CliException($"{path} cannot read or write text: {model.WhyNoTokenizer}.");
        }

        if (options.Context > loaded.Declaration.Context)
        {
            throw new CliException($"--ctx-size {options.Context} is more than the model's context, which holds {loaded.Declaration.Context}: give less.");
        }

        // What no request could have is told now.
        CliException.OfFiles(() => Probe(options, model));
        return new(model, new()
        {
            MaxRunning = options.Parallel,
            MaxQueued = options.Queue,
            Context = options.Context,
            Mode = options.Mode,
            ChatTemplate = options.Template is null ? null : Template(options.Template, model),
            KeptSessions = options.Kept,
            CacheType = options.CacheType,
            Matryoshka = options.Matryoshka,
            MeterEvery = options.MeterEvery > 0 ? options.MeterEvery : null,
        });
    }

    private static bool Probe(ServeOptions options, LanguageModel model)
    {
        try
        {
            using Session session = model.CreateSession(new() { Mode = options.Mode, Context = options.Context, CacheType = options.CacheType });
            return true;
        }
        catch (Exception exception) when (exception is ArgumentException or NotSupportedException)
        {
            throw new CliException(exception.Message);
        }
    }

    private static ChatTemplate Template(string path, LanguageModel model)
    {
        try
        {
            return ChatTemplate.Parse(File.ReadAllText(path), model.ChatTemplate?.BeginOfSequence, model.ChatTemplate?.EndOfSequence);
        }
        catch (Exception exception) when (exception is ChatTemplateException or IOException or UnauthorizedAccessException)
        {
            throw new CliException($"--chat-template-file {path}: {exception.Message}");
        }
    }

    private static ServedModel Describe(ServeOptions options, LoadedModel loaded, ModelService service)
    {
        string path = Path.TrimEndingDirectorySeparator(Path.GetFullPath(options.Model.File.Path));
        string name = options.Alias ?? (Directory.Exists(path) ? Path.GetFileName(path) : Path.GetFileNameWithoutExtension(path));
        byte[] hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{loaded.Declaration.ToText()}\n{loaded.Declaration.Profile?.Text}\n{options.Mode}\n{loaded.Model.Device.Description}\n{typeof(ServeCommand).Assembly.GetName().Version}"));
        long created = new DateTimeOffset(File.GetLastWriteTimeUtc(path)).ToUnixTimeSeconds();
        return new(name, created, "fp_" + System.Convert.ToHexStringLower(hash)[..10], service);
    }

    private sealed record Started(string Model, string Address, string Device);
}
