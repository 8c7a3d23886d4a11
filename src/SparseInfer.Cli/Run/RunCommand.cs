using System.Globalization;
using System.Text;
using System.Text.Json;
using SparseInfer.Cli.Bench;
using SparseInfer.Cli.Bench.Reports;
using SparseInfer.Cli.Compilation;
using SparseInfer.Sampling;

namespace SparseInfer.Cli.Run;

/// <summary><c>sparseinfer run</c>: from a file to text.</summary>
internal static class RunCommand
{
    private const string PromptColor = "\e[36m";
    private const string NoColor = "\e[0m";

    /// <summary>Loads a model and goes on with a text.</summary>
    /// <param name="options">What was asked for.</param>
    /// <param name="output">Where the text goes, as it comes.</param>
    /// <param name="error">Where progress and the report go.</param>
    /// <param name="cancellationToken">Ends the answer; what was written of it stays, and the report follows.</param>
    public static async Task RunAsync(RunOptions options, TextWriter output, TextWriter error, CancellationToken cancellationToken)
    {
        using LoadedModel loaded = Load(options.Model, error, cancellationToken);
        using Session session = CliException.OfFiles(() => CreateSession(loaded, options.Model, options.Mode, options.Context));
        int tokens = loaded.Model.Tokenizer.Encode(options.Prompt, addBeginOfSequence: true).Length;
        if (tokens >= session.Context)
        {
            string larger = session.Context < loaded.Declaration.Context ? ", or a larger --ctx-size" : "";
            throw new CliException($"the prompt has {tokens} tokens, and the context holds {session.Context} with what follows: give a shorter one{larger}.");
        }

        bool isTerminal = output == Console.Out && !Console.IsOutputRedirected;
        var text = new StringBuilder();

        // Not before there is something to go on with: a prompt that does not fit is an error and nothing else.
        string shown = isTerminal ? TerminalText.Of(options.Prompt) : options.Prompt;
        shown = isTerminal && options.Color ? $"{PromptColor}{shown}{NoColor}" : shown;
        bool isCanceled = false;
        try
        {
            await foreach (string piece in session.GenerateAsync(options.Prompt, options.Generation, cancellationToken))
            {
                await WriteAsync(piece);
            }
        }
        catch (OperationCanceledException)
        {
            isCanceled = true;
        }
        catch (GrammarException exception)
        {
            throw new CliException(exception.Message);
        }

        if (session.LastGeneration is { } generation)
        {
            // Nothing follows any more that would make a stop string of it.
            await WriteAsync(generation.HeldText);
            AnswerReport report = AnswerReport.Of(loaded, session, new(generation, options.Mode), CancellationToken.None);
            if (options.Json)
            {
                await output.WriteAsync(JsonSerializer.Serialize(new { Prompt = options.Prompt, Text = text.ToString(), Report = report }, JsonReport.Options) + "\n");
            }
            else
            {
                await output.WriteLineAsync(shown);
                await output.FlushAsync(CancellationToken.None);
                await error.WriteAsync($"\n{report.Text()}");
            }
        }

        if (isCanceled)
        {
            throw new OperationCanceledException(cancellationToken);
        }

        async Task WriteAsync(string piece)
        {
            text.Append(piece);
            if (!options.Json)
            {
                await output.WriteAsync(shown + (isTerminal ? TerminalText.Of(piece) : piece));
                shown = "";
                await output.FlushAsync(CancellationToken.None);
            }
        }
    }

    /// <summary>Loads a model, showing how far that is.</summary>
    public static LoadedModel Load(ModelRequest request, TextWriter error, CancellationToken cancellationToken)
    {
        using var progress = ProgressLine.On(error);
        return CliException.OfFiles(() => LoadedModel.Load(request, CompiledCache.Default(), progress, cancellationToken));
    }

    /// <summary>A session that can read and write text.</summary>
    /// <exception cref="CliException">There is no tokenizer, or the context is larger than the model's.</exception>
    public static Session CreateSession(LoadedModel loaded, ModelRequest request, SparsityMode mode, int? context)
    {
        LanguageModel model = loaded.Model;
        if (!model.HasTokenizer)
        {
            throw new CliException($"{request.File.Path} cannot read or write text: {model.WhyNoTokenizer}.");
        }

        if (context > loaded.Declaration.Context)
        {
            throw new CliException(string.Create(CultureInfo.InvariantCulture, $"--ctx-size {context} is more than the model's context, which holds {loaded.Declaration.Context}: give less."));
        }

        return model.CreateSession(new() { Mode = mode, Context = context });
    }
}
