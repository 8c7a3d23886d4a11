using SparseInfer.Kernels.Cpu;
using SparseInfer.Loading;

namespace SparseInfer;

/// <summary>Where models run. One device may serve any number of models and sessions; it must outlive them.</summary>
public abstract class Device : IDisposable
{
    /// <summary>How it is asked for: <c>cpu</c>.</summary>
    public abstract string Name { get; }

    /// <summary>What it is, for people.</summary>
    public abstract string Description { get; }

    /// <summary>The names of this machine's devices that <see cref="Open"/> takes: the CPU, and what providers add.</summary>
    public static IReadOnlyList<string> Names => ["cpu", .. DeviceProviders.All.SelectMany(provider => provider.Names)];

    /// <summary>
    /// The best device of this machine: a GPU that a registered provider recommends, else the CPU with a worker for each processor.
    /// </summary>
    public static Device Best() => Recommended() ?? Cpu();

    /// <summary>The CPU.</summary>
    /// <param name="threads">Worker threads, the caller's among them; 0: as many as processors. 1 uses the calling thread alone.</param>
    /// <exception cref="ArgumentOutOfRangeException">Negative, or more than 1024.</exception>
    public static CpuDevice Cpu(int threads = 0) => new(threads);

    /// <summary>Opens a device by name.</summary>
    /// <param name="name">One of <see cref="Names"/>, or <c>best</c>.</param>
    /// <param name="threads">As in <see cref="Cpu"/>, for the CPU; other devices have no such choice.</param>
    /// <exception cref="ArgumentException">
    /// There is no such device, or it cannot be used; the message says why, where that is known, and lists those there are.
    /// </exception>
    public static Device Open(string name, int threads = 0)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (name is "cpu")
        {
            return Cpu(threads);
        }

        if (name is "best")
        {
            return Recommended() ?? Cpu(threads);
        }

        foreach (DeviceProvider provider in DeviceProviders.All)
        {
            if (provider.TryOpen(name) is { } device)
            {
                return device;
            }
        }

        string? why = DeviceProviders.All.Select(provider => provider.Explain(name)).FirstOrDefault(text => text is not null);
        string[] known = ["best", .. Names];
        string problem = why is not null ? $"Device '{name}' cannot be used: {why}"
            : ClosestName.Find(name.ToLowerInvariant(), known) is { } closest ? $"There is no device '{name}', the closest is '{closest}'"
            : $"There is no device '{name}'";
        throw new ArgumentException($"{problem}; there is: {string.Join(", ", known)}.");
    }

    /// <summary>Adds devices to those that <see cref="Open"/>, <see cref="Best"/> and <see cref="Names"/> know. Once is enough, more does no harm.</summary>
    /// <param name="provider">What knows them.</param>
    public static void Register(DeviceProvider provider) => DeviceProviders.Add(provider);

    private static Device? Recommended()
    {
        foreach (DeviceProvider provider in DeviceProviders.All)
        {
            if (provider.Best is { } name && provider.TryOpen(name) is { } device)
            {
                return device;
            }
        }

        return null;
    }

    /// <summary>Ends the device's threads. Models on it cannot run any more.</summary>
    public abstract void Dispose();
}

/// <summary>The CPU: a fixed group of worker threads.</summary>
public sealed class CpuDevice : Device
{
    /// <summary>More workers than this are surely a mistake.</summary>
    public const int MaxThreads = 1024;

    internal CpuDevice(int threads)
    {
        if (threads is < 0 or > MaxThreads)
        {
            throw new ArgumentOutOfRangeException(nameof(threads), threads, $"The number of threads must be 0 (one a processor) to {MaxThreads}.");
        }

        Workers = new WorkerGroup(threads == 0 ? Math.Min(Environment.ProcessorCount, MaxThreads) : threads);
    }

    /// <inheritdoc/>
    public override string Name => "cpu";

    /// <inheritdoc/>
    public override string Description => $"CPU, {Workers.Count} thread{(Workers.Count == 1 ? "" : "s")}, {SimdText}";

    /// <summary>The threads, for generated programs.</summary>
    public WorkerGroup Workers { get; }

    private static string SimdText =>
        System.Runtime.Intrinsics.Vector512.IsHardwareAccelerated ? "512-bit vectors"
        : System.Runtime.Intrinsics.Vector256.IsHardwareAccelerated ? "256-bit vectors"
        : System.Runtime.Intrinsics.Vector128.IsHardwareAccelerated ? "128-bit vectors"
        : "no vectors";

    /// <inheritdoc/>
    public override void Dispose() => Workers.Dispose();
}
