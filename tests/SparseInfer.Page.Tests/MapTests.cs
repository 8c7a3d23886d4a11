using SparseInfer.Cli.Serve.Sparsity;
using SparseInfer.Serving;

namespace SparseInfer.Page.Tests;

/// <summary>What the page shows of a model's inside is what is computed.</summary>
public sealed class MapTests(StoriesModel stories) : IClassFixture<StoriesModel>
{
    private const string Prompt = "Once upon a time there was a little dog";

    private static readonly GenerationOptions Drawn = new() { MaxTokens = 24, Temperature = 0.8, Seed = 7 };

    /// <summary>Most words may begin one, so that their text is shown with the next: what they took is told at once.</summary>
    private static readonly string[] HoldingBack = [.. "abcdefghijklmnopqrstuvwxyz.,".Select(end => $"{end}##")];

    [Theory]
    [InlineData(SparsityMode.Dense)]
    [InlineData(SparsityMode.Exact)]
    [InlineData(SparsityMode.Predicted)]
    public async Task Blocks_are_an_offline_count_of_what_each_token_activates(SparsityMode mode)
    {
        (List<MapPiece> pieces, int[] tokens) = await MapAsync(mode, Drawn with { StopStrings = HoldingBack });
        pieces[0].Text.ShouldBe("");
        pieces[0].Layers.ShouldBeNull();
        pieces[^1].FinishReason.ShouldBe("length");
        pieces.Count.ShouldBe(Drawn.MaxTokens);

        // The same tokens again: vectors dumped whole from a session that counts nothing, and what another one counts.
        int[] prompt = Encode(Prompt);
        var dump = new Dump();
        using Session seen = stories.Model.CreateSession(new() { Mode = mode });
        using Session metered = stories.Model.CreateSession(new() { Mode = mode, Metering = true });
        seen.Forward(prompt);
        metered.Forward(prompt);
        seen.Observer = dump;
        int layers = stories.Model.Shape.Layers;
        int neurons = stories.Model.Shape.Intermediate;
        for (int i = 1; i < pieces.Count; i++)
        {
            seen.Forward([tokens[i - 1]]);
            metered.ResetMetrics();
            metered.Forward([tokens[i - 1]]);
            IReadOnlyList<LayerMetrics> metrics = metered.ReadMetrics();
            for (int layer = 0; layer < layers; layer++)
            {
                MappedLayer map = pieces[i].Layers![layer];
                float[] values = dump.Neurons[layer];
                int[] expected = new int[64];
                for (int neuron = 0; neuron < values.Length; neuron++)
                {
                    expected[neuron / (neurons / 64)] += values[neuron] != 0 ? 1 : 0;
                }

                map.Active.ShouldBe(expected, $"token {i}, layer {layer}");
                map.Computed.ShouldBe(mode == SparsityMode.Dense ? neurons : expected.Sum());
                map.Unread.ShouldBe((int)Math.Round(metrics[layer].PredictedSparsity * neurons));
                (map.Unread > 0).ShouldBe(mode == SparsityMode.Predicted && layer is 2 or 5, $"token {i}, layer {layer}");
                (map.Unread + map.Computed).ShouldBeLessThanOrEqualTo(neurons);
                map.Missed.ShouldBeLessThanOrEqualTo(map.Unread);
                map.Experts.ShouldBeNull();
            }
        }
    }

    /// <summary>Drawn and greedy, and with a prompt of one token, which is computed as a prompt nevertheless.</summary>
    [Theory]
    [InlineData(Prompt, 0.8, SparsityMode.Predicted)]
    [InlineData(Prompt, 0, SparsityMode.Exact)]
    [InlineData("", 0.8, SparsityMode.Predicted)]
    public async Task The_answer_is_the_one_that_a_session_gives(string prompt, double temperature, SparsityMode mode)
    {
        GenerationOptions options = Drawn with { Temperature = temperature, MaxTokens = 60, RepetitionPenalty = 1.1, StopStrings = [" the"] };
        (List<MapPiece> pieces, _) = await MapAsync(mode, options, prompt);
        using Session session = stories.Model.CreateSession(new() { Mode = mode });
        string expected = "";
        await foreach (string piece in session.GenerateAsync(prompt, options, TestContext.Current.CancellationToken))
        {
            expected += piece;
        }

        string.Concat(pieces.Select(piece => piece.Text)).ShouldBe(expected);
        pieces[^1].FinishReason.ShouldBe(session.LastGeneration!.Reason == StopReason.MaxTokens ? "length" : "stop");
    }

    [Fact]
    public async Task Modes_are_timed_in_turns_and_exact_says_what_dense_says()
    {
        GenerationOptions options = Drawn with { MaxTokens = 27 };
        SparsityMode[] modes = [SparsityMode.Dense, SparsityMode.Exact, SparsityMode.Predicted];
        AloneSession[] sessions = [.. modes.Select(mode => new AloneSession(stories.Service, Encode(Prompt), options, mode))];
        var seen = new List<ModeProgress>();
        await foreach (ModeProgress progress in new ModeComparison(() => 3).RunAsync([.. modes.Zip(sessions)], TestContext.Current.CancellationToken))
        {
            seen.Add(progress);
        }

        Array.ForEach(sessions, session => session.Dispose());
        seen.Take(6).Select(progress => progress.Mode).ShouldBe(["dense", "exact", "predicted", "dense", "exact", "predicted"]);
        seen.Take(3).ShouldAllBe(progress => progress.TokensPerSecond == null && progress.Counts == null);
        ModeProgress[] last = [.. seen.TakeLast(3)];
        last.ShouldAllBe(progress => progress.Tokens == 27 && progress.Timed == 16 && progress.TokensPerSecond > 0 && progress.Others == 3);
        last[1].Text.ShouldBe(last[0].Text);
        last[1].DiffersAt.ShouldBeNull();
        last[0].Counts!.Computed.ShouldBe(1);
        last[1].Counts!.Computed.ShouldBeInRange(0.01, 0.5);
        last[1].Counts!.Unread.ShouldBe(0);
        last[2].Counts!.Unread.ShouldBeInRange(0.1, 0.35);
        last[2].Counts!.BytesPerToken.ShouldBeLessThan(last[1].Counts!.BytesPerToken);
        last[1].Counts!.BytesPerToken.ShouldBeLessThan(last[0].Counts!.BytesPerToken);
    }

    [Fact]
    public async Task It_ends_when_it_is_canceled()
    {
        using var canceled = new CancellationTokenSource();
        using var session = new AloneSession(stories.Service, Encode(Prompt), Drawn, SparsityMode.Exact);
        int count = 0;
        await Should.ThrowAsync<OperationCanceledException>(async () =>
        {
            await foreach (MapPiece piece in new MappedAnswer(stories.Model, () => 0).RunAsync(session, SparsityMode.Exact, canceled.Token))
            {
                if (++count == 3)
                {
                    await canceled.CancelAsync();
                }
            }
        });
        count.ShouldBe(3);
    }

    /// <summary>Where others are computed, a prompt is read in the parts that theirs are read in, and can be left between two of them.</summary>
    [Fact]
    public async Task A_prompt_is_left_between_two_of_its_parts()
    {
        using var service = new ModelService(stories.Model);
        using var canceled = new CancellationTokenSource();
        int[] prompt = Encode(string.Join(". ", Enumerable.Repeat(Prompt, 30)));
        int looks = 0;
        var pace = new Pace(() =>
        {
            if (++looks == 6)
            {
                canceled.Cancel();
            }

            return 1;
        });
        using (var session = new AloneSession(service, prompt, Drawn, SparsityMode.Exact))
        {
            await Should.ThrowAsync<OperationCanceledException>(() => session.ReadPromptAsync(pace, canceled.Token));
        }

        ServiceCounts counts = service.ReadCounts();
        (counts.PromptTokens, counts.GeneratedTokens, counts.Canceled, counts.Answered).ShouldBe((prompt.Length, 0, 1, 0));
    }

    [Fact]
    public async Task It_is_counted_as_other_answers_are()
    {
        using var service = new ModelService(stories.Model);
        using var session = new AloneSession(service, Encode(Prompt), Drawn, SparsityMode.Predicted);
        await foreach (MapPiece _ in new MappedAnswer(stories.Model, () => 0).RunAsync(session, SparsityMode.Predicted, TestContext.Current.CancellationToken))
        {
        }

        ServiceReport expected = null!;
        await foreach (ServicePiece piece in service.CompleteAsync(new CompletionRequest(Prompt) { Options = Drawn, Mode = SparsityMode.Predicted }, TestContext.Current.CancellationToken))
        {
            expected = piece.Report ?? expected;
        }

        ServiceCounts counts = service.ReadCounts();
        (counts.Requests, counts.Answered, counts.PromptTokens, counts.GeneratedTokens).ShouldBe((2, 2, 2 * expected.PromptTokens, 2 * expected.CompletionTokens));
        (session.Report! with
        {
            QueueTime = expected.QueueTime,
            PromptTime = expected.PromptTime,
            DecodeTime = expected.DecodeTime,
            TimeToFirstToken = expected.TimeToFirstToken,
            TotalTime = expected.TotalTime,
        }).ShouldBe(expected);
    }

    [Theory]
    [InlineData(1024, 64)]
    [InlineData(333, 64)]
    [InlineData(5, 5)]
    public void Blocks_cover_all_neurons_once(int neurons, int count)
    {
        var blocks = new NeuronBlocks(neurons);
        blocks.Count.ShouldBe(count);
        int[] sizes = [.. Enumerable.Range(0, count).Select(block => blocks.First(block + 1) - blocks.First(block))];
        sizes.Sum().ShouldBe(neurons);
        (sizes.Max() - sizes.Min()).ShouldBeLessThanOrEqualTo(1);
    }

    private int[] Encode(string prompt) => stories.Model.Tokenizer.Encode(prompt, addBeginOfSequence: true);

    private async Task<(List<MapPiece> Pieces, int[] Tokens)> MapAsync(SparsityMode mode, GenerationOptions options, string prompt = Prompt)
    {
        using var session = new AloneSession(stories.Service, Encode(prompt), options, mode);
        var pieces = new List<MapPiece>();
        await foreach (MapPiece piece in new MappedAnswer(stories.Model, () => 0).RunAsync(session, mode, TestContext.Current.CancellationToken))
        {
            pieces.Add(piece);
        }

        return (pieces, [.. session.Tokens]);
    }

    private sealed class Dump : IActivationObserver
    {
        public Dictionary<int, float[]> Neurons { get; } = [];

        public void Observe(int layer, ObservedActivation activation, int position, ReadOnlySpan<float> values)
        {
            if (activation == ObservedActivation.Neurons)
            {
                Neurons[layer] = values.ToArray();
            }
        }
    }
}
