using System.Diagnostics;
using System.Runtime.CompilerServices;
using Models;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Models.Tests;

/// <summary>What is dropped without being disposed of. Alone, because the process's memory, mappings and threads are counted.</summary>
[Collection(nameof(Alone))]
public sealed class ReclaimTests(LoadedModels models)
{
    /// <summary>In which a prompt has the bits of one token at a time.</summary>
    private static SessionOptions Exact { get; } = new() { Mode = SparsityMode.Exact };

    [Fact]
    public void Dropped_sessions_are_reclaimed_without_anybody_asking_for_a_collection()
    {
        using LanguageModel model = models.Load(Loaded.ReluF16, threads: 1);
        long before = Settled(() => NativeBuffer.AllocatedBytes);
        long session = SizeOfSession(model);
        Collect();
        int collections = GC.CollectionCount(2);
        long most = 0;
        for (int i = 0; i < 500; i++)
        {
            DropSession(model);
            most = Math.Max(most, NativeBuffer.AllocatedBytes - before);
        }

        GC.CollectionCount(2).ShouldBeGreaterThan(collections);
        most.ShouldBeLessThan(250 * session, "half of them at once is too many");
        ShouldComeTrue(() => NativeBuffer.AllocatedBytes <= before, "memory of dropped sessions");
    }

    [Fact]
    public void A_model_that_is_disposed_after_its_sessions_were_dropped_unmaps_its_file_at_once()
    {
        using var folder = new TemporaryFolder();
        string path = Copy(folder);
        LanguageModel model = ReluF16.Load(path, models.Device(1));
        IsMapped(path).ShouldBe(OperatingSystem.IsLinux());
        DropSession(model);
        DropSession(model);
        Collect();
        model.Dispose();
        IsMapped(path).ShouldBeFalse();
    }

    [Fact]
    public void A_session_that_is_dropped_after_its_model_was_disposed_unmaps_the_file_and_frees_the_weights()
    {
        using var folder = new TemporaryFolder();
        string path = Copy(folder);
        long before = Settled(() => NativeBuffer.AllocatedBytes);
        LanguageModel model = LoadAndDropSession(path);
        ShouldComeTrue(() => !IsMapped(path) && NativeBuffer.AllocatedBytes <= before, "what the dropped session kept");
        Should.Throw<ObjectDisposedException>(() => model.CreateSession());
    }

    [Fact]
    public void A_model_that_is_dropped_with_its_device_leaves_nothing()
    {
        using var folder = new TemporaryFolder();
        string path = Copy(folder);
        long before = Settled(() => NativeBuffer.AllocatedBytes);
        long threads = Settled(() => WorkerThreads());
        for (int i = 0; i < 3; i++)
        {
            DropModel(path, ownsDevice: i == 0);
        }

        ShouldComeTrue(() => !IsMapped(path), "the mapping");
        ShouldComeTrue(() => NativeBuffer.AllocatedBytes <= before, "the weights");
        ShouldComeTrue(() => WorkerThreads() <= threads, "the devices' threads");
    }

    [Fact]
    public void A_layer_that_is_dropped_frees_its_weights_and_ends_its_devices_threads()
    {
        long before = Settled(() => NativeBuffer.AllocatedBytes);
        long threads = Settled(() => WorkerThreads());
        DropLayer();
        ShouldComeTrue(() => NativeBuffer.AllocatedBytes <= before, "the layer's weights");
        ShouldComeTrue(() => WorkerThreads() <= threads, "the device's threads");
    }

    [Fact]
    public void A_load_that_fails_leaves_nothing_and_keeps_no_thread()
    {
        using var folder = new TemporaryFolder();
        string path = Copy(folder);
        long before = Settled(() => NativeBuffer.AllocatedBytes);
        long threads = Settled(() => WorkerThreads());
        Should.Throw<SparseInfer.Files.ModelFormatException>(() => Stories260KF32.Load(path));
        IsMapped(path).ShouldBeFalse();
        NativeBuffer.AllocatedBytes.ShouldBe(before);
        ShouldComeTrue(() => WorkerThreads() <= threads, "the device's threads");
    }

    [Fact]
    public void Collections_during_a_call_take_nothing_that_it_uses()
    {
        int[] tokens = BundledFiles.Opening(24);
        using var stop = new CancellationTokenSource();
        using Session reference = models.Get(Loaded.ReluF16).CreateSession(Exact);
        float[] expected = Logits.OneByOne(reference, tokens);
        var collector = new Thread(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                Collect();
            }
        });
        collector.Start();
        try
        {
            for (int run = 0; run < 12; run++)
            {
                Logits.ShouldBeBitIdentical(LastUse(run % 2 == 0 ? 1 : 3, tokens), expected, $"run {run}");
            }
        }
        finally
        {
            stop.Cancel();
            collector.Join();
        }
    }

    /// <summary>Everything that nobody holds but the call itself.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static float[] LastUse(int threads, int[] tokens)
    {
        float[] logits = new float[tokens.Length * Logits.Vocabulary];
        if (threads == 1)
        {
            ReluF16.Load(BundledFiles.ReluGguf, Device.Cpu(1)).CreateSession(Exact).Forward(tokens, logits);
        }
        else
        {
            Session session = ReluF16.Load(BundledFiles.ReluGguf, Device.Cpu(threads)).CreateSession(Exact);
            for (int i = 0; i < tokens.Length; i++)
            {
                session.Forward(tokens.AsSpan(i, 1)).CopyTo(logits.AsSpan(i * Logits.Vocabulary));
            }
        }

        return logits;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static long SizeOfSession(LanguageModel model)
    {
        long before = NativeBuffer.AllocatedBytes;
        using Session session = model.CreateSession();
        return NativeBuffer.AllocatedBytes - before;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void DropSession(LanguageModel model) => model.CreateSession().Forward([1]);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private LanguageModel LoadAndDropSession(string path)
    {
        LanguageModel model = ReluF16.Load(path, models.Device(1));
        Session session = model.CreateSession();
        model.Dispose();
        session.Forward([1]);
        IsMapped(path).ShouldBe(OperatingSystem.IsLinux());
        return model;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void DropModel(string path, bool ownsDevice)
    {
        LanguageModel model = ReluF16.Load(path, ownsDevice ? null : Device.Cpu(3));
        model.CreateSession().Forward([1]);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void DropLayer()
    {
        FeedForwardKernel layer = Layers.Predicted.New();
        layer.Load(LayerAloneTests.Weights(layer.Shape, WeightType.F16), Device.Cpu(3));
        layer.Forward(new float[layer.Shape.Hidden], new float[layer.Shape.Hidden]);
    }

    private static string Copy(TemporaryFolder folder)
    {
        string path = folder.At("model.gguf");
        File.Copy(BundledFiles.ReluGguf, path);
        return path;
    }

    private static bool IsMapped(string path) => OperatingSystem.IsLinux() && File.ReadLines("/proc/self/maps").Any(line => line.EndsWith(path, StringComparison.Ordinal));

    /// <summary>Threads of all worker groups. Linux keeps 15 letters of a name.</summary>
    private static int WorkerThreads()
    {
        if (!OperatingSystem.IsLinux())
        {
            return 0;
        }

        int count = 0;
        foreach (string task in Directory.GetDirectories("/proc/self/task"))
        {
            try
            {
                count += File.ReadAllText(Path.Combine(task, "comm")).StartsWith("SparseInfer wor", StringComparison.Ordinal) ? 1 : 0;
            }
            catch (IOException)
            {
                // It has ended meanwhile.
            }
        }

        return count;
    }

    /// <summary>A count, once what earlier tests dropped is gone: the collection tells threads to end, and frees on others, which takes its time.</summary>
    private static long Settled(Func<long> count)
    {
        long last = count();
        for (int unchanged = 0; unchanged < 20; unchanged++)
        {
            Collect();
            Thread.Sleep(10);
            long now = count();
            unchanged = now == last ? unchanged : 0;
            last = now;
        }

        return last;
    }

    private static void Collect()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
    }

    private static void ShouldComeTrue(Func<bool> condition, string what)
    {
        long start = Stopwatch.GetTimestamp();
        while (!condition())
        {
            Stopwatch.GetElapsedTime(start).TotalSeconds.ShouldBeLessThan(20, what);
            Collect();
            Thread.Sleep(1);
        }
    }
}
