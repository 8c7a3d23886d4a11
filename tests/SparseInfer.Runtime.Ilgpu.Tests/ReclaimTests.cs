using System.Diagnostics;
using System.Runtime.CompilerServices;
using ILGPU.Runtime;

namespace SparseInfer.Runtime.Ilgpu.Tests;

/// <summary>What nobody disposed of, and callers that are interrupted.</summary>
public sealed class ReclaimTests
{
    private const int Count = TinyDecoder.Vocabulary * TinyDecoder.Hidden;
    private static readonly float[] Embedding = Numbers.Random(Count, 21);
    private static readonly float[] Head = Numbers.Random(Count, 22);

    [Fact]
    public void Dropped_buffers_sessions_and_models_give_their_memory_back()
    {
        using IlgpuDevice device = TestDevice.Open();
        DropModels(device, 3);
        device.AllocatedBytes.ShouldBeGreaterThanOrEqualTo(0);
        Eventually.ShouldBe(() => device.AllocatedBytes == 0, "memory of what was dropped");
        using DeviceBuffer<int> buffer = device.Allocate<int>(4, "test");
        int[] back = [1, 2, 3, 4];
        buffer.CopyTo(back);
        back.ShouldBe([0, 0, 0, 0], "the device works on");
    }

    [Fact]
    public void A_model_disposed_after_its_sessions_were_dropped_frees_the_weights_at_once()
    {
        using IlgpuDevice device = TestDevice.Open();
        TinyModel model = TinyDecoder.Load(device, Embedding, Head);
        long weights = device.AllocatedBytes;
        DropSessions(model, 5);
        Eventually.ShouldBe(() => device.AllocatedBytes == weights, "memory of dropped sessions");
        model.Dispose();
        device.AllocatedBytes.ShouldBe(0);
    }

    [Fact]
    public void A_dropped_device_ends_its_threads()
    {
        Thread thread = DropDevice(out Accelerator accelerator);
        Eventually.ShouldBe(() => !thread.IsAlive, "the device's own thread");
        Eventually.ShouldBe(() => accelerator.IsDisposed, "the accelerator, which a thread of ILGPU's keeps until it is disposed");
    }

    [Theory]
    [MemberData(nameof(TestDevice.Names), MemberType = typeof(TestDevice))]
    public void Interrupts_of_several_callers_change_no_result_and_break_no_session(string name)
    {
        using IlgpuDevice device = TestDevice.Open(name);
        using TinyModel model = TinyDecoder.Load(device, Embedding, Head);
        using var stop = new CancellationTokenSource();
        using Session reference = model.CreateSession();
        float[][] expected = [.. Enumerable.Range(0, TinyDecoder.Vocabulary).Select(token => Logits(reference, token))];
        int wrong = 0;
        int[] runs = new int[3];
        var failures = new List<Exception>();
        Thread[] callers = [.. Enumerable.Range(0, runs.Length).Select(caller => new Thread(() =>
        {
            using Session session = model.CreateSession();
            for (int token = caller; !stop.IsCancellationRequested; token = (token + 1) % TinyDecoder.Vocabulary)
            {
                try
                {
                    if (!Logits(session, token).AsSpan().SequenceEqual(expected[token]))
                    {
                        Interlocked.Increment(ref wrong);
                    }

                    Interlocked.Increment(ref runs[caller]);
                    Thread.Sleep(0);
                }
                catch (ThreadInterruptedException)
                {
                    // At the caller's own wait.
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
        for (int i = 0; i < 3000 && Stopwatch.GetElapsedTime(start).TotalSeconds < 2; i++)
        {
            callers[i % callers.Length].Interrupt();
            Thread.Yield();
        }

        // On a busy machine no call may have ended between two interrupts; left alone, every session has to work.
        int[] interrupted = [.. runs];
        Eventually.ShouldBe(
            () => failures.Count > 0 || !runs.Zip(interrupted).Any(pair => pair.First == pair.Second), "a call of each session after the interrupts");
        stop.Cancel();
        callers.ShouldAllBe(caller => caller.Join(TimeSpan.FromSeconds(60)));
        failures.ShouldBeEmpty();
        wrong.ShouldBe(0);
        Logits(reference, 5).ShouldBe(expected[5]);
    }

    private static float[] Logits(Session session, int token)
    {
        session.Rewind(0);
        return session.Forward([token]).ToArray();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void DropModels(IlgpuDevice device, int count)
    {
        for (int i = 0; i < count; i++)
        {
            TinyModel model = TinyDecoder.Load(device, Embedding, Head);
            model.CreateSession().Forward([1]);
            _ = device.Allocate<float>(1000, "test");
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void DropSessions(TinyModel model, int count)
    {
        for (int i = 0; i < count; i++)
        {
            model.CreateSession().Forward([i]);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Thread DropDevice(out Accelerator accelerator)
    {
        IlgpuDevice device = TestDevice.Open(TestDevice.CpuAccelerator);
        var threads = new List<Thread>();
        device.Use(threads, static threads => threads.Add(Thread.CurrentThread));
        DropModels(device, 1);
        accelerator = device.Accelerator;
        threads[0].ShouldNotBeSameAs(Thread.CurrentThread, "kernels that run on threads of this process are waited for on a thread of the device's");
        return threads[0];
    }
}
