using SparseInfer.Cli.Bench;
using SparseInfer.Cli.Compilation;
using SparseInfer.Cli.Eval;
using SparseInfer.Files;
using SparseInfer.Text;

namespace SparseInfer.Cli.Calibrate;

/// <summary>Compiles a model with strengths on trial, and runs it over windows of the text, skipping at every position.</summary>
internal sealed class PerplexityProbe(ObservationOptions options, ProgressLine progress, CancellationToken cancellationToken)
{
    /// <summary>The largest of so many steps that keeps something, where all that are smaller do, by bisection; 0: none does.</summary>
    /// <param name="steps">The last step.</param>
    /// <param name="keeps">Whether a step does; asked last of one that does, it was the largest such one.</param>
    public static int Largest(int steps, Func<int, bool> keeps)
    {
        (int kept, int lost) = (0, steps + 1);
        while (lost - kept > 1)
        {
            int step = (kept + lost) / 2;
            (kept, lost) = keeps(step) ? (step, lost) : (kept, step);
        }

        return kept;
    }

    /// <summary>A model's perplexity.</summary>
    /// <param name="declaration">The model, with policies or without.</param>
    /// <param name="mode">What is skipped.</param>
    /// <param name="cut">Cuts the text for the model's tokenizer.</param>
    /// <param name="chosen">Which windows, of how many there are.</param>
    /// <param name="prompt">So many tokens of each are a prompt, computed densely and not judged.</param>
    /// <param name="stage">What is shown meanwhile.</param>
    public double Of(
        ModelDeclaration declaration, SparsityMode mode, Func<Tokenizer, TextWindows> cut, Func<int, IReadOnlyList<int>> chosen, int prompt, string stage)
    {
        // Without the policy there is nothing for a predictor's file.
        LoadOptions load = declaration.Policies is { Count: > 0 } ? options.File.Overrides : options.File.Overrides with { PredictorFile = null };
        using CpuDevice device = Device.Cpu(options.Threads);
        using LanguageModel model = ModelCompiler.Compile(declaration, cancellationToken).Load(ModelFile.Open(options.File.Path), device, load);
        using Session session = model.CreateSession(new() { Mode = mode, Context = options.Window, SparsePrompt = true });
        TextWindows windows = cut(model.Tokenizer);
        int vocabulary = model.Shape.Vocabulary;
        int[] input = new int[options.Window];
        int together = Math.Min(options.Window, Evaluator.MaxTogether);
        float[] logits = new float[together * vocabulary];
        var predictions = new Predictions();
        IReadOnlyList<int> indices = chosen(windows.Count);
        for (int i = 0; i < indices.Count; i++)
        {
            progress.Show(stage, (double)i / indices.Count);
            ReadOnlySpan<int> targets = windows.Read(indices[i], input);
            session.Rewind(0);
            Evaluator.Prompt(session, input.AsSpan(0, prompt));
            for (int from = prompt; from < input.Length; from += together)
            {
                cancellationToken.ThrowIfCancellationRequested();
                int count = Math.Min(together, input.Length - from);
                session.Forward(input.AsSpan(from, count), logits.AsSpan(0, count * vocabulary));
                predictions.Add(logits, logits, targets.Slice(from, count), vocabulary);
            }
        }

        return predictions.Perplexity;
    }
}
