using SparseInfer.Cli.Bench.Reports;
using SparseInfer.Cli.Compilation;
using SparseInfer.Files;

namespace SparseInfer.Cli.Bench;

/// <summary><c>sparseinfer bench</c>.</summary>
internal static class BenchCommand
{
    /// <summary>Measures, and writes the results: nothing else goes to standard output.</summary>
    public static Task RunAsync(BenchOptions options, TextWriter output, TextWriter error, CancellationToken cancellationToken) =>
        OutputFile.WriteAsync(options.OutputFile, () => CliException.OfFiles(() => Measure(options, error, cancellationToken)), output);

    private static string Measure(BenchOptions options, TextWriter error, CancellationToken cancellationToken)
    {
        ModelDeclaration declaration = Declare(options);
        CheckContext(options, declaration);
        using var progress = ProgressLine.On(error);
        if (options.Synthetic is { } synthetic)
        {
            string differs = synthetic.Differs is { } what ? $" Declared with {what}." : "";
            progress.Note($"{declaration.Name}: weights are synthetic.{differs}");
        }

        using BenchModel model = BenchModel.Prepare(options, declaration, progress, cancellationToken);
        IReadOnlyList<BenchRun> runs = new BenchRunner(options, model, progress, cancellationToken).Run();
        return options.Format switch
        {
            OutputFormat.Json => JsonReport.Write(runs),
            OutputFormat.Csv => CsvReport.Write(runs),
            _ => MarkdownReport.Write(runs),
        };
    }

    private static ModelDeclaration Declare(BenchOptions options)
    {
        if (options.Synthetic is { } synthetic)
        {
            return synthetic.Declaration with { Policies = options.Policies };
        }

        FileRequest request = options.File!;
        using ModelFile file = ModelFile.Open(request.Path);
        ModelDeclaration read = FileDeclaration.Read(file, request.Activation, request.Threshold, request.Alpha, request.Overrides);
        return read with { Context = request.Context ?? read.Context, Policies = options.Policies };
    }

    private static void CheckContext(BenchOptions options, ModelDeclaration declaration)
    {
        if (options.LongestSequence > declaration.Context)
        {
            throw new CliException(
                $"-p, -n and -d ask for {options.LongestSequence} tokens, but the context holds {declaration.Context}: "
                + "ask for fewer, or give --context N.");
        }
    }
}
