using System.Text;
using System.Text.Json;
using SparseInfer.Sampling;

namespace SparseInfer.Cli.Run;

/// <summary><c>sparseinfer chat</c>: a conversation, line by line.</summary>
internal sealed class ChatCommand
{
    private const string TypedColor = "\e[36m";
    private const string NoColor = "\e[0m";

    private const string Help = """
        /clear            forget the conversation
        /save FILE        write it, as JSON
        /load FILE        take it from such a file
        /mode MODE        dense, exact or predicted
        /stats            how the last answer went
        /exit             end the program, as the end of the input does

        """;

    private static readonly JsonSerializerOptions OneLine = new(Bench.Reports.JsonReport.Options) { WriteIndented = false };

    private readonly ChatOptions _options;
    private readonly LoadedModel _loaded;
    private readonly Session _session;
    private readonly Conversation _conversation;
    private readonly TextWriter _output;
    private readonly TextWriter _error;
    private volatile CancellationTokenSource? _answer;

    /// <summary>The last answer's, once it was asked for: it is counted once.</summary>
    private AnswerReport? _report;

    private ChatCommand(ChatOptions options, LoadedModel loaded, Session session, ChatTemplate template, TextWriter output, TextWriter error)
    {
        _options = options;
        _loaded = loaded;
        _session = session;
        _conversation = new(session, template, loaded.Model.Tokenizer, options.System);
        _output = output;
        _error = error;
    }

    /// <summary>Loads a model and talks until the input ends.</summary>
    /// <param name="options">What was asked for.</param>
    /// <param name="input">Where messages come from.</param>
    /// <param name="output">Where answers go.</param>
    /// <param name="error">Where everything else goes.</param>
    /// <param name="takeInterrupts">Takes what Ctrl-C does: whether it ended an answer.</param>
    /// <param name="cancellationToken">Ends the program.</param>
    public static async Task RunAsync(
        ChatOptions options, TextReader input, TextWriter output, TextWriter error, Action<Func<bool>> takeInterrupts, CancellationToken cancellationToken)
    {
        using LoadedModel loaded = RunCommand.Load(options.Model, error, cancellationToken);
        ChatTemplate template = CliException.OfFiles(() => Template(options, loaded));
        using Session session = CliException.OfFiles(() => RunCommand.CreateSession(loaded, options.Model, options.Mode, options.Context));
        var chat = new ChatCommand(options, loaded, session, template, output, error);
        takeInterrupts(chat.EndAnswer);
        await chat.TalkAsync(input, cancellationToken);
    }

    private static ChatTemplate Template(ChatOptions options, LoadedModel loaded)
    {
        try
        {
            return options.Template is { } path ? ChatTemplate.Parse(File.ReadAllText(path), loaded.Model.ChatTemplate?.BeginOfSequence, loaded.Model.ChatTemplate?.EndOfSequence)
                : loaded.Model.ChatTemplate
                ?? throw new CliException(
                    $"{options.Model.File.Path} has no chat template that can be used: give --chat-template-file FILE, or go on with a text by 'sparseinfer run'.");
        }
        catch (ChatTemplateException exception)
        {
            throw new CliException($"--chat-template-file {options.Template}: {exception.Message}");
        }
    }

    private async Task TalkAsync(TextReader input, CancellationToken cancellationToken)
    {
        while (true)
        {
            string? line = await ReadAsync(input, cancellationToken);
            string[] words = line?.Trim().Split(' ', 2, StringSplitOptions.TrimEntries) ?? ["/exit"];
            if (words[0] is "/exit" or "/quit")
            {
                if (!_options.Json && Report() is { } last)
                {
                    await ShowAsync(last);
                }

                return;
            }

            if (line!.Trim().Length == 0)
            {
                continue;
            }

            try
            {
                // Two slashes: a message that begins with one.
                bool isEscaped = words[0].StartsWith("//", StringComparison.Ordinal);
                if (words[0].StartsWith('/') && !isEscaped)
                {
                    await DoAsync(words[0], words.ElementAtOrDefault(1) ?? "");
                }
                else
                {
                    await AnswerAsync(isEscaped ? line.TrimStart()[1..] : line, cancellationToken);
                }
            }
            catch (Exception exception) when (exception is CliException or ChatTemplateException or ChatRefusedException or GrammarException)
            {
                // Of the message or the command; the conversation goes on without it.
                if (_options.Json)
                {
                    await ReplyAsync(new { Error = exception.Message });
                }
                else
                {
                    await _error.WriteLineAsync($"sparseinfer: {exception.Message}");
                }
            }
        }
    }

    private async Task<string?> ReadAsync(TextReader input, CancellationToken cancellationToken)
    {
        bool isAsked = !Console.IsInputRedirected && !Console.IsErrorRedirected;
        if (isAsked)
        {
            await _error.WriteAsync(_options.Color ? $"\n> {TypedColor}" : "\n> ");
        }

        try
        {
            // A terminal's line cannot be canceled: whoever ends the program does not wait for it.
            string? line = await Task.Run(input.ReadLine, CancellationToken.None).WaitAsync(cancellationToken);
            return line is null ? null : InputText.Of(line);
        }
        finally
        {
            if (isAsked && _options.Color)
            {
                await _error.WriteAsync(NoColor);
            }
        }
    }

    private async Task DoAsync(string command, string argument)
    {
        switch (command)
        {
            case "/clear":
                _conversation.Clear();
                break;
            case "/save" when argument.Length > 0:
                _conversation.Save(argument);
                break;
            case "/load" when argument.Length > 0:
                _conversation.Load(argument);
                break;
            case "/mode" when ValueOption.Enumeration<SparsityMode>(argument) is (true, var mode):
                _session.Mode = mode;
                break;
            case "/stats":
                AnswerReport report = Report() ?? throw new CliException("there is no answer yet that could be reported on.");
                await (_options.Json ? ReplyAsync(new { Report = report }) : ShowAsync(report));
                return;
            case "/help":
                await (_options.Json ? ReplyAsync(new { Help }) : _error.WriteAsync(Help));
                return;
            default:
                throw new CliException(command switch
                {
                    "/save" or "/load" => $"{command} takes a file: {command} FILE.",
                    "/mode" => "/mode takes dense, exact or predicted.",
                    _ => $"there is no command {command}: /help lists them.",
                });
        }

        if (_options.Json)
        {
            await ReplyAsync(new { Done = command });
        }
    }

    private async Task AnswerAsync(string message, CancellationToken cancellationToken)
    {
        bool isTerminal = _output == Console.Out && !Console.IsOutputRedirected;
        using var answer = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var text = new StringBuilder();
        _report = null;
        _answer = answer;
        try
        {
            await foreach (string piece in _conversation.AnswerAsync(message, _options.Generation, answer.Token))
            {
                text.Append(piece);
                if (!_options.Json)
                {
                    await _output.WriteAsync(isTerminal ? TerminalText.Of(piece) : piece);
                    await _output.FlushAsync(CancellationToken.None);
                }
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // Ctrl-C: the answer is what was said of it.
        }
        finally
        {
            _answer = null;
        }

        if (_options.Json)
        {
            await ReplyAsync(new { Text = text.ToString(), Report = Report() });
            return;
        }

        await _output.WriteLineAsync();
        await _output.FlushAsync(CancellationToken.None);
    }

    /// <summary>With <c>--json</c> each line that is read, but for empty ones and the last, has one that is written: who talks waits for it.</summary>
    private async Task ReplyAsync(object reply)
    {
        await _output.WriteLineAsync(JsonSerializer.Serialize(reply, OneLine));
        await _output.FlushAsync(CancellationToken.None);
    }

    private AnswerReport? Report() =>
        _report ??= _conversation.LastAnswer is { } answer ? AnswerReport.Of(_loaded, _session, answer, CancellationToken.None) : null;

    private Task ShowAsync(AnswerReport report) => _error.WriteAsync($"\n{report.Text()}");

    /// <summary>Ends the answer that is being given.</summary>
    /// <returns>Whether there was one.</returns>
    private bool EndAnswer()
    {
        // Read once: it may end meanwhile.
        CancellationTokenSource? answer = _answer;
        try
        {
            answer?.Cancel();
            return answer is not null;
        }
        catch (ObjectDisposedException)
        {
            // It has ended this moment: the signal was meant for it.
            return true;
        }
    }
}
