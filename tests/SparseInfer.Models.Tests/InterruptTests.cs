using System.Diagnostics;
using Models;

namespace SparseInfer.Models.Tests;

/// <summary>Threads that are interrupted in a call, and objects that several threads dispose of.</summary>
public sealed class InterruptTests(LoadedModels models)
{
    [Fact]
    public void Thousands_of_interrupts_of_several_sessions_callers_change_no_bit_and_break_no_session()
    {
        int[] tokens = BundledFiles.Opening(12);
        LanguageModel model = models.Get(Loaded.ReluF16, threads: 3);
        var options = new SessionOptions { Mode = SparsityMode.Exact }; // in which a prompt has the bits of one token at a time
        using Session reference = model.CreateSession(options);
        float[] expected = Logits.OneByOne(reference, tokens);
        using var stop = new CancellationTokenSource();
        var failures = new List<Exception>();
        int runs = 0;
        Thread[] callers = [.. Enumerable.Range(0, 3).Select(caller => new Thread(() =>
        {
            using Session session = model.CreateSession(options);
            while (!stop.IsCancellationRequested)
            {
                try
                {
                    session.Rewind(0);
                    float[] logits = caller == 0 ? Logits.Batched(session, tokens) : Logits.OneByOne(session, tokens);
                    Logits.ShouldBeBitIdentical(logits, expected, $"caller {caller}");
                    Interlocked.Increment(ref runs);
                    Thread.Sleep(0);
                }
                catch (ThreadInterruptedException)
                {
                    // At the caller's own wait, after the call.
                }
                catch (Exception exception)
                {
                    lock (failures)
                    {
                        failures.Add(exception);
                    }

                    return;
                }
            }
        }))];
        Array.ForEach(callers, caller => caller.Start());
        long start = Stopwatch.GetTimestamp();
        // On a busy machine thousands go by before anybody has run: then it goes on until somebody has.
        for (int i = 0; Stopwatch.GetElapsedTime(start).TotalSeconds < (Volatile.Read(ref runs) == 0 ? 30 : i < 5000 ? 3 : 0); i++)
        {
            callers[i % callers.Length].Interrupt();
            Thread.Yield();
        }

        stop.Cancel();
        callers.ShouldAllBe(caller => caller.Join(TimeSpan.FromSeconds(60)));
        failures.ShouldBeEmpty();
        runs.ShouldBeGreaterThan(0);
        reference.Rewind(0);
        Logits.ShouldBeBitIdentical(Logits.OneByOne(reference, tokens), expected, "afterwards");
    }

    [Fact]
    public void Loading_on_a_thread_that_is_interrupted_gives_the_model()
    {
        int[] tokens = BundledFiles.Opening(8);
        using Session reference = models.Get(Loaded.ReluF32).CreateSession();
        float[] expected = Logits.OneByOne(reference, tokens);
        for (int run = 0; run < 10; run++)
        {
            float[]? logits = null;
            var loader = new Thread(() =>
            {
                try
                {
                    // Widened and transposed by several threads.
                    using LanguageModel model = ReluF32.Load(BundledFiles.ReluGguf, models.Device(1));
                    using Session session = model.CreateSession();
                    logits = Logits.OneByOne(session, tokens);
                }
                catch (ThreadInterruptedException)
                {
                    // Before anything that others work at.
                }
            });
            loader.Start();
            while (loader.IsAlive)
            {
                loader.Interrupt();
                Thread.Yield();
            }

            if (logits is not null)
            {
                Logits.ShouldBeBitIdentical(logits, expected, $"run {run}");
            }
        }
    }

    [Fact]
    public void A_model_that_several_threads_dispose_of_while_others_create_sessions_ends_once()
    {
        int[] tokens = [1, 2, 3];
        using Session reference = models.Get(Loaded.ReluF16).CreateSession();
        float[] expected = Logits.OneByOne(reference, tokens);
        for (int run = 0; run < 15; run++)
        {
            LanguageModel model = ReluF16.Load(BundledFiles.ReluGguf, models.Device(1));
            Parallel.For(0, 8, i =>
            {
                if (i % 2 == 0)
                {
                    model.Dispose();
                    return;
                }

                try
                {
                    using Session session = model.CreateSession();
                    Logits.ShouldBeBitIdentical(Logits.OneByOne(session, tokens), expected, $"run {run}");
                }
                catch (ObjectDisposedException)
                {
                    // Too late.
                }
            });
            Should.Throw<ObjectDisposedException>(() => model.CreateSession());
        }
    }
}
