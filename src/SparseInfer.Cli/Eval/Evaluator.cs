using SparseInfer.Cli.Bench;
using SparseInfer.Cli.Compilation;
using SparseInfer.Files;

namespace SparseInfer.Cli.Eval;

/// <summary>Runs each policy beside the dense model over the same windows, skipping at every position of them.</summary>
internal sealed class Evaluator(EvalOptions options, ProgressLine progress, CancellationToken cancellationToken)
{
    /// <summary>Tokens whose logits are in memory: those of a long window and a large vocabulary would fit no array.</summary>
    public const int MaxTogether = 256;

    /// <summary>Evaluates every policy that was asked for.</summary>
    /// <exception cref="CliException">There is none for the model, or the text does not suit it.</exception>
    public Evaluation Run()
    {
        string text = TextWindows.ReadText(options.TextFile);
        (string Policy, ModelDeclaration Declaration)[] policies = Declare();
        progress.Show(policies.Length == 1 ? "compiling the model" : $"compiling the model with {policies.Length} policies");
        IReadOnlyList<CompiledModel> models = ModelCompiler.Compile([.. policies.Select(policy => policy.Declaration)], cancellationToken);
        var runs = new List<EvaluationRun>();
        TextWindows? windows = null;
        for (int i = 0; i < policies.Length; i++)
        {
            using CpuDevice device = Device.Cpu(options.Threads);
            using LanguageModel model = models[i].Load(ModelFile.Open(options.File.Path), device, options.File.Overrides);
            if (!model.HasTokenizer)
            {
                throw new CliException($"{options.File.Path} cannot be judged on a text: {model.WhyNoTokenizer}.");
            }

            windows ??= TextWindows.Of(text, options, model.Tokenizer);
            runs.AddRange(Run(policies[i].Policy, model, windows).Skip(i == 0 ? 0 : 1));
        }

        return new(Machine.CpuInfo, options.File.Path, options.TextFile, windows!.Tokens, options.Window, runs);
    }

    private (string Policy, ModelDeclaration Declaration)[] Declare()
    {
        using ModelFile file = ModelFile.Open(options.File.Path);
        ModelDeclaration read = FileDeclaration.Read(file, options.File.Activation, options.File.Threshold, alpha: 1f, options.File.Overrides);
        if (options.Window > read.Context)
        {
            throw new CliException($"--window {options.Window} is more than the model's context, which holds {read.Context}: give less.");
        }

        if (!read.HasZeros && (options.Alphas.Count > 0 || options.ActivationThresholds.Count == 0))
        {
            throw new CliException(
                $"{read.Activation} has no exact zeros, which the sign-bit predictor could predict: give --activation-threshold T{(options.Alphas.Count > 0 ? ", and no --alpha" : "")}.");
        }

        IReadOnlyList<float> alphas = options.Alphas.Count + options.ActivationThresholds.Count == 0 ? [1f] : options.Alphas;
        IEnumerable<(string, ModelDeclaration)> signs = alphas.Select(alpha => (
            FormattableString.Invariant($"SignBitPredictor(Alpha = {alpha})"), read with { Alpha = alpha }));
        IEnumerable<(string, ModelDeclaration)> cats = options.ActivationThresholds.Select(threshold => (
            FormattableString.Invariant($"ActivationThreshold(Threshold = {threshold})"), read with { ActivationThreshold = threshold }));

        // Classes of one assembly have names of their own.
        return [.. signs.Concat(cats).Select(((string Policy, ModelDeclaration Declaration) item, int i) => (item.Policy, item.Declaration with { Name = $"{read.Name} policy {i}" }))];
    }

    /// <summary>The dense model, and the policy.</summary>
    private EvaluationRun[] Run(string policy, LanguageModel model, TextWindows text)
    {
        using Session dense = model.CreateSession(Session(SparsityMode.Dense));
        using Session predicted = model.CreateSession(Session(SparsityMode.Predicted));
        int vocabulary = model.Shape.Vocabulary;
        int[] input = new int[options.Window];
        int together = Math.Min(options.Window, MaxTogether);
        float[] denseLogits = new float[together * vocabulary];
        float[] logits = new float[together * vocabulary];
        var ofDense = new Predictions();
        var ofPolicy = new Predictions();
        for (int window = 0; window < text.Count; window++)
        {
            ReadOnlySpan<int> targets = text.Read(window, input);
            dense.Rewind(0);
            predicted.Rewind(0);
            for (int from = 0; from < input.Length; from += together)
            {
                cancellationToken.ThrowIfCancellationRequested();
                progress.Show($"evaluating {policy}", (window + ((double)from / input.Length)) / text.Count);
                int count = Math.Min(together, input.Length - from);
                dense.Forward(input.AsSpan(from, count), denseLogits.AsSpan(0, count * vocabulary));
                predicted.Forward(input.AsSpan(from, count), logits.AsSpan(0, count * vocabulary));
                ofDense.Add(denseLogits, denseLogits, targets.Slice(from, count), vocabulary);
                ofPolicy.Add(logits, denseLogits, targets.Slice(from, count), vocabulary);
            }
        }

        EvaluationRun reference = Result("Dense", ofDense, dense, null);
        return [reference, Result(policy, ofPolicy, predicted, reference)];
    }

    private SessionOptions Session(SparsityMode mode) => new() { Mode = mode, Context = options.Window, SparsePrompt = true, Metering = true };

    private static EvaluationRun Result(string policy, Predictions predictions, Session session, EvaluationRun? dense)
    {
        EvaluationLayer[] layers = [.. session.ReadMetrics().Select(EvaluationLayer.Of)];
        return new()
        {
            Policy = policy,
            Perplexity = predictions.Perplexity,
            PerplexityOfDense = predictions.Perplexity / (dense?.Perplexity ?? predictions.Perplexity),
            KlDivergence = predictions.Divergence,
            Top1Agreement = predictions.TopAgreement,
            FfnBytesOfDense = dense is null ? 1 : layers.Sum(layer => layer.BytesPerToken) / dense.FfnBytesPerToken,
            Layers = layers,
        };
    }
}
