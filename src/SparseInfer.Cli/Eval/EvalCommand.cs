using SparseInfer.Cli.Bench;
using SparseInfer.Files;

namespace SparseInfer.Cli.Eval;

/// <summary><c>sparseinfer eval</c>.</summary>
internal static class EvalCommand
{
    /// <summary>Evaluates, and writes the results: nothing else goes to standard output.</summary>
    public static async Task RunAsync(EvalOptions options, TextWriter output, TextWriter error, CancellationToken cancellationToken)
    {
        string text = Evaluate(options, error, cancellationToken);
        if (options.OutputFile is { } path)
        {
            OutputFile.WriteWhole(path, text);
        }
        else
        {
            await output.WriteAsync(text);
        }
    }

    private static string Evaluate(EvalOptions options, TextWriter error, CancellationToken cancellationToken)
    {
        try
        {
            using var progress = new ProgressLine(error, isTerminal: error == Console.Error && !Console.IsErrorRedirected);
            Evaluation evaluation = new Evaluator(options, progress, cancellationToken).Run();
            return options.Json ? EvalReport.Json(evaluation) : EvalReport.Markdown(evaluation);
        }
        catch (Exception exception) when (
            exception is ModelFormatException or IOException or UnauthorizedAccessException or InsufficientMemoryException)
        {
            throw new CliException(exception.Message);
        }
    }
}
