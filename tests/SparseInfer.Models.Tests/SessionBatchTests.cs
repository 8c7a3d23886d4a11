using SparseInfer.Sampling;

namespace SparseInfer.Models.Tests;

/// <summary>Sessions that are decoded together: each is what it would be alone.</summary>
public sealed class SessionBatchTests(LoadedModels models)
{
    private static readonly GenerationOptions Greedy = new() { MaxTokens = 12, Temperature = 0 };

    private LanguageModel Model => models.Get(Loaded.ReluF16);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Whoever_joins_and_leaves_and_whatever_happens_between_calls_every_session_has_the_bits_it_has_alone(int threads)
    {
        LanguageModel model = models.Get(Loaded.ReluF16, threads);
        var random = new Random(20261128);
        using SessionBatch batch = model.CreateBatch(5);
        (Session Together, Session Alone)[] pairs =
        [
            .. Enumerable.Range(0, 9).Select(i =>
            {
                var options = new SessionOptions { Mode = (SparsityMode)(i % 3), Metering = i % 4 == 0, SparsePrompt = i == 5, Context = 200 };
                return (model.CreateSession(options), model.CreateSession(options));
            }),
        ];
        bool held = false;
        for (int step = 0; step < 60; step++)
        {
            (Session Together, Session Alone)[] joined = random.GetItems(pairs, random.Next(6)).Distinct().ToArray();
            foreach ((Session together, Session alone) in joined)
            {
                // Before some calls: tokens that are not computed yet, text that is held back, a shorter sequence, another mode.
                switch (random.Next(6))
                {
                    case 0:
                        GenerationOptions options = Greedy with { MaxTokens = random.Next(1, 5), StopStrings = ["the#", " was#", "e#", "a#"] };
                        string prompt = random.Next(2) == 0 ? " Then" : "";
                        (await TextAsync(together, prompt, options)).ShouldBe(await TextAsync(alone, prompt, options));
                        held |= together.LastGeneration is { HeldText.Length: > 0 };
                        break;
                    case 1:
                        int position = random.Next(alone.Position + 1);
                        together.Rewind(position);
                        alone.Rewind(position);
                        break;
                    case 2:
                        together.Mode = alone.Mode = (SparsityMode)random.Next(3);
                        break;
                }
            }

            int[] tokens = [.. joined.Select(_ => random.Next(3, 512))];
            batch.Forward([.. joined.Select(pair => pair.Together)], tokens);
            for (int i = 0; i < joined.Length; i++)
            {
                (Session together, Session alone) = joined[i];
                Logits.ShouldBeBitIdentical(batch.Logits(i), alone.Forward([tokens[i]]), $"step {step}, session {i} of {joined.Length}");
                together.Tokens.ToArray().ShouldBe(alone.Tokens.ToArray());
            }

            Should.Throw<ArgumentOutOfRangeException>(() => batch.Logits(joined.Length));
        }

        held.ShouldBeTrue();
        foreach ((Session together, Session alone) in pairs)
        {
            (await TextAsync(together, "", Greedy)).ShouldBe(await TextAsync(alone, "", Greedy));
            Logits.ShouldBeBitIdentical(together.Forward([300]), alone.Forward([300]), "afterwards");
            together.ReadMetrics().Select(layer => layer.ToString()).ShouldBe(alone.ReadMetrics().Select(layer => layer.ToString()));
            together.Dispose();
            alone.Dispose();
        }
    }

    [Fact]
    public async Task Generations_of_all_kinds_go_on_from_tokens_of_a_batch()
    {
        GenerationOptions[] kinds =
        [
            Greedy,
            Greedy with { RepetitionPenalty = 1.5, RepetitionWindow = 8 },
            new() { MaxTokens = 12, Temperature = 1.2, Seed = 5 },
        ];
        using SessionBatch batch = Model.CreateBatch();
        Session[] together = [.. kinds.Select(_ => Model.CreateSession())];
        foreach (Session session in together)
        {
            session.Forward(Model.Tokenizer.Encode("Once upon a time", addBeginOfSequence: true));
        }

        foreach (int token in (int[])[300, 17, 280])
        {
            batch.Forward(together, [token, token, token]);
        }

        for (int i = 0; i < kinds.Length; i++)
        {
            using Session alone = Model.CreateSession();
            alone.Forward(Model.Tokenizer.Encode("Once upon a time", addBeginOfSequence: true));
            Logits.OneByOne(alone, [300, 17, 280]);
            (await TextAsync(together[i], "", kinds[i])).ShouldBe(await TextAsync(alone, "", kinds[i]));
            together[i].Dispose();
        }
    }

    [Fact]
    public async Task The_example_of_docs_running_a_model_writes_what_sessions_alone_write()
    {
        LanguageModel model = Model;
        string[] prompts = ["Once upon a time", "The little dog", "One day"];
        Session[] sessions = [.. prompts.Select(_ => model.CreateSession())];
        using SessionBatch batch = model.CreateBatch(maxSessions: 3);
        var sampler = new Sampler(new GenerationOptions { Temperature = 0 }, model.Tokenizer.VocabularySize);
        int[] tokens = new int[3];
        for (int i = 0; i < 3; i++)
        {
            tokens[i] = sampler.Sample(sessions[i].Forward(model.Tokenizer.Encode(prompts[i], addBeginOfSequence: true)));
        }

        for (int step = 0; step < 20; step++)
        {
            batch.Forward(sessions, tokens);
            for (int i = 0; i < 3; i++)
            {
                tokens[i] = sampler.Sample(batch.Logits(i));
            }
        }

        for (int i = 0; i < 3; i++)
        {
            string expected = await model.GenerateAsync(prompts[i], Greedy with { MaxTokens = 20 }).TextAsync();
            model.Tokenizer.Decode(sessions[i].Tokens).ShouldBe(prompts[i] + expected);
            sessions[i].Dispose();
        }
    }

    [Fact]
    public async Task A_prompt_that_was_broken_off_is_computed_as_a_prompt_first()
    {
        string prompt = string.Concat(Enumerable.Repeat("Once upon a time there was a little girl. ", 24));
        using SessionBatch batch = Model.CreateBatch();
        using Session broken = Model.CreateSession();
        using var cancel = new CancellationTokenSource();
        IAsyncEnumerator<string> pieces = broken.GenerateAsync(prompt, Greedy, cancel.Token).GetAsyncEnumerator();
        ValueTask<bool> first = pieces.MoveNextAsync();
        SpinWait.SpinUntil(() => broken.Position > 0);
        await cancel.CancelAsync();
        try
        {
            await first;
        }
        catch (OperationCanceledException)
        {
        }

        await pieces.DisposeAsync();
        using Session whole = Model.CreateSession();
        int[] tokens = broken.Tokens.ToArray();
        int prompted = Model.Tokenizer.Encode(prompt, addBeginOfSequence: true).Length;
        whole.Forward(tokens.AsSpan(0, prompted));
        foreach (int token in tokens.AsSpan(prompted))
        {
            whole.Forward([token]);
        }

        using Session other = Model.CreateSession();
        batch.Forward([other, broken], [1, 300]);
        Logits.ShouldBeBitIdentical(batch.Logits(1), whole.Forward([300]), "after a prompt that was broken off");
        broken.Position.ShouldBe(tokens.Length + 1);
    }

    [Fact]
    public void Logits_stay_whatever_sessions_do_until_the_next_call()
    {
        using SessionBatch batch = Model.CreateBatch(2);
        Should.Throw<ArgumentOutOfRangeException>(() => batch.Logits(0)).Message.ShouldContain("logits of 0 sessions");
        Session first = Model.CreateSession();
        using Session second = Model.CreateSession();
        batch.Forward([first, second], [1, 300]);
        float[][] logits = [batch.Logits(0).ToArray(), batch.Logits(1).ToArray()];
        first.Forward([5]);
        first.Dispose();
        second.Rewind(0);
        batch.Logits(0).ToArray().ShouldBe(logits[0]);
        batch.Logits(1).ToArray().ShouldBe(logits[1]);
        Should.Throw<ArgumentOutOfRangeException>(() => batch.Logits(2));
        Should.Throw<ArgumentOutOfRangeException>(() => batch.Logits(-1));

        // What is refused leaves them; a call for nobody has none.
        Should.Throw<ArgumentException>(() => batch.Forward([second], [512]));
        batch.Logits(1).ToArray().ShouldBe(logits[1]);
        batch.Forward([], []);
        Should.Throw<ArgumentOutOfRangeException>(() => batch.Logits(0));
    }

    [Fact]
    public void What_cannot_be_is_refused_by_its_index_and_changes_nothing()
    {
        using SessionBatch batch = Model.CreateBatch(3);
        using Session fresh = Model.CreateSession();
        using Session session = Model.CreateSession();
        using Session full = Model.CreateSession(new SessionOptions { Context = 2 });
        using Session other = models.Get(Loaded.ReluF32).CreateSession();
        Session disposed = Model.CreateSession();
        session.Forward([1, 300]);
        full.Forward([1, 300]);
        disposed.Dispose();

        Refused<ArgumentException>([fresh, session], [1], "2 sessions take 2 tokens", "1 were given");
        Refused<ArgumentException>([fresh], [1, 2], "1 sessions take 1 tokens", "2 were given");
        Refused<ArgumentException>([fresh, session, full, other], [1, 1, 1, 1], "4 sessions are more than the 3", "maxSessions");
        Refused<ArgumentException>([fresh, null!], [1, 1], "sessions[1] is null");
        Refused<ArgumentException>([fresh, session, other], [1, 1, 1], "sessions[2] is of another model");
        Refused<ArgumentException>([session, fresh, session], [1, 1, 1], "sessions[2] is sessions[0] again");
        Refused<ArgumentException>([fresh, session], [1, 512], "tokens[1] is 512", "vocabulary of 512");
        Refused<ArgumentException>([fresh, session], [-1, 1], "tokens[0] is -1");
        Refused<InvalidOperationException>([fresh, session, full], [1, 1, 1], "sessions[2] has no room", "its 2 are in use", "SessionOptions.Context");
        Refused<ObjectDisposedException>([fresh, disposed], [1, 1], "sessions[1] was disposed");

        // Every session can be used at once.
        full.Rewind(1);
        batch.Forward([full, session, fresh], [300, 2, 1]);
        full.Position.ShouldBe(2);

        void Refused<T>(Session[] sessions, int[] tokens, params string[] says)
            where T : Exception
        {
            string message = Should.Throw<T>(() => batch.Forward(sessions, tokens)).Message;
            says.ShouldAllBe(part => message.Contains(part), message);
            fresh.Position.ShouldBe(0);
            session.Tokens.ToArray().ShouldBe([1, 300]);
            full.Tokens.ToArray().ShouldBe([1, 300]);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(17)]
    [InlineData(int.MaxValue)]
    public void A_batch_has_1_to_16_sessions(int sessions) =>
        Should.Throw<ArgumentOutOfRangeException>(() => Model.CreateBatch(sessions)).Message.ShouldContain("1 to 16");

    [Fact]
    public async Task A_session_that_is_busy_is_refused_by_its_index_and_not_disturbed()
    {
        using Session alone = Model.CreateSession();
        string expected = await alone.GenerateAsync("Zoo", Greedy).TextAsync();
        using SessionBatch batch = Model.CreateBatch(2);
        using Session free = Model.CreateSession();
        using Session session = Model.CreateSession();
        using var gate = new Gate();
        Task<string> busy = session.GenerateAsync("Zoo", Greedy with { StopStrings = gate }).TextAsync();
        await gate.Reached;
        try
        {
            Should.Throw<InvalidOperationException>(() => batch.Forward([free, session], [1, 1])).Message.ShouldStartWith("sessions[1] is busy");
            free.Position.ShouldBe(0);
            free.Forward([1]);
        }
        finally
        {
            gate.Open();
        }

        (await busy).ShouldBe(expected);
        batch.Forward([free, session], [300, 300]);
    }

    [Fact]
    public async Task Batches_that_share_sessions_in_opposite_order_do_not_wait_for_each_other()
    {
        LanguageModel model = models.Get(Loaded.ReluF16, threads: 2);
        Session[] sessions = [.. Enumerable.Range(0, 3).Select(_ => model.CreateSession())];
        Task<int> forwards = CallAsync([.. sessions]);
        Task<int> backwards = CallAsync([.. sessions.Reverse()]);
        int calls = await forwards.WaitAsync(TimeSpan.FromSeconds(60)) + await backwards.WaitAsync(TimeSpan.FromSeconds(60));
        sessions.ShouldAllBe(session => session.Position == calls);
        calls.ShouldBe(120);
        Array.ForEach(sessions, session => session.Dispose());

        Task<int> CallAsync(Session[] order) => Task.Factory.StartNew(
            () =>
            {
                using SessionBatch batch = model.CreateBatch(3);
                int done = 0;
                while (done < 60)
                {
                    try
                    {
                        batch.Forward(order, [1, 2, 3]);
                        done++;
                    }
                    catch (InvalidOperationException exception) when (exception.Message.Contains("is busy"))
                    {
                        Thread.Yield();
                    }
                }

                return done;
            },
            TaskCreationOptions.LongRunning);
    }

    [Fact]
    public void A_batch_works_on_after_its_model_is_disposed_and_a_disposed_one_refuses()
    {
        LanguageModel model = models.Load(Loaded.ReluF16, threads: 1);
        SessionBatch batch = model.CreateBatch();
        using Session session = model.CreateSession();
        using Session other = model.CreateSession();
        model.Dispose();
        Should.Throw<ObjectDisposedException>(() => model.CreateBatch());
        batch.Forward([session, other], [1, 1]);
        batch.Dispose();
        batch.Dispose();
        Should.Throw<ObjectDisposedException>(() => batch.Forward([session, other], [1, 1]));
        Should.Throw<ObjectDisposedException>(() => batch.Logits(0));
        session.Forward([300]);
        session.Position.ShouldBe(2);
    }

    [Fact]
    public async Task Disposals_at_any_moment_of_a_call_leave_the_other_sessions_whole()
    {
        LanguageModel model = models.Load(Loaded.ReluF16, threads: 2);
        for (int round = 0; round < 30; round++)
        {
            Session[] sessions = [.. Enumerable.Range(0, 4).Select(_ => model.CreateSession())];
            SessionBatch batch = model.CreateBatch(4);
            int done = 0;
            Task calls = Task.Run(() =>
            {
                while (true)
                {
                    batch.Forward(sessions, [1, 2, 3, 4]);
                    Volatile.Write(ref done, done + 1);
                }
            });
            SpinWait.SpinUntil(() => Volatile.Read(ref done) > 0 || calls.IsCompleted);
            await Task.Run(() => Thread.SpinWait(round * 2_000));
            IDisposable gone = round % 3 == 0 ? batch : sessions[round % 4];
            gone.Dispose();
            ObjectDisposedException failure = await Should.ThrowAsync<ObjectDisposedException>(() => calls);
            failure.Message.ShouldContain(round % 3 == 0 ? nameof(SessionBatch) : $"sessions[{round % 4}] was disposed");
            foreach (Session session in sessions.Where(session => session != gone))
            {
                session.Position.ShouldBe(done);
                session.Forward([300]);
                session.Dispose();
            }

            batch.Dispose();
        }

        using (Session last = model.CreateSession())
        {
            last.Forward([1]).Length.ShouldBe(512);
        }

        model.Dispose();
        Should.Throw<ObjectDisposedException>(() => model.CreateSession());
    }

    private static async Task<string> TextAsync(Session session, string prompt, GenerationOptions options) =>
        prompt.Length == 0 && session.Position == 0 || session.Position > session.Context - 8
            ? ""
            : await session.GenerateAsync(prompt, options).TextAsync();
}
