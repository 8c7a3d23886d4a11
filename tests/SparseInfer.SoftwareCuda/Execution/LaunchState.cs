using System.Collections.Concurrent;
using SparseInfer.SoftwareCuda.Memory;
using SparseInfer.SoftwareCuda.Ptx;

namespace SparseInfer.SoftwareCuda.Execution;

/// <summary>What the threads that execute a launch's groups share.</summary>
internal sealed unsafe class LaunchState : IDisposable
{
    private readonly Lock _lock = new();
    private readonly ConcurrentDictionary<Allocation, AccessShadow<GroupRecord>> _shadows = new();
    private readonly HashSet<Allocation> _stored = new(ReferenceEqualityComparer.Instance);
    private readonly bool _allStored;
    private KernelFaultException? _fault;
    private long _faultGroup = long.MaxValue;
    private ulong _faultAddress;
    private bool _faultIsRace;

    public LaunchState(Launch launch, DeviceMemory memory, LaunchOptions options)
    {
        Launch = launch;
        Memory = memory;
        Options = options;
        IReadOnlySet<int>? stored = launch.Function.Program.StoredParameters;
        _allStored = stored is null;
        foreach (int offset in stored ?? new HashSet<int>())
        {
            if (offset + 8 <= launch.Parameters.Length && Find(BitConverter.ToUInt64(launch.Parameters, offset)) is Allocation allocation)
            {
                _stored.Add(allocation);
            }
        }
    }

    public Launch Launch { get; }

    public DeviceMemory Memory { get; }

    public LaunchOptions Options { get; }

    /// <summary>Groups behind this one need not be executed: an earlier one had a fault.</summary>
    public long LastGroup => Volatile.Read(ref _faultGroup);

    public KernelFaultException? FirstFault => _fault;

    public Allocation? Find(ulong address)
    {
        Allocation? allocation = Memory.Nearest(address);
        if (allocation is not null && address < allocation.End)
        {
            return allocation;
        }

        foreach (Allocation variable in Launch.Function.Program.Variables)
        {
            if (address >= (ulong)variable.Start && address < variable.End)
            {
                return variable;
            }
        }

        return null;
    }

    /// <summary>Whether the launch may store to an allocation, so that races may happen there.</summary>
    public bool IsStored(Allocation allocation) => _allStored || _stored.Contains(allocation);

    public AccessShadow<GroupRecord> Shadow(Allocation allocation) =>
        _shadows.GetOrAdd(allocation, static (each, shift) => new AccessShadow<GroupRecord>((each.Bytes >> shift) + 1), Launch.Function.Program.GlobalShift);

    /// <summary>Keeps the fault of the earliest group; of races in one group, the one at the lowest address.</summary>
    public void Report(long group, KernelFaultException fault, bool race)
    {
        lock (_lock)
        {
            bool earlier = group < _faultGroup;
            // A group's own fault stops it; whether a race with another is seen before that is chance.
            if (group == _faultGroup)
            {
                earlier = (race, _faultIsRace) switch { (true, true) => (ulong)fault.Address < _faultAddress, (true, false) => true, _ => false };
            }

            if (!earlier)
            {
                return;
            }

            _fault = fault;
            _faultAddress = (ulong)fault.Address;
            _faultIsRace = race;
            Volatile.Write(ref _faultGroup, group);
        }
    }

    public KernelFaultException Fault(
        KernelFaultKind kind,
        (int X, int Y, int Z) group,
        int warp,
        int lane,
        int place,
        string message,
        ulong address)
    {
        DecodedProgram program = Launch.Function.Program;
        string kernel = Launch.Function.Name;
        kernel = kernel.StartsWith("Kernel_", StringComparison.Ordinal) ? kernel["Kernel_".Length..] : kernel;
        string? source = program.Sources[place];
        int line = program.Code[place].Line;
        string at = source is null ? "" : $" ({source})";
        string text = $"{message}; line {line} `{program.Text(place)}`{at}, group ({group.X}, {group.Y}, {group.Z}), warp {warp}, lane {lane}";
        return new KernelFaultException(kernel, kind, text)
        {
            Line = line,
            Instruction = program.Text(place),
            SourceLine = source,
            Group = group,
            Warp = warp,
            Lane = lane,
            Address = (long)address,
        };
    }

    public (int X, int Y, int Z) Group(long number) =>
        ((int)(number % Launch.Grid.X), (int)(number / Launch.Grid.X % Launch.Grid.Y), (int)(number / Launch.Grid.X / Launch.Grid.Y));

    public void Dispose()
    {
        foreach (AccessShadow<GroupRecord> shadow in _shadows.Values)
        {
            shadow.Dispose();
        }
    }
}
