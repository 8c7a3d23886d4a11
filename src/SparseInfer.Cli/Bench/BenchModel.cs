using System.Diagnostics;
using System.Globalization;
using SparseInfer.Cli.Compilation;
using SparseInfer.Cli.Synthetic;
using SparseInfer.Files;

namespace SparseInfer.Cli.Bench;

/// <summary>The model under test: declared, compiled, its weights at hand; loaded once for each number of threads.</summary>
internal sealed class BenchModel : IDisposable
{
    private readonly CompiledModel _compiled;
    private readonly ModelFile? _synthetic;
    private readonly FileRequest? _file;

    // Synthetic weights are shared by all loads, and freed with any: so all models live to the end.
    private readonly List<IDisposable> _kept = [];
    private bool _isTold;

    private BenchModel(CompiledModel compiled, ModelCost cost, ModelFile? synthetic, FileRequest? file)
    {
        _compiled = compiled;
        _synthetic = synthetic;
        _file = file;
        Cost = cost;
    }

    public ModelDeclaration Declaration => _compiled.Declaration;

    public ModelCost Cost { get; }

    public bool Synthetic => _synthetic is not null;

    public string FileName => _file?.Path ?? $"synthetic {Declaration.Name}";

    public string WeightTypes => string.Join(", ", Declaration.Weights);

    /// <summary>For people; llama-bench's are like "llama 7B F16".</summary>
    public string Description => string.Create(
        CultureInfo.InvariantCulture,
        $"{Declaration.Name} {Declaration.Layers} layers {WeightTypes}{(Synthetic ? ", synthetic weights" : "")}");

    /// <summary>Declares, compiles, and makes weights where they are synthetic.</summary>
    /// <exception cref="CliException">It cannot be declared, made or read.</exception>
    public static BenchModel Prepare(
        BenchOptions options, ModelDeclaration declaration, ProgressLine progress, CancellationToken cancellationToken)
    {
        progress.Show($"compiling {declaration.Name}");
        CompiledModel compiled = ModelCompiler.Compile(declaration, cancellationToken);
        if (options.Synthetic is { } request)
        {
            MemoryBudget.Require(
                declaration, options.CacheType, options.LongestSequences, options.Threads.Count, Machine.AvailableMemory, options.ProbeBytes, options.MostSessions);
            ModelFile made = SyntheticModel.Build(
                declaration,
                request.Target,
                request.Seed,
                (done, total) => progress.Show("making synthetic weights", (double)done / total),
                cancellationToken);
            return new BenchModel(compiled, new ModelCost(declaration, made), made, null);
        }

        FileRequest wanted = options.File!;
        using ModelFile file = ModelFile.Open(wanted.Path);
        return new BenchModel(compiled, new ModelCost(declaration, file, wanted.Overrides), null, wanted);
    }

    /// <summary>Loads the model for a device.</summary>
    /// <param name="device">Where it shall run; lives as long as the result.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="cancellationToken">Ends it at the next tensor.</param>
    /// <param name="seconds">How long it took.</param>
    public LanguageModel Load(Device device, ProgressLine progress, CancellationToken cancellationToken, out double seconds)
    {
        long start = Stopwatch.GetTimestamp();
        LoadOptions options = (_file?.Overrides ?? new LoadOptions()) with { Progress = new LoadMeter(progress, cancellationToken) };
        LanguageModel model = _compiled.Load(_synthetic ?? ModelFile.Open(_file!.Path), device, options);
        seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        if (!Synthetic && !_isTold)
        {
            // Each number of threads finds the same; what the tool made itself has nothing to tell.
            progress.Notes(model.LoadReport);
            _isTold = true;
        }

        return model;
    }

    /// <summary>Takes a model back, and its device, when it was measured.</summary>
    public void Return(LanguageModel model, Device device)
    {
        if (Synthetic)
        {
            _kept.AddRange(model, device);
            return;
        }

        model.Dispose();
        device.Dispose();
    }

    public void Dispose()
    {
        _kept.ForEach(kept => kept.Dispose());
        _synthetic?.Dispose();
    }
}
