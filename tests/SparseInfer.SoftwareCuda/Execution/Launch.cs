using SparseInfer.Kernels.Cpu;
using SparseInfer.SoftwareCuda.Counting;
using SparseInfer.SoftwareCuda.Memory;
using SparseInfer.SoftwareCuda.Ptx;

namespace SparseInfer.SoftwareCuda.Execution;

/// <summary>Sizes of a grid or a group.</summary>
internal readonly record struct Size3(int X, int Y, int Z)
{
    public long Count => (long)X * Y * Z;
}

/// <summary>A kernel and what it is launched with. The sizes were checked against the device's limits.</summary>
/// <param name="Function">The kernel.</param>
/// <param name="Grid">Groups.</param>
/// <param name="Group">Threads of a group.</param>
/// <param name="DynamicSharedBytes">Shared memory beyond what the kernel declares.</param>
/// <param name="Parameters">All parameters, at the places that the kernel declares.</param>
internal sealed record Launch(PtxFunction Function, Size3 Grid, Size3 Group, int DynamicSharedBytes, byte[] Parameters)
{
    /// <summary>Executes it, to its end.</summary>
    /// <param name="memory">What its addresses lead to.</param>
    /// <param name="options">How.</param>
    /// <returns>What was counted; null where <see cref="LaunchOptions.CountAccesses"/> is not set.</returns>
    /// <exception cref="KernelFaultException">A lane did what a device would not forgive, or not tell.</exception>
    public LaunchCounters? Execute(DeviceMemory memory, LaunchOptions options)
    {
        using var state = new LaunchState(this, memory, options);
        LaunchCounters? counters = options.CountAccesses ? new LaunchCounters(KernelName) : null;
        long groups = Grid.Count;
        // Sums of floats depend on the order of atomics, and old values do: groups come in order then.
        int workers = Function.Program.HasGlobalAtomics ? 1 : (int)Math.Clamp(groups, 1, Math.Max(options.Parallelism, 1));
        long next = -1;
        if (workers == 1)
        {
            Work();
        }
        else
        {
            ParallelLoop.For(0, workers, _ => Work()); // whoever interrupts the caller does not leave while others work
        }

        if (state.FirstFault is KernelFaultException fault)
        {
            throw fault;
        }

        return counters;

        void Work()
        {
            GroupCounter? counter = counters is null ? null : new GroupCounter(state);
            using var runner = new GroupRunner(state, counter);
            while (true)
            {
                long group = Interlocked.Increment(ref next);
                if (group >= groups || group > state.LastGroup)
                {
                    break;
                }

                try
                {
                    runner.Run(group);
                }
                catch (KernelFaultException found)
                {
                    state.Report(group, found, race: false);
                    break;
                }
            }

            if (counters is not null)
            {
                lock (counters)
                {
                    counter!.AddTo(counters);
                }
            }
        }
    }

    private string KernelName => Function.Name.StartsWith("Kernel_", StringComparison.Ordinal) ? Function.Name["Kernel_".Length..] : Function.Name;
}

/// <summary>How launches are executed.</summary>
internal sealed record LaunchOptions
{
    /// <summary>Whether accesses and instructions are counted. Slower.</summary>
    public bool CountAccesses { get; init; }

    /// <summary>Whether races and reads of what nobody wrote are looked for. Slower.</summary>
    public bool CheckRaces { get; init; } = true;

    /// <summary>Instructions that a warp may execute in a group before it counts as endless.</summary>
    public long InstructionLimit { get; init; } = 1L << 30;

    /// <summary>Threads that execute groups.</summary>
    public int Parallelism { get; init; } = Environment.ProcessorCount;
}
