namespace SparseInfer.Models.Tests;

/// <summary>Generations that a scheduler serves at the same time: each is what it is alone, on a real model.</summary>
public sealed class BatchSchedulerTests(LoadedModels models)
{
    private const string Sentence = " Once upon a time there was a little girl. She liked to play in the big park.";

    private LanguageModel Model => models.Get(Loaded.ReluF16);

    [Theory]
    [InlineData(1, 1)]
    [InlineData(4, 2)]
    [InlineData(17, 1)]
    [InlineData(40, 1)]
    public async Task Whatever_else_runs_text_sequence_report_and_logits_are_those_of_the_session_alone(int count, int threads)
    {
        LanguageModel model = models.Get(Loaded.ReluF16, threads);
        var options = new SchedulerOptions { MaxSessions = count < 10 ? 16 : 5, MaxQueued = 40, PromptSlice = 1 + (count * 7), ReadAhead = 1 + (count % 4) };
        Conversation[] conversations = [.. Enumerable.Range(0, count).Select(i => new Conversation(model, seed: (1000 * count) + i))];
        await using (BatchScheduler scheduler = model.CreateScheduler(options))
        {
            await Task.WhenAll(conversations.Select(conversation => Task.Run(() => conversation.RunAsync(scheduler)))).WaitAsync(TimeSpan.FromMinutes(2));
            (scheduler.Running, scheduler.Queued).ShouldBe((0, 0));
        }

        foreach (Conversation conversation in conversations)
        {
            await conversation.ShouldBeWhatItIsAloneAsync();
        }
    }

    [Theory]
    [InlineData(Loaded.ReluF16)]
    [InlineData(Loaded.ReluMixedFile)]
    [InlineData(Loaded.Stories260KF32)]
    public async Task A_prompt_in_slices_of_any_size_has_the_bits_of_the_whole(Loaded loaded)
    {
        LanguageModel model = models.Get(loaded);
        string prompt = string.Concat(Enumerable.Repeat(Sentence, 6));
        var greedy = new GenerationOptions { MaxTokens = 1, Temperature = 0 };
        using Session whole = model.CreateSession();
        string expected = await whole.GenerateAsync(prompt, greedy).TextAsync();
        whole.LastGeneration!.PromptTokens.ShouldBeGreaterThan(100);
        float[] logits = whole.Forward([300]).ToArray();
        foreach (int slice in (int[])[1, 7, 64, 100])
        {
            using BatchScheduler scheduler = model.CreateScheduler(new() { PromptSlice = slice });
            using Session session = model.CreateSession();
            (await scheduler.GenerateAsync(session, prompt, greedy).TextAsync()).ShouldBe(expected);
            Logits.ShouldBeBitIdentical(session.Forward([300]), logits, $"slices of {slice}");
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    public async Task What_was_computed_ahead_of_a_reader_who_left_shows_in_no_report(int readAhead)
    {
        var options = new GenerationOptions { MaxTokens = 20, Temperature = 0 };
        using BatchScheduler scheduler = Model.CreateScheduler(new() { ReadAhead = readAhead });
        using Session session = Model.CreateSession();
        using Session alone = Model.CreateSession();
        foreach (string prompt in (string[])[Sentence, "", " One day", ""])
        {
            await foreach (string _ in scheduler.GenerateAsync(session, prompt, options))
            {
                // It is as far ahead as it gets, whatever the machine does.
                SpinWait.SpinUntil(() => scheduler.IsIdle, TimeSpan.FromSeconds(60)).ShouldBeTrue();
                break;
            }

            await foreach (string _ in alone.GenerateAsync(prompt, options))
            {
                break;
            }

            Untimed(session.LastGeneration!).ShouldBe(Untimed(alone.LastGeneration!), $"after '{prompt}'");
            session.Tokens.ToArray().ShouldBe(alone.Tokens.ToArray());
        }

        Logits.ShouldBeBitIdentical(session.Forward([300]), alone.Forward([300]), "afterwards");
    }

    [Fact]
    public async Task Disposals_and_cancellations_at_any_moment_end_what_they_concern()
    {
        LanguageModel model = models.Get(Loaded.ReluF16, threads: 2);
        var options = new GenerationOptions { MaxTokens = 20, Temperature = 0 };
        string expected = await model.GenerateAsync(Sentence, options).TextAsync();
        var random = new Random(20261129);
        int ended = 0;
        for (int round = 0; round < 24; round++)
        {
            BatchScheduler scheduler = model.CreateScheduler(new() { MaxSessions = 2, PromptSlice = 8 });
            Session[] sessions = [.. Enumerable.Range(0, 4).Select(_ => model.CreateSession())];
            using var cancel = new CancellationTokenSource();
            Task<string>[] texts =
            [
                .. sessions.Select((session, i) => scheduler.GenerateAsync(session, Sentence, options, i == 1 ? cancel.Token : default).TextAsync()),
            ];
            await Task.Delay(random.Next(6));
            Thread.SpinWait(random.Next(20_000));
            int disposed = random.Next(2, 5);
            await cancel.CancelAsync();
            if (disposed < 4)
            {
                sessions[disposed].Dispose();
            }
            else if (round % 2 == 0)
            {
                scheduler.Dispose();
            }
            else
            {
                await scheduler.DisposeAsync();
            }

            for (int i = 0; i < texts.Length; i++)
            {
                try
                {
                    (await texts[i].WaitAsync(TimeSpan.FromSeconds(60))).ShouldBe(expected);
                }
                catch (OperationCanceledException)
                {
                    i.ShouldBe(1);
                    ended++;
                }
                catch (ObjectDisposedException)
                {
                    (disposed == 4 || i == disposed).ShouldBeTrue($"round {round}, {i}, {disposed}");
                    ended++;
                }
            }

            (scheduler.Running, scheduler.Queued).ShouldBe((0, 0));
            foreach (Session session in sessions.Where((_, i) => i != disposed))
            {
                // Nobody has it, and it can be used on.
                session.Rewind(0);
                session.Forward([1]);
                session.Dispose();
            }

            scheduler.Dispose();
        }

        ended.ShouldBeGreaterThan(3);
    }

    [Fact]
    public async Task A_scheduler_works_on_after_its_model_is_disposed()
    {
        LanguageModel model = models.Load(Loaded.ReluF16, threads: 1);
        using BatchScheduler scheduler = model.CreateScheduler();
        using Session session = model.CreateSession();
        model.Dispose();
        Should.Throw<ObjectDisposedException>(() => model.CreateScheduler());
        var options = new GenerationOptions { MaxTokens = 5, Temperature = 0 };
        (await scheduler.GenerateAsync(session, "Zoo", options).TextAsync()).ShouldBe(await Model.GenerateAsync("Zoo", options).TextAsync());
    }

    [Fact]
    public async Task The_example_of_docs_running_a_model_writes_what_sessions_alone_write()
    {
        LanguageModel model = Model;
        await using BatchScheduler scheduler = model.CreateScheduler(new SchedulerOptions { MaxQueued = 100 });
        string[] prompts = ["Once upon a time", "The little dog", "One day"];
        string[] texts = await Task.WhenAll(prompts.Select(async prompt =>
        {
            using Session session = model.CreateSession();
            string text = "";
            await foreach (string piece in scheduler.GenerateAsync(session, prompt, new() { Temperature = 0, MaxTokens = 64 }))
            {
                text += piece;
            }

            return text;
        }));
        for (int i = 0; i < prompts.Length; i++)
        {
            texts[i].ShouldBe(await model.GenerateAsync(prompts[i], new() { Temperature = 0, MaxTokens = 64 }).TextAsync());
        }
    }

    private static GenerationReport Untimed(GenerationReport report) => report with { PromptTime = default, DecodeTime = default };

    /// <summary>Turns of one session, drawn from a seed: prompts, options, and readers of all kinds.</summary>
    private sealed class Conversation
    {
        private readonly Random _random;
        private readonly LanguageModel _model;
        private readonly SessionOptions _options;
        private readonly Session _session;
        private readonly List<Turn> _turns = [];

        public Conversation(LanguageModel model, int seed)
        {
            _random = new Random(seed);
            _model = model;
            _options = new SessionOptions
            {
                Mode = (SparsityMode)_random.Next(3),
                Metering = _random.Next(5) == 0,
                Timing = _random.Next(8) == 0,
                SparsePrompt = _random.Next(8) == 0,
            };
            _session = model.CreateSession(_options);
        }

        public async Task RunAsync(BatchScheduler scheduler)
        {
            for (int i = 0; i < 2; i++)
            {
                int words = i == 0 && _random.Next(4) == 0 ? 90 : _random.Next(1, 12);
                string prompt = string.Concat(_random.GetItems(Sentence.Split(' ', StringSplitOptions.RemoveEmptyEntries), words).Select(word => $" {word}"));
                var turn = new Turn(prompt, Options(), (Reader)_random.Next(4), Stop: _random.Next(1, 8));
                _turns.Add(turn);
                await RunAsync(scheduler, turn);
                turn.Tokens = _session.Tokens.ToArray();
                turn.Report = _session.LastGeneration!;
            }
        }

        public async Task ShouldBeWhatItIsAloneAsync()
        {
            using Session alone = _model.CreateSession(_options);
            foreach (Turn turn in _turns)
            {
                string text = "";
                int read = 0;
                await foreach (string piece in alone.GenerateAsync(turn.Prompt, turn.Options))
                {
                    text += piece;
                    if (turn.Reader == Reader.Stops && ++read == turn.Stop)
                    {
                        break;
                    }
                }

                turn.Text.ShouldBe(text, $"{turn}");
                turn.Tokens.ShouldBe(alone.Tokens.ToArray(), $"{turn}");
                if (turn.Reader != Reader.Cancels)
                {
                    Untimed(turn.Report!).ShouldBe(Untimed(alone.LastGeneration!), $"{turn}");
                }
            }

            Logits.ShouldBeBitIdentical(_session.Forward([300]), alone.Forward([300]), "afterwards");
            if (_options is { Metering: true })
            {
                _session.ReadMetrics().Select(layer => layer.ToString()).ShouldBe(alone.ReadMetrics().Select(layer => layer.ToString()));
            }

            _session.Dispose();
        }

        private async Task RunAsync(BatchScheduler scheduler, Turn turn)
        {
            int begin = _session.Position;
            int left = turn.Options.MaxTokens;
            for (bool isFirst = true; ; isFirst = false)
            {
                using var cancel = new CancellationTokenSource();
                Task canceling = turn.Reader == Reader.Cancels && isFirst ? CancelAsync(cancel) : Task.CompletedTask;
                string prompt = _session.Position == begin ? turn.Prompt : "";
                int read = 0;
                try
                {
                    await foreach (string piece in scheduler.GenerateAsync(_session, prompt, turn.Options with { MaxTokens = left }, cancel.Token))
                    {
                        turn.Text += piece;
                        if (turn.Reader == Reader.Stops && ++read == turn.Stop)
                        {
                            break;
                        }

                        if (turn.Reader == Reader.IsSlow && _random.Next(4) == 0)
                        {
                            await Task.Delay(1);
                        }
                    }

                    await canceling;
                    return;
                }
                catch (OperationCanceledException)
                {
                    turn.Reader.ShouldBe(Reader.Cancels);
                }

                // The rest, so that in the end there is what one call gives.
                await canceling;
                left -= _session.LastGeneration!.GeneratedTokens;
                if (left == 0 || _session.LastGeneration.Reason != StopReason.Canceled)
                {
                    return;
                }
            }
        }

        private async Task CancelAsync(CancellationTokenSource cancel)
        {
            await Task.Delay(_random.Next(20));
            await cancel.CancelAsync();
        }

        private GenerationOptions Options() => new()
        {
            MaxTokens = _random.Next(1, 18),
            Temperature = _random.Next(2) == 0 ? 0 : 1.1,
            Seed = (ulong)_random.Next(),
            RepetitionPenalty = _random.Next(2) == 0 ? 1 : 1.3,
            RepetitionWindow = _random.Next(1, 40),
            StopStrings = _random.Next(4) switch
            {
                0 => ["no such text", "ed to", "n and t"],
                1 => ["the w", " was so ", "he "],
                2 => [".", "ee", ", "],
                _ => [],
            },
        };
    }

    private sealed record Turn(string Prompt, GenerationOptions Options, Reader Reader, int Stop)
    {
        public string Text { get; set; } = "";

        public int[] Tokens { get; set; } = [];

        public GenerationReport? Report { get; set; }
    }

    private enum Reader
    {
        ReadsAll,
        IsSlow,
        Stops,
        Cancels,
    }
}
