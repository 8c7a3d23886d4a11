using SparseInfer.Cli.Bench;
using SparseInfer.Cli.Compilation;
using SparseInfer.Cli.Eval;
using SparseInfer.Files;

namespace SparseInfer.Cli.Calibrate;

/// <summary>Looks at the dense model on all windows of a text, at as many tokens of each.</summary>
internal sealed class DenseObservation(ObservationOptions options, ProgressLine progress, CancellationToken cancellationToken)
{
    private const long MaxSampleBytes = 1L << 30;

    /// <summary>The model as its file declares it, before anything that takes time.</summary>
    /// <param name="options">What was asked for.</param>
    /// <param name="ofNeurons">Whether matrices of its feed-forwards are looked at, beside what runs through them.</param>
    /// <exception cref="CliException">It cannot be calibrated, or what is made cannot be written.</exception>
    public static ModelDeclaration Declare(ObservationOptions options, bool ofNeurons)
    {
        OutputFile.RequireWritable(options.Output, "--output");
        using ModelFile file = ModelFile.Open(options.File.Path);
        ModelDeclaration model = FileDeclaration.Read(file, options.File.Activation, options.File.Threshold, alpha: 1f, options.File.Overrides);
        if (options.Window > model.Context)
        {
            throw new CliException($"--window {options.Window} is more than the model's context, which holds {model.Context}: give less.");
        }

        if (ofNeurons)
        {
            LayerWeights.Check(file, options.File.Overrides, model);
        }

        return model;
    }

    /// <summary>Neurons that compute a token in a layer: of experts, those of the chosen ones.</summary>
    public static int Neurons(ModelDeclaration model) => Math.Max(1, model.ActiveExperts) * model.Intermediate;

    /// <summary>Runs the model over the windows.</summary>
    /// <param name="text">The text.</param>
    /// <param name="model">The model.</param>
    /// <param name="tokens">How many tokens are wanted: about so many, fewer where they would fill memory.</param>
    /// <param name="width">Numbers that are kept of a token in a layer.</param>
    /// <param name="observer">What looks at a window, at these positions of it, ascending.</param>
    /// <param name="withLogits">Whether logits are computed of every token, and what the head reads is shown.</param>
    /// <returns>Who looked at each window.</returns>
    /// <exception cref="CliException">The text does not suit the model.</exception>
    public IReadOnlyList<T> Run<T>(string text, ModelDeclaration model, long tokens, long width, Func<int[], T> observer, bool withLogits = false)
        where T : IActivationObserver
    {
        progress.Show("compiling the model");
        CompiledModel compiled = ModelCompiler.Compile(model with { Observed = true, Policies = [] }, cancellationToken);
        using CpuDevice device = Device.Cpu(options.Threads);
        using LanguageModel dense = compiled.Load(ModelFile.Open(options.File.Path), device, options.File.Overrides);
        if (!dense.HasTokenizer)
        {
            throw new CliException($"{options.File.Path} cannot be calibrated on a text: {dense.WhyNoTokenizer}.");
        }

        TextWindows windows = TextWindows.Of(text, options.Windows, dense.Tokenizer);
        long wanted = Math.Min(tokens, MaxSampleBytes / ((withLogits ? 1 : model.Layers) * width * sizeof(float)));
        int each = (int)Math.Clamp((wanted + windows.Count - 1) / windows.Count, 1, options.Window);
        int[] positions = [.. Enumerable.Range(0, each).Select(i => (int)((((2L * i) + 1) * options.Window) / (2 * each)))];
        var seen = new List<T>();
        int[] input = new int[options.Window];
        int vocabulary = dense.Shape.Vocabulary;
        int together = withLogits ? Math.Min(options.Window, Evaluator.MaxTogether) : options.Window;
        float[] logits = new float[withLogits ? together * vocabulary : 0];
        for (int window = 0; window < windows.Count; window++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            progress.Show("looking at the dense model", (double)window / windows.Count);
            seen.Add(observer(positions));
            windows.Read(window, input);
            using Session session = dense.CreateSession(new() { Mode = SparsityMode.Dense, Context = options.Window, Observer = seen[^1] });
            for (int from = 0; from < input.Length; from += together)
            {
                int count = Math.Min(together, input.Length - from);
                if (withLogits)
                {
                    session.Forward(input.AsSpan(from, count), logits.AsSpan(0, count * vocabulary));
                }
                else
                {
                    session.Forward(input);
                }
            }
        }

        return windows.Count * each >= 2 ? seen : throw new CliException($"{options.TextFile} has too few tokens: give a longer text.");
    }
}
