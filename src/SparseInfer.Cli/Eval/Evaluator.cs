using SparseInfer.Cli.Bench;
using SparseInfer.Cli.Compilation;
using SparseInfer.Files;

namespace SparseInfer.Cli.Eval;

/// <summary>Runs each policy over the windows and questions that the dense model has, skipping at every position of them.</summary>
internal sealed class Evaluator(EvalOptions options, ProgressLine progress, CancellationToken cancellationToken)
{
    /// <summary>Tokens whose logits are in memory: those of a long window and a large vocabulary would fit no array.</summary>
    public const int MaxTogether = 256;

    /// <summary>Bytes of the dense model's logits that are kept for all policies; where they are more, it runs beside each.</summary>
    private const long MaxKept = 1L << 30;

    private readonly List<float[]> _kept = [];
    private ContributionError? _contribution;

    /// <summary>Tokens that each window begins with, computed as a prompt. Where a policy chooses by prompts, questions are prompts, too.</summary>
    private int _prompt;
    private bool _asksByPrompts;

    /// <summary>Evaluates every policy that was asked for.</summary>
    /// <exception cref="CliException">There is none for the model, or text or questions do not suit it.</exception>
    public Evaluation Run()
    {
        string? text = options.TextFile is { } path ? TextWindows.ReadText(path) : null;
        IReadOnlyList<ChoiceQuestion>? questions = options.ChoicesFile is { } file ? ChoiceFile.Read(file) : null;
        (string Policy, ModelDeclaration Declaration)[] policies = Declare(out ModelCost cost);
        progress.Show(policies.Length == 1 ? "compiling the model" : $"compiling the model with {policies.Length} policies");
        IReadOnlyList<CompiledModel> models = ModelCompiler.Compile([.. policies.Select(policy => policy.Declaration)], cancellationToken);
        if (models.Count > 1 && models[0].WantsTensors)
        {
            RequireLoadable(models);
        }

        _asksByPrompts = models.Any(model => model.RemembersPrompts);
        _prompt = options.Prompt ?? (_asksByPrompts ? options.Window / 2 : 0);
        var runs = new List<EvaluationRun>();
        TextWindows? windows = null;
        Choices? choices = null;
        for (int i = 0; i < policies.Length; i++)
        {
            using CpuDevice device = Device.Cpu(options.Threads);
            using LanguageModel model = models[i].Load(ModelFile.Open(options.File.Path), device, options.File.Overrides);
            if (!model.HasTokenizer)
            {
                throw new CliException($"{options.File.Path} cannot be judged on a text: {model.WhyNoTokenizer}.");
            }

            windows ??= text is null ? null : TextWindows.Of(text, options, model.Tokenizer);
            choices ??= questions is null ? null : Choices.Of(options.ChoicesFile!, questions, model.Tokenizer, policies[i].Declaration.Context);
            int[]? timed = options.Speed is { } tokens ? windows!.Begin(Speed.Prompt + tokens) : null;
            string policy = policies[i].Policy;
            var load = new Loaded(model, cost, windows, choices);
            if (i == 0)
            {
                runs.Add(Run("Dense", SparsityMode.Dense, load, null));
            }

            runs.Add(Run(policy, SparsityMode.Predicted, load, runs[0]));
            if (timed is not null)
            {
                progress.Show($"timing {policy}");
                var speed = Speed.Of(model, timed, cancellationToken);
                runs[^1] = runs[^1] with { TokensPerSecond = speed.TokensPerSecond, SpeedOfDense = speed.TokensPerSecond / speed.DenseTokensPerSecond };
                runs[0] = i == 0 ? runs[0] with { TokensPerSecond = speed.DenseTokensPerSecond, SpeedOfDense = 1 } : runs[0];
            }
        }

        return new(Machine.CpuInfo, options.File.Path, options.TextFile, (windows?.Count ?? 0) * (options.Window - _prompt), options.Window, options.ChoicesFile, choices?.Count ?? 0, runs)
        {
            Prompt = windows is null ? 0 : _prompt,
            Ppl = options.Ppl,
        };
    }

    /// <summary>What the files lack for one of several policies is said before the first of them runs.</summary>
    private void RequireLoadable(IReadOnlyList<CompiledModel> models)
    {
        using CpuDevice device = Device.Cpu(options.Threads);
        foreach (CompiledModel model in models)
        {
            cancellationToken.ThrowIfCancellationRequested();
            model.Load(ModelFile.Open(options.File.Path), device, options.File.Overrides).Dispose();
        }
    }

    /// <summary>A model, what its tokens cost, and what it is judged on.</summary>
    private sealed record Loaded(LanguageModel Model, ModelCost Cost, TextWindows? Text, Choices? Choices);

    private (string Policy, ModelDeclaration Declaration)[] Declare(out ModelCost cost)
    {
        using ModelFile file = ModelFile.Open(options.File.Path);
        ModelDeclaration read = FileDeclaration.Read(file, options.File.Activation, options.File.Threshold, alpha: 1f, options.File.Overrides);
        cost = new(read, file);
        if (options.TextFile is not null && options.Window > read.Context)
        {
            throw new CliException($"--window {options.Window} is more than the model's context, which holds {read.Context}: give less.");
        }

        if (options.Speed + Speed.Prompt > read.Context)
        {
            throw new CliException(
                $"{EvalOptions.SpeedOption} {options.Speed} and a prompt of {Speed.Prompt} are more than the model's context, which holds {read.Context}: give less.");
        }

        bool nothingGiven = options.Alphas.Count + options.ActivationThresholds.Count + options.Policies.Count + options.Profiles.Count == 0;
        if (!read.HasZeros && (options.Alphas.Count > 0 || nothingGiven))
        {
            throw new CliException(
                $"{read.Activation} has no exact zeros, which the sign-bit predictor could predict: give --activation-threshold T or {PolicyText.Option} TEXT{(options.Alphas.Count > 0 ? ", and no --alpha" : "")}.");
        }

        IReadOnlyList<float> alphas = nothingGiven ? [1f] : options.Alphas;
        IEnumerable<ModelDeclaration> rows = alphas.Select(alpha => read with { Alpha = alpha })
            .Concat(options.ActivationThresholds.Select(threshold => read with { ActivationThreshold = threshold }))
            .Concat(options.Policies.Select(policies => read with { Policies = policies }))
            .Concat(Profiles(read));

        // Classes of one assembly have names of their own.
        return [.. rows.Select(row => (Policy: Label(row), Declaration: row)).DistinctBy(row => row.Policy)
            .Select((row, i) => (row.Policy, row.Declaration with { Name = $"{read.Name} policy {i}", Observed = options.TextFile is not null }))];
    }

    private static string Label(ModelDeclaration row) =>
        string.Join(", ", row.PolicyAttributes.Prepend(row.Profile is { } profile ? $"SparsityProfile(\"{profile.Name}\")" : "").Where(attribute => attribute.Length > 0));

    private List<ModelDeclaration> Profiles(ModelDeclaration read)
    {
        var rows = new List<ModelDeclaration>();
        foreach (string path in options.Profiles)
        {
            DeclaredProfile profile = DeclaredProfile.Read(path, [.. rows.Select(row => row.Profile!.Name)], out IReadOnlyList<string> attributes);
            rows.Add(read with { Profile = profile, Policies = attributes });
        }

        return rows;
    }

    /// <summary>A policy, or the dense model: then there is none to compare with.</summary>
    private EvaluationRun Run(string policy, SparsityMode mode, Loaded load, EvaluationRun? dense)
    {
        (LanguageModel model, ModelCost cost, TextWindows? text, Choices? choices) = load;
        Predictions? predictions = null;
        EvaluationLayer[] layers = [];
        double bytes = 0;
        if (text is not null)
        {
            using Session session = model.CreateSession(Session(mode, options.Window));
            predictions = Predict(policy, model, session, text, isDense: dense is null);
            (layers, bytes) = Read(session, cost);
            layers = WithContribution(policy, model, text, layers, isDense: dense is null);
        }

        ChoiceAccuracy? accuracy = null;
        if (choices is not null)
        {
            using Session session = model.CreateSession(Session(mode, choices.Longest));
            accuracy = choices.Answer(session, model.Shape.Vocabulary, _asksByPrompts, question =>
            {
                cancellationToken.ThrowIfCancellationRequested();
                progress.Show($"asking {policy}", (double)question / choices.Count);
            });
            (layers, bytes) = text is null ? Read(session, cost) : (layers, bytes);
        }

        return new()
        {
            Policy = policy,
            Perplexity = predictions?.Perplexity,
            PerplexityOfDense = predictions?.Perplexity / (dense is null ? predictions?.Perplexity : dense.Perplexity),
            KlDivergence = predictions?.Divergence,
            Top1Agreement = predictions?.TopAgreement,
            Acc = accuracy?.Accuracy,
            AccNorm = accuracy?.AccuracyNorm,
            RuledOut = predictions?.RuledOut ?? 0,
            RuledOutMass = predictions?.RuledOutMass ?? 0,
            FfnBytesOfDense = dense is null ? 1 : layers.Sum(layer => layer.BytesPerToken) / dense.FfnBytesPerToken,
            BytesPerToken = bytes,
            BytesOfDense = dense is null ? 1 : bytes / dense.BytesPerToken,
            Layers = layers,
        };
    }

    private EvaluationLayer[] WithContribution(string policy, LanguageModel model, TextWindows text, EvaluationLayer[] layers, bool isDense)
    {
        progress.Show($"comparing the layers of {policy}");
        if (isDense)
        {
            _contribution = ContributionError.OfDense(model, text, options.Window, _prompt, cancellationToken);
        }

        double[] errors = isDense ? new double[layers.Length] : _contribution!.Of(model, cancellationToken);
        return [.. layers.Select(layer => layer with { ContributionError = errors[layer.Layer] })];
    }

    private static (EvaluationLayer[] Layers, double Bytes) Read(Session session, ModelCost cost) =>
        ([.. session.ReadMetrics().Select(EvaluationLayer.Of)], cost.BytesPerToken(Activity.Of(session)));

    /// <summary>Predicts a text. The dense model's logits are the first policy's to compare with, and where they fit in memory all others'.</summary>
    private Predictions Predict(string policy, LanguageModel model, Session session, TextWindows text, bool isDense)
    {
        int vocabulary = model.Shape.Vocabulary;
        int[] input = new int[options.Window];
        int together = Math.Min(options.Window, MaxTogether);
        bool keeps = (long)text.Tokens * vocabulary * sizeof(float) <= MaxKept;
        using Session? dense = isDense || keeps ? null : model.CreateSession(Session(SparsityMode.Dense, options.Window));
        float[] denseLogits = new float[dense is null ? 0 : together * vocabulary];
        float[] logits = new float[together * vocabulary];
        var predictions = new Predictions();
        int part = 0;
        for (int window = 0; window < text.Count; window++)
        {
            ReadOnlySpan<int> targets = text.Read(window, input);
            session.Rewind(0);
            dense?.Rewind(0);
            Prompt(session, input.AsSpan(0, _prompt));
            if (dense is not null)
            {
                Prompt(dense, input.AsSpan(0, _prompt));
            }

            for (int from = _prompt; from < input.Length; from += together, part++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                progress.Show($"evaluating {policy}", (window + ((double)from / input.Length)) / text.Count);
                int count = Math.Min(together, input.Length - from);
                session.Forward(input.AsSpan(from, count), logits.AsSpan(0, count * vocabulary));
                dense?.Forward(input.AsSpan(from, count), denseLogits.AsSpan(0, count * vocabulary));
                if (isDense && keeps)
                {
                    _kept.Add(logits[..(count * vocabulary)]);
                }

                predictions.Add(logits, isDense ? logits : keeps ? _kept[part] : denseLogits, targets.Slice(from, count), vocabulary);
            }
        }

        return predictions;
    }

    /// <summary>What is not judged, computed as prompts are: densely.</summary>
    internal static void Prompt(Session session, ReadOnlySpan<int> tokens)
    {
        if (tokens.IsEmpty)
        {
            return;
        }

        bool metering = session.Metering;
        session.SparsePrompt = false;
        session.Metering = false;

        // One token would be decoded, did it not ask for the logits of a prompt.
        if (tokens.Length == 1)
        {
            session.Forward(tokens, new float[session.Model.Shape.Vocabulary]);
        }
        else
        {
            session.Forward(tokens);
        }

        session.SparsePrompt = true;
        session.Metering = metering;
    }

    private static SessionOptions Session(SparsityMode mode, int context) => new() { Mode = mode, Context = context, SparsePrompt = true, Metering = true };
}
