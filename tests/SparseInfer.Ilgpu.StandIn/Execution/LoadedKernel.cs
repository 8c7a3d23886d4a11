using System.Collections.Concurrent;
using System.Reflection;
using ILGPU;
using ILGPU.Runtime;
using SparseInfer.Ilgpu.StandIn.Rewriting;

namespace SparseInfer.Ilgpu.StandIn.Execution;

/// <summary>A kernel that was rewritten for an accelerator.</summary>
internal sealed class LoadedKernel
{
    private static int _launches;

    private readonly Accelerator _accelerator;
    private readonly KernelSpecialization _specialization;
    private readonly ConcurrentBag<GroupRun> _runs = [];

    private LoadedKernel(Accelerator accelerator, KernelSpecialization specialization, KernelProgram program)
    {
        _accelerator = accelerator;
        _specialization = specialization;
        Program = program;
    }

    public KernelProgram Program { get; }

    public int SharedLimit => _accelerator.MaxSharedMemoryPerGroup;

    public static LoadedKernel Load(Accelerator accelerator, MethodInfo? method, KernelSpecialization specialization, Type arguments)
    {
        ArgumentNullException.ThrowIfNull(accelerator);
        ArgumentNullException.ThrowIfNull(method);
        if (!specialization.IsCompatibleWith(accelerator))
            throw new NotSupportedException($"Kernel {method.Name} is specialised for more threads than a group may have.");
        return new LoadedKernel(accelerator, specialization, KernelProgram.For(method, arguments));
    }

    public void Launch(AcceleratorStream stream, KernelConfig config, KernelArguments arguments)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ObjectDisposedException.ThrowIf(stream.IsDisposed, stream);
        ObjectDisposedException.ThrowIf(_accelerator.IsDisposed, _accelerator);
        CheckSize(config);
        // One launch at a time, as on one queue: what is known of memory belongs to the launch that runs.
        lock (_accelerator.Control)
            Run(config, arguments);
    }

    public KernelFaultException Fault(
        KernelFaultKind kind,
        string what,
        Lane? lane = null,
        int site = -1,
        long index = -1,
        long length = -1,
        Exception? inner = null)
    {
        string where = site < 0 ? string.Empty : Program.Sites[site].ToString();
        var group = lane?.Group.GridIndex;
        string who = group is { } g ? $"; group ({g.X}, {g.Y}, {g.Z}), warp {lane!.Warp}, lane {lane.Index}" : string.Empty;
        return new KernelFaultException(Program.Name, kind, $"{(where.Length > 0 ? where + ": " : where)}{what}{who}", inner)
        {
            Site = where,
            Group = group is { } at ? (at.X, at.Y, at.Z) : (-1, -1, -1),
            Warp = lane?.Warp ?? -1,
            Lane = lane?.Index ?? -1,
            Index = index,
            Length = length,
        };
    }

    /// <summary>What the library raised while a lane ran, as a fault.</summary>
    public KernelFaultException Translate(Exception error, Lane lane) => error switch
    {
        ViewRangeException => Fault(KernelFaultKind.OutOfBounds, error.Message, lane, lane.Site, inner: error),
        _ => Fault(KernelFaultKind.Rule, $"{error.GetType().Name}: {error.Message}", lane, inner: error),
    };

    private void CheckSize(KernelConfig config)
    {
        var (grid, group) = (config.GridDim, config.GroupDim);
        string? wrong = null;
        if (!config.IsValid)
            wrong = $"a grid of {grid} groups of {group} threads is empty";
        else if (group.Y != 1 || group.Z != 1)
            wrong = $"groups of {group} threads: only groups of one dimension are run";
        else if (group.X % GroupRun.WarpSize != 0)
            wrong = $"a group of {group.X} threads is not a whole number of warps of 32";
        else if (group.X > _accelerator.MaxNumThreadsPerGroup)
            wrong = $"a group of {group.X} threads, the device takes {_accelerator.MaxNumThreadsPerGroup}";
        else if (group.X > (_specialization.MaxNumThreadsPerGroup ?? int.MaxValue))
            wrong = $"a group of {group.X} threads, the kernel is specialised for {_specialization.MaxNumThreadsPerGroup}";
        else if (grid.Y > ushort.MaxValue || grid.Z > ushort.MaxValue)
            wrong = $"a grid of {grid} groups: y and z end at {ushort.MaxValue}";
        if (wrong is not null)
            throw Fault(KernelFaultKind.LaunchSize, wrong);
        if (config.SharedMemoryConfig.ArraySize > SharedLimit)
        {
            throw Fault(
                KernelFaultKind.SharedMemory,
                $"{config.SharedMemoryConfig.ArraySize} bytes of dynamic shared memory, a group has {SharedLimit}");
        }
    }

    private void Run(KernelConfig config, KernelArguments arguments)
    {
        var control = _accelerator.Control;
        int launch = Interlocked.Increment(ref _launches);
        var counters = control.CountAccesses ? new LaunchCounters(Program.Name) : null;
        var views = new LaunchViews(this, counters is not null);
        var first = Rent(config.GroupDim.X);
        first.BeginLaunch(launch, config, arguments, null);
        first.Visit(views);
        long groups = config.GridDim.LongSize;
        if (counters is not null)
        {
            var counter = new AccessCounter(counters, views, Program.Sites.Count);
            first.BeginLaunch(launch, config, arguments, counter);
            for (long group = 0; group < groups; group++)
                first.Run(group);
            counters.Groups = groups;
            counters.Warps = groups * config.GroupDim.X / GroupRun.WarpSize;
            counters.Shuffles = first.Shuffles;
            counters.Barriers = first.Barriers;
            counters.SharedBytesPerGroup = first.SharedBytes;
            counters.GlobalBytes = views.GlobalBytes;
            control.Add(counters);
        }
        else if (control.Parallelism <= 1 || groups == 1)
        {
            for (long group = 0; group < groups; group++)
                first.Run(group);
        }
        else
        {
            RunInParallel(first, (int)Math.Min(control.Parallelism, groups), groups, launch, config, arguments);
        }

        // A run that a fault ended is not used again: its lanes stand somewhere in the middle.
        _runs.Add(first);
    }

    private void RunInParallel(GroupRun first, int workers, long groups, int launch, KernelConfig config, KernelArguments arguments)
    {
        long next = -1;
        var faults = new ConcurrentBag<(long Group, Exception Error)>();
        Parallel.For(0, workers, new ParallelOptions { MaxDegreeOfParallelism = workers }, worker =>
        {
            var run = worker == 0 ? first : Rent(config.GroupDim.X);
            if (worker != 0)
                run.BeginLaunch(launch, config, arguments, null);
            long group;
            while (faults.IsEmpty && (group = Interlocked.Increment(ref next)) < groups)
            {
                try
                {
                    run.Run(group);
                }
                catch (KernelFaultException error)
                {
                    faults.Add((group, error));
                    return;
                }
            }

            if (worker != 0)
                _runs.Add(run);
        });
        if (!faults.IsEmpty)
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(faults.MinBy(fault => fault.Group).Error);
    }

    private GroupRun Rent(int size)
    {
        while (_runs.TryTake(out var run))
        {
            if (run.Size == size)
                return run;
        }

        return new GroupRun(this, size);
    }
}
