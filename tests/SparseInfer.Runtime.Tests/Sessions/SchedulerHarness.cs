using System.Collections.Concurrent;

namespace SparseInfer.Runtime.Tests.Sessions;

/// <summary>A scheduler over <see cref="TraceDecoder"/> whose steps can be held up, and what a session alone gives.</summary>
internal sealed class SchedulerHarness : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private readonly TraceModel _alone;
    private readonly ConcurrentQueue<Hold> _holds = [];

    public SchedulerHarness(SchedulerOptions? options = null, bool decodesTogether = true, int context = 600)
    {
        Model = TraceDecoder.Load(decodesTogether, context);
        _alone = TraceDecoder.Load(decodesTogether, context);
        Model.Program.Before = Run;
        Scheduler = Model.CreateScheduler(options);
    }

    public TraceModel Model { get; }

    public BatchScheduler Scheduler { get; }

    /// <summary>Called before a run, as <see cref="TraceDecoder.Ran"/> tells it; may throw.</summary>
    public Action<string>? Before { get; set; }

    public List<string> Ran => Model.Program.Ran;

    public static GenerationOptions Greedy(int tokens) => new() { MaxTokens = tokens, Temperature = 0, IgnoreEndOfSequence = true };

    public Session Session(SessionOptions? options = null) => Model.CreateSession(options);

    /// <summary>All text of a call that begins now.</summary>
    public Task<string> Start(Session session, string prompt, GenerationOptions options, CancellationToken cancellationToken = default) =>
        TextAsync(Scheduler.GenerateAsync(session, prompt, options, cancellationToken));

    /// <summary>As <see cref="Start"/>, once it waits for its start.</summary>
    public async Task<Task<string>> QueueAsync(Session session, string prompt, GenerationOptions options, CancellationToken cancellationToken = default)
    {
        int queued = Scheduler.Queued;
        Task<string> text = Start(session, prompt, options, cancellationToken);
        await ComesTrueAsync(() => Scheduler.Queued > queued);
        return text;
    }

    /// <summary>Holds up the loop before the first run of a kind, once the holds before this were reached.</summary>
    public Hold HoldAt(Func<string, bool> where)
    {
        var hold = new Hold(where);
        _holds.Enqueue(hold);
        return hold;
    }

    public Hold HoldAt(string where) => HoldAt(what => what == where);

    /// <summary>What a session alone gives for one call after another, and its logits after a token more.</summary>
    public async Task<(string[] Texts, Session Session)> AloneAsync(SessionOptions? sessionOptions, params (string Prompt, GenerationOptions Options)[] calls)
    {
        Session session = _alone.CreateSession(sessionOptions);
        var texts = new List<string>();
        foreach ((string prompt, GenerationOptions options) in calls)
        {
            texts.Add(await TextAsync(session.GenerateAsync(prompt, options)));
        }

        return ([.. texts], session);
    }

    public static async Task<string> TextAsync(IAsyncEnumerable<string> pieces)
    {
        string text = "";
        await foreach (string piece in pieces)
        {
            text += piece;
        }

        return text;
    }

    public static async Task ComesTrueAsync(Func<bool> condition)
    {
        DateTime end = DateTime.UtcNow + Limit;
        while (!condition())
        {
            (DateTime.UtcNow < end).ShouldBeTrue();
            await Task.Delay(1);
        }
    }

    /// <summary>Both have the same sequence and report, and the same logits after one token more.</summary>
    public static void ShouldBeSame(Session session, Session alone)
    {
        session.Tokens.ToArray().ShouldBe(alone.Tokens.ToArray());
        session.Sequence.Held.ToArray().ShouldBe(alone.Sequence.Held.ToArray());
        Untimed(session.LastGeneration).ShouldBe(Untimed(alone.LastGeneration));
        session.ReadMetrics().Select(layer => layer.ToString()).ShouldBe(alone.ReadMetrics().Select(layer => layer.ToString()));
        if (session.Position < session.Context)
        {
            session.Forward([5]).ToArray().ShouldBe(alone.Forward([5]).ToArray());
        }
    }

    public void Dispose()
    {
        while (_holds.TryDequeue(out Hold? hold))
        {
            hold.Release();
        }

        Scheduler.Dispose();
        Model.Dispose();
        _alone.Dispose();
    }

    private static GenerationReport? Untimed(GenerationReport? report) =>
        report is null ? null : report with { PromptTime = default, DecodeTime = default };

    private void Run(string what)
    {
        if (_holds.TryPeek(out Hold? hold) && hold.Where(what))
        {
            _holds.TryDequeue(out _);
            hold.Wait();
        }

        Before?.Invoke(what);
    }

    internal sealed class Hold(Func<string, bool> where)
    {
        private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly ManualResetEventSlim _open = new();

        public Func<string, bool> Where => where;

        /// <summary>Done when the loop is there.</summary>
        public Task Reached => _reached.Task.WaitAsync(Limit);

        public void Release() => _open.Set();

        public void Wait()
        {
            _reached.SetResult();
            _open.Wait(Limit).ShouldBeTrue();
        }
    }
}
