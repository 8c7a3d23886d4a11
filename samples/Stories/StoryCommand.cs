using SparseInfer;
using SparseInfer.Files;
using Stories.Reports;

namespace Stories;

/// <summary>The program: load, write the story, measure.</summary>
internal static class StoryCommand
{
    public static async Task RunAsync(StoryOptions options, CancellationToken cancellationToken)
    {
        IReport report = Report.For(options);
        using Device device = Open(options);
        using StoriesRelu model = await report.WithProgressAsync("Loading", progress =>
            Task.FromResult(Load(options.Model, path => StoriesRelu.Load(path, device, new() { Progress = new LoadMeter(progress) }))));
        CheckPrompt(model, options.Prompt);
        report.Introduce(model);
        await WriteStoryAsync(model, options, report, cancellationToken);
        if (options.Quiet)
        {
            return;
        }

        using StoriesUniform uniform = Load(options.Model, path => StoriesUniform.Load(path, device));
        Contender[] contenders =
        [
            new("Dense", model, SparsityMode.Dense),
            new("Exact", model, SparsityMode.Exact),
            new("Predicted, as declared", model, SparsityMode.Predicted),
            new("Predicted, one alpha", uniform, SparsityMode.Predicted),
        ];
        HeldOutText text = ReadHeldOutText(options.Evaluate);
        Measurement[] measurements = await report.WithProgressAsync(
            "Measuring", progress => MeasureAsync(contenders, options.Prompt, text, progress, cancellationToken));
        report.Compare(measurements, text);
    }

    private static Device Open(StoryOptions options)
    {
        Gpus.Register();
        try
        {
            Device device = Device.Open(options.Device, options.Threads);
            if (options.Threads > 0)
            {
                Gpus.LimitThreads(device, options.Threads);
            }

            return device;
        }
        catch (ArgumentException exception)
        {
            throw new StoryException($"--device: {exception.Message}");
        }
    }

    private static T Load<T>(string path, Func<string, T> load)
        where T : LanguageModel
    {
        try
        {
            T model = load(path);
            return model.HasTokenizer
                ? model
                : throw new StoryException($"--model: {path} has weights but no tokenizer; name a GGUF file, which has both.");
        }
        catch (NotSupportedException exception)
        {
            throw new StoryException($"--device: {exception.Message}");
        }
        catch (Exception exception) when (exception is ModelFormatException or IOException or UnauthorizedAccessException)
        {
            // A model that does not fit has a line for each thing that differs. The first tells most.
            string[] lines = exception.Message.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
            string more = lines.Length > 2 ? ", among other differences. Name a file of this model, or leave --model out." : "";
            throw new StoryException($"--model: {string.Join(' ', lines.Take(2))}{more}");
        }
    }

    private static HeldOutText ReadHeldOutText(int tokens)
    {
        try
        {
            return HeldOutText.Read(Bundled.EvaluationTokens, tokens);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new StoryException($"{exception.Message} It is built beside the program: build it again.");
        }
    }

    private static void CheckPrompt(LanguageModel model, string prompt)
    {
        int tokens = model.Tokenizer.Encode(prompt, addBeginOfSequence: true).Length;
        if (tokens > model.Shape.Context)
        {
            throw new StoryException(
                $"--prompt has {tokens} tokens, but the model's context holds {model.Shape.Context}; shorten it.");
        }
    }

    private static async Task WriteStoryAsync(
        LanguageModel model, StoryOptions options, IReport report, CancellationToken cancellationToken)
    {
        using Session session = model.CreateSession(new() { Mode = options.Mode });
        var generation = new GenerationOptions { MaxTokens = options.Tokens, Temperature = options.Temperature, Seed = options.Seed };
        report.BeginStory(options.Prompt);
        try
        {
            await foreach (string piece in session.GenerateAsync(options.Prompt, generation, cancellationToken))
            {
                report.Write(piece);
            }
        }
        finally
        {
            // After Ctrl-C too, so that the shell's next line is its own.
            report.EndStory(session.LastGeneration);
        }
    }

    private static async Task<Measurement[]> MeasureAsync(
        Contender[] contenders, string prompt, HeldOutText text, Action<double> progress, CancellationToken cancellationToken)
    {
        int steps = contenders.Length * (1 + Speed.Rounds + text.Windows);
        int done = 0;
        void Step() => progress((double)++done / steps);

        double[] speeds = await Speed.RunAsync(contenders, prompt, Step, cancellationToken);
        var measurements = new Measurement[contenders.Length];
        for (int i = 0; i < contenders.Length; i++)
        {
            var (perplexity, layers) = Evaluation.Run(contenders[i], text, Step, cancellationToken);
            measurements[i] = new Measurement(contenders[i], speeds[i], perplexity, layers);
        }

        return measurements;
    }

    /// <summary>Reports on the loading thread, unlike <see cref="Progress{T}"/>: no report comes after the load.</summary>
    private sealed class LoadMeter(Action<double> progress) : IProgress<LoadProgress>
    {
        public void Report(LoadProgress value) => progress((double)value.BytesDone / value.BytesTotal);
    }
}
