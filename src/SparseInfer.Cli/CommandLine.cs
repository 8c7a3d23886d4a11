using System.CommandLine;
using System.CommandLine.Invocation;
using System.Globalization;
using SparseInfer.Cli.Bench;
using SparseInfer.Cli.Calibrate;
using SparseInfer.Cli.Convert;
using SparseInfer.Cli.Declare;
using SparseInfer.Cli.Doctor;
using SparseInfer.Cli.Embed;
using SparseInfer.Cli.Eval;
using SparseInfer.Cli.Inspect;
using SparseInfer.Cli.Run;
using SparseInfer.Cli.Serve;

namespace SparseInfer.Cli;

/// <summary>From arguments to an exit code: 0, 1 for an error (one line on standard error), after a signal 128 and its number: 130 for Ctrl-C.</summary>
internal static class CommandLine
{
    private const int Failed = 1;
    private const int Canceled = 130;

    /// <summary>Longer messages are cut: the parts that come from files are short, so this is what a user typed.</summary>
    private const int MaxLineLength = 8000;

    /// <summary>How the message of an error that nobody foresaw begins.</summary>
    internal const string Unexpected = "this is a fault of the tool";

    private const string ReportIt = "Please report it, with the command and the file's origin.";

    /// <summary>Runs a command.</summary>
    /// <param name="args">What stands after the tool's name.</param>
    /// <param name="output">Where results go.</param>
    /// <param name="error">Where progress and errors go.</param>
    public static async Task<int> RunAsync(string[] args, TextWriter output, TextWriter error)
    {
        // Not System.CommandLine's own: of all signals it hears two, and a second Ctrl-C is an error to it.
        using var signals = new TerminationSignals();
        var root = new RootCommand("Tools for models whose kernels are generated for exactly their shape.");
        var arguments = new BenchArguments();
        Command bench = arguments.CreateCommand();
        bench.SetAction((parsed, cancellationToken) =>
            RunAsync(() => BenchCommand.RunAsync(arguments.Read(parsed), output, error, cancellationToken), error));
        root.Subcommands.Add(bench);
        var calibrateArguments = new CalibrateArguments();
        Command calibrate = calibrateArguments.CreateCommand();
        calibrate.SetAction((parsed, cancellationToken) =>
            RunAsync(() => calibrateArguments.ReadChannels(parsed) is { } channels ? CalibrateCommand.RunAsync(channels, output, error, cancellationToken)
                : calibrateArguments.ReadHeads(parsed) is { } heads ? CalibrateCommand.RunAsync(heads, output, error, cancellationToken)
                : calibrateArguments.ReadPredictor(parsed) is { } predictor ? CalibrateCommand.RunAsync(predictor, output, error, cancellationToken)
                : CalibrateCommand.RunAsync(calibrateArguments.Read(parsed), output, error, cancellationToken), error));
        root.Subcommands.Add(calibrate);
        var chatArguments = new ChatArguments();
        Command chat = chatArguments.CreateCommand();
        chat.SetAction((parsed, cancellationToken) =>
            RunAsync(() => ChatCommand.RunAsync(chatArguments.Read(parsed), Console.In, output, error, signals.HandInterruptsTo, cancellationToken), error));
        root.Subcommands.Add(chat);
        var convertArguments = new ConvertArguments();
        Command convert = convertArguments.CreateCommand();
        convert.SetAction((parsed, cancellationToken) =>
            RunAsync(() => ConvertCommand.RunAsync(convertArguments.Read(parsed), output, error, cancellationToken), error));
        root.Subcommands.Add(convert);
        var declareArguments = new DeclareArguments();
        Command declare = declareArguments.CreateDeclare();
        declare.SetAction((parsed, cancellationToken) =>
            RunAsync(() => DeclareCommand.RunAsync(declareArguments.Read(parsed, folder: false), output, cancellationToken), error));
        root.Subcommands.Add(declare);
        var doctorArguments = new DoctorArguments();
        Command doctor = doctorArguments.CreateCommand();
        doctor.SetAction((parsed, _) => RunAsync(() => DoctorCommand.RunAsync(doctorArguments.IsJson(parsed), output), error));
        root.Subcommands.Add(doctor);
        var embedArguments = new EmbedArguments();
        Command embed = embedArguments.CreateCommand();
        embed.SetAction((parsed, cancellationToken) =>
            RunAsync(() => EmbedCommand.RunAsync(embedArguments.Read(parsed), output, error, cancellationToken), error));
        root.Subcommands.Add(embed);
        var evalArguments = new EvalArguments();
        Command eval = evalArguments.CreateCommand();
        eval.SetAction((parsed, cancellationToken) =>
            RunAsync(() => EvalCommand.RunAsync(evalArguments.Read(parsed), output, error, cancellationToken), error));
        root.Subcommands.Add(eval);
        var inspectArguments = new InspectArguments();
        Command inspect = inspectArguments.CreateCommand();
        inspect.SetAction((parsed, cancellationToken) =>
            RunAsync(() => InspectCommand.RunAsync(inspectArguments.Read(parsed), output, error, cancellationToken), error));
        root.Subcommands.Add(inspect);
        var newArguments = new DeclareArguments();
        Command made = newArguments.CreateNew();
        made.SetAction((parsed, cancellationToken) =>
            RunAsync(() => NewCommand.RunAsync(newArguments.Read(parsed, folder: true), output, cancellationToken), error));
        root.Subcommands.Add(made);
        var runArguments = new RunArguments();
        Command run = runArguments.CreateCommand();
        run.SetAction((parsed, cancellationToken) =>
            RunAsync(() => RunCommand.RunAsync(runArguments.Read(parsed), output, error, cancellationToken), error));
        root.Subcommands.Add(run);
        var serveArguments = new ServeArguments();
        Command serve = serveArguments.CreateCommand();
        serve.SetAction((parsed, cancellationToken) =>
            RunAsync(() => ServeCommand.RunAsync(serveArguments.Read(parsed), output, error, signals.WaitFor, cancellationToken), error));
        root.Subcommands.Add(serve);

        // A path may begin with '@': it is no response file.
        ParseResult result = root.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null, EnablePosixBundling = false });
        if (result.Action is ParseErrorAction)
        {
            return await FailAsync($"{result.Errors[0].Message} Try --help.", error);
        }

        int exitCode = await result.InvokeAsync(
            new InvocationConfiguration
            {
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null,
                Output = output,
                Error = error,
            },
            signals.Token);
        return exitCode == Canceled && signals.ExitCode != 0 ? signals.ExitCode : exitCode;
    }

    private static async Task<int> RunAsync(Func<Task> run, TextWriter error)
    {
        try
        {
            await run();
            return 0;
        }
        catch (OperationCanceledException)
        {
            return Canceled;
        }
        catch (CliException exception)
        {
            return await FailAsync(exception.Message, error);
        }
        catch (Exception exception) when (exception is DeviceLostException or InsufficientDeviceMemoryException or KernelRefusedException)
        {
            return await FailAsync(exception.Message, error);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Files are read under a try of their own: this is a full disk, or an output that was closed from the start.
            return await FailAsync($"standard output cannot be written to: {exception.Message}", error);
        }
        catch (Exception exception) when (Root(exception) is OutOfMemoryException or InsufficientMemoryException)
        {
            return await FailAsync($"there is not enough memory: {Root(exception).Message}", error);
        }
        catch (Exception exception)
        {
            // Whatever a file holds, its user gets a line and an exit code; but this one is ours to mend.
            return await FailAsync($"{Unexpected} ({Root(exception).GetType().Name}: {Root(exception).Message}). {ReportIt}", error);
        }
    }

    /// <summary>What went wrong first, where something ran on several threads.</summary>
    private static Exception Root(Exception exception) =>
        exception is AggregateException { InnerExceptions: [var first, ..] } ? Root(first) : exception;

    private static async Task<int> FailAsync(string message, TextWriter error)
    {
        // One line, and nothing that a terminal would obey, whatever a file's name holds.
        string plain = string.Concat(message.Take(MaxLineLength).Select(c => IsShown(c) ? c : ' '));
        string line = string.Join(' ', plain.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        await error.WriteLineAsync($"sparseinfer: {line}{(message.Length > MaxLineLength ? "…" : "")}");
        return Failed;
    }

    private static bool IsShown(char c) => char.GetUnicodeCategory(c) is not (UnicodeCategory.Control or UnicodeCategory.Format
        or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);
}
