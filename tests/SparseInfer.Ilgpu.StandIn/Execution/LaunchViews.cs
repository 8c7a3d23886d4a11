namespace SparseInfer.Ilgpu.StandIn.Execution;

/// <summary>The memory that a launch's arguments see: none of it freed, each stretch with the name of what leads to it.</summary>
internal sealed unsafe class LaunchViews(LoadedKernel kernel, bool counting) : ViewVisitor
{
    private readonly List<(nuint Start, nuint End, string Label)> _ranges = [];
    private readonly HashSet<MemoryBlock> _blocks = [];

    /// <summary>Bytes of all memory that the arguments see.</summary>
    public long GlobalBytes { get; private set; }

    /// <summary>The narrowest stretch around an address.</summary>
    public string Label(byte* address)
    {
        string label = string.Empty;
        nuint narrowest = nuint.MaxValue;
        foreach (var (start, end, name) in _ranges)
        {
            if ((nuint)address < start || (nuint)address >= end || end - start >= narrowest)
                continue;
            narrowest = end - start;
            label = name;
        }

        return label;
    }

    private protected override void Visit(MemoryBlock block, byte* address, long bytes, string label)
    {
        if (block.IsFreed)
            throw kernel.Fault(KernelFaultKind.FreedMemory, $"the memory that {label} looks into was freed");
        if (_blocks.Add(block))
            block.BeginLaunch(counting, kernel.Program.Granule);
        GlobalBytes += bytes;
        if (counting)
            _ranges.Add(((nuint)address, (nuint)(address + bytes), label));
    }
}
