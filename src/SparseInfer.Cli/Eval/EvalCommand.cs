using SparseInfer.Cli.Bench;

namespace SparseInfer.Cli.Eval;

/// <summary><c>sparseinfer eval</c>.</summary>
internal static class EvalCommand
{
    /// <summary>Evaluates, and writes the results: nothing else goes to standard output.</summary>
    public static Task RunAsync(EvalOptions options, TextWriter output, TextWriter error, CancellationToken cancellationToken) =>
        OutputFile.WriteAsync(options.OutputFile, () => CliException.OfFiles(() => Evaluate(options, error, cancellationToken)), output);

    private static string Evaluate(EvalOptions options, TextWriter error, CancellationToken cancellationToken)
    {
        if (options.HtmlFile is { } file)
        {
            OutputFile.RequireWritable(file, "--html");
        }

        using var progress = ProgressLine.On(error);
        Evaluation evaluation = new Evaluator(options, progress, cancellationToken).Run();
        if (options.HtmlFile is { } page)
        {
            OutputFile.WriteWhole(page, HtmlReport.Write(evaluation), "--html");
        }

        return options.Json ? EvalReport.Json(evaluation) : EvalReport.Markdown(evaluation);
    }
}
