using SparseInfer.Cli.Bench;
using SparseInfer.Cli.Compilation;
using SparseInfer.Cli.Synthetic;

namespace SparseInfer.Cli.Tests;

/// <summary>One small benchmark, run once for all tests that look at its results.</summary>
public sealed class MeasuredRuns : IDisposable
{
    private readonly StringWriter _error = new();

    public MeasuredRuns()
    {
        ModelDeclaration = SmallShapes.Of("tinyllama-1.1b");
        var options = new BenchOptions
        {
            Synthetic = new SyntheticRequest(ModelDeclaration, "nothing", new ActivityTarget(0.9, 0.95, 0.9), Seed: 0),
            Prompts = [16],
            Generations = [6],
            Depths = [0, 40],
            Threads = [1, 2],
            Repetitions = 3,
            ProbeBytes = 1 << 24,
        };
        using var progress = new ProgressLine(_error, isTerminal: false);
        using BenchModel model = BenchModel.Prepare(options, ModelDeclaration, progress, CancellationToken.None);
        Runs = new BenchRunner(options, model, progress, CancellationToken.None).Run();
    }

    internal ModelDeclaration ModelDeclaration { get; }

    internal IReadOnlyList<BenchRun> Runs { get; }

    internal string Progress => _error.ToString();

    public void Dispose() => _error.Dispose();
}
