using System.Runtime.CompilerServices;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Models.Tests;

/// <summary>What a scheduler leaves behind. Alone, because the process's memory is counted.</summary>
[Collection(nameof(Alone))]
public sealed class BatchSchedulerMemoryTests(LoadedModels models)
{
    private static readonly GenerationOptions Options = new() { MaxTokens = 8, Temperature = 0 };

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Sessions_that_were_served_and_schedulers_disposed_of_or_dropped_leave_nothing(bool drops)
    {
        LanguageModel model = models.Load(Loaded.ReluF16, threads: 1);
        await ServeAsync(model, drops);
        long before = Collected();
        var served = new List<WeakReference>();
        for (int i = 0; i < 5; i++)
        {
            served.AddRange(await ServeAsync(model, drops));
        }

        for (int i = 0; i < 200 && (served.Exists(one => one.IsAlive) || NativeBuffer.AllocatedBytes > before); i++)
        {
            Collected();
            await Task.Delay(5);
        }

        served.ShouldAllBe(one => !one.IsAlive);
        NativeBuffer.AllocatedBytes.ShouldBeLessThanOrEqualTo(before);
        model.Dispose();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static async Task<WeakReference[]> ServeAsync(LanguageModel model, bool drops)
    {
        BatchScheduler scheduler = model.CreateScheduler();
        Session[] sessions = [.. Enumerable.Range(0, 3).Select(_ => model.CreateSession())];
        await Task.WhenAll(sessions.Select(session => scheduler.GenerateAsync(session, "Zoo", Options).TextAsync()));
        WeakReference[] served = [new(scheduler), .. sessions.Select(session => new WeakReference(session))];
        if (!drops)
        {
            Array.ForEach(sessions, session => session.Dispose());
            await scheduler.DisposeAsync();
        }

        return served;
    }

    private static long Collected()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return NativeBuffer.AllocatedBytes;
    }
}
