using Models;

namespace SparseInfer.Models.Tests;

/// <summary>Who may be used when: models, sessions, and calls that meet.</summary>
public sealed class LifetimeTests(LoadedModels models)
{
    [Fact]
    public void A_session_works_on_after_its_model_is_disposed()
    {
        int[] tokens = BundledFiles.Opening(30);
        LanguageModel model = models.Load(Loaded.ReluF16, threads: 1);
        Session session = model.CreateSession();
        model.Dispose();
        model.Dispose();

        using Session other = models.Get(Loaded.ReluF16).CreateSession();
        Logits.ShouldBeBitIdentical(Logits.OneByOne(session, tokens), Logits.OneByOne(other, tokens), "after the model was disposed");
        Should.Throw<ObjectDisposedException>(() => model.CreateSession());
        session.Dispose();
        Should.Throw<ObjectDisposedException>(() => model.CreateSession());
    }

    [Fact]
    public void A_model_that_owns_its_device_lends_it_to_sessions_that_outlive_it()
    {
        LanguageModel model = Stories260KF32.Load(BundledFiles.Stories260KGguf);
        using Session session = model.CreateSession();
        model.Dispose();
        session.Forward([1]).Length.ShouldBe(512);
    }

    [Fact]
    public async Task A_disposed_session_refuses_every_call_and_a_second_disposal_is_nothing()
    {
        Session session = models.Get(Loaded.ReluF16).CreateSession();
        session.Forward([1]);
        session.Dispose();
        session.Dispose();
        Should.Throw<ObjectDisposedException>(() => session.Forward([1]));
        Should.Throw<ObjectDisposedException>(() => session.Forward([1], new float[512]));
        Should.Throw<ObjectDisposedException>(() => session.Rewind(0));
        await Should.ThrowAsync<ObjectDisposedException>(() => session.GenerateAsync("Zoo").TextAsync());
    }

    [Fact]
    public async Task A_disposed_model_refuses_to_generate()
    {
        LanguageModel model = models.Load(Loaded.Stories260KF32, threads: 1);
        model.Dispose();
        await Should.ThrowAsync<ObjectDisposedException>(() => model.GenerateAsync("Zoo").TextAsync());
    }

    [Fact]
    public async Task Calls_on_a_session_that_is_busy_are_refused_and_disturb_nothing()
    {
        LanguageModel model = models.Get(Loaded.ReluF16);
        var options = new GenerationOptions { MaxTokens = 40, Temperature = 0 };
        using Session alone = model.CreateSession();
        string expected = await alone.GenerateAsync("Zoo", options).TextAsync();

        using Session session = model.CreateSession();
        using var gate = new Gate();
        Task<string> busy = session.GenerateAsync("Zoo", options with { StopStrings = gate }).TextAsync();
        await gate.Reached;
        try
        {
            ShouldBeRefused(() => session.Forward([300]));
            ShouldBeRefused(() => session.Forward([300], new float[512]));
            ShouldBeRefused(() => session.Rewind(0));
            InvalidOperationException error =
                await Should.ThrowAsync<InvalidOperationException>(() => session.GenerateAsync("Zoo", options).TextAsync());
            error.Message.ShouldContain("still running");
        }
        finally
        {
            gate.Open();
        }

        (await busy).ShouldBe(expected);
        session.Rewind(0);
        (await session.GenerateAsync("Zoo", options).TextAsync()).ShouldBe(expected);
    }

    [Fact]
    public async Task Disposal_during_a_call_ends_it_at_its_next_token()
    {
        Session session = models.Get(Loaded.ReluF16, threads: 2).CreateSession();
        int pieces = 0;
        await Should.ThrowAsync<ObjectDisposedException>(async () =>
        {
            await foreach (string piece in session.GenerateAsync("Zoo", new() { MaxTokens = 400, Temperature = 0 }))
            {
                if (++pieces == 3)
                {
                    session.Dispose();
                    session.Dispose();
                }
            }
        });
        pieces.ShouldBe(3);
        session.LastGeneration.ShouldBeNull();
        Should.Throw<ObjectDisposedException>(() => session.Forward([1]));
    }

    [Fact]
    public async Task Disposal_while_a_call_computes_waits_for_nothing_and_frees_nothing_under_it()
    {
        Session session = models.Get(Loaded.ReluF16).CreateSession();
        using var gate = new Gate();
        Task<string> busy = session.GenerateAsync("Zoo", new() { MaxTokens = 400, StopStrings = gate }).TextAsync();
        await gate.Reached;
        session.Dispose();
        Should.Throw<ObjectDisposedException>(() => session.Forward([1]));
        gate.Open();
        await Should.ThrowAsync<ObjectDisposedException>(() => busy);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Disposals_at_any_moment_of_a_call_leave_model_and_device_whole(int threads)
    {
        int[] tokens = BundledFiles.Opening(400);
        LanguageModel model = models.Load(Loaded.ReluF16, threads);
        for (int round = 0; round < 40; round++)
        {
            Session session = model.CreateSession();
            Task forward = Task.Run(() =>
            {
                float sum = 0;
                while (true)
                {
                    session.Rewind(0);
                    sum += session.Forward(tokens)[0];
                }
            });
            await Task.Run(() => Thread.SpinWait(round * 20_000));
            session.Dispose();
            await Should.ThrowAsync<ObjectDisposedException>(() => forward);
        }

        // Every session has given the weights back, so that the model's disposal frees them.
        using (Session last = model.CreateSession())
        {
            last.Forward([1]).Length.ShouldBe(512);
        }

        model.Dispose();
        Should.Throw<ObjectDisposedException>(() => model.CreateSession());
    }

    [Fact]
    public void A_mode_that_there_is_none_of_is_refused_where_it_comes_in()
    {
        using Session session = models.Get(Loaded.ReluF16).CreateSession();
        Should.Throw<ArgumentOutOfRangeException>(() => session.Mode = (SparsityMode)77)
            .Message.ShouldContain("Mode must be one of Dense, Exact, Predicted");
        session.Mode.ShouldBe(SparsityMode.Predicted);
        Should.Throw<ArgumentOutOfRangeException>(() => new SessionOptions { Mode = (SparsityMode)(-1) });
        Should.Throw<ArgumentOutOfRangeException>(() => new SessionOptions() with { Mode = (SparsityMode)3 });
        Should.Throw<ArgumentOutOfRangeException>(() => WeightTensor.From((WeightType)77, new byte[4]))
            .Message.ShouldContain("type must be one of F32, F16, BF16, Q8_0, Q4_0, Q5_0, Q5_1, Q4_K, Q5_K, Q6_K");
    }

    [Fact]
    public void Tokens_that_cannot_be_are_refused_before_anything_runs()
    {
        using Session session = models.Get(Loaded.ReluF16).CreateSession();
        Should.Throw<ArgumentException>(() => session.Forward([])).Message.ShouldContain("At least one token");
        Should.Throw<ArgumentException>(() => session.Forward([1, 512])).Message.ShouldContain("Token 512 is not in the vocabulary of 512");
        Should.Throw<ArgumentException>(() => session.Forward([-1])).Message.ShouldContain("Token -1");
        Should.Throw<ArgumentException>(() => session.Forward([1, 2], new float[512])).Message.ShouldContain("1024 logits");
        Should.Throw<InvalidOperationException>(() => session.Forward(new int[513])).Message.ShouldContain("513 tokens do not fit");
        session.Position.ShouldBe(0);

        LanguageModel model = models.Get(Loaded.ReluF16);
        Should.Throw<ArgumentOutOfRangeException>(() => model.CreateSession(new SessionOptions { Context = 513 }))
            .Message.ShouldContain("1 to 512");
    }

    private static void ShouldBeRefused(Action call)
    {
        InvalidOperationException error = Should.Throw<InvalidOperationException>(call);
        error.ShouldNotBeOfType<ObjectDisposedException>();
        error.Message.ShouldContain("Another call on this session is still running");
    }
}
