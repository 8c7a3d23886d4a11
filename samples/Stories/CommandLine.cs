using System.CommandLine;
using System.CommandLine.Invocation;

namespace Stories;

/// <summary>From arguments to an exit code: 0, 1 for an error (one line on standard error), 130 after Ctrl-C.</summary>
internal static class CommandLine
{
    private const int Failed = 1;
    private const int Canceled = 130;

    public static async Task<int> RunAsync(string[] args)
    {
        var options = new OptionSet();
        var root = new RootCommand(OptionSet.Description);
        options.AddTo(root);
        root.SetAction((parsed, cancellationToken) => RunAsync(() => StoryCommand.RunAsync(options.Read(parsed), cancellationToken)));

        // A prompt may begin with '@': it is no response file.
        ParseResult result = root.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null, EnablePosixBundling = false });
        return result.Action is ParseErrorAction
            ? await FailAsync($"{result.Errors[0].Message} Try --help.")
            : await result.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
    }

    private static async Task<int> RunAsync(Func<Task> run)
    {
        // System.CommandLine listens for Ctrl-C from the moment the action first waits.
        await Task.Yield();
        try
        {
            await run();
            return 0;
        }
        catch (OperationCanceledException)
        {
            return Canceled;
        }
        catch (StoryException exception)
        {
            return await FailAsync(exception.Message);
        }
        catch (Exception exception) when (Gpus.HasFailed(exception))
        {
            return await FailAsync($"--device: {exception.Message}");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Files are read under a try of their own: this is a full disk, or an output that was closed from the start.
            return await FailAsync($"standard output cannot be written to: {exception.Message}");
        }
    }

    private static async Task<int> FailAsync(string message)
    {
        // One line, and nothing that a terminal would obey, whatever a file's name holds.
        string line = string.Concat(message.Select(c => char.IsControl(c) ? ' ' : c));
        await Console.Error.WriteLineAsync($"stories: {line}");
        return Failed;
    }
}
