using System.ComponentModel;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace SparseInfer.Ilgpu.StandIn.Execution;

/// <summary>One thread of a group, as a kernel that can be left at a shuffle or barrier and entered again. Rewritten kernels
/// derive from it: a field for each local variable that has to survive, and the program's text in <see cref="Resume"/>.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public abstract unsafe class Lane
{
    /// <summary>What <see cref="Resume"/> returns when the kernel has ended.</summary>
    public const int Ended = -1;

    /// <summary>Where to go on: 0 at the beginning, then the number of the shuffle or barrier.</summary>
    public int State;

    /// <summary>What the lane gives into a shuffle, and then what it gets.</summary>
    public ulong Value;

    /// <summary>The shuffle's lane, distance or mask.</summary>
    public int Operand;

    /// <summary>The site of the library call that is under way, for faults that the library raises.</summary>
    public int Site;

    internal GroupRun Group = null!;
    internal int Thread;
    internal int Index;
    internal int Warp;

    /// <summary>Runs to the next shuffle or barrier and returns its site, or <see cref="Ended"/>.</summary>
    public abstract int Resume();

    /// <summary>Takes the arguments of a launch.</summary>
    public abstract void SetArguments(KernelArguments arguments);

    /// <summary>Shows every view that the arguments hold.</summary>
    public abstract void Visit(ViewVisitor visitor);

    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal void OutOfBounds(long index, long length, int site) => throw Group.Kernel.Fault(
        KernelFaultKind.OutOfBounds,
        $"element {index} of a view of {length} elements",
        this,
        site,
        index,
        length);

    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal void Misaligned(byte* address, int mask, int bytes, long index, long length, int site) => throw Group.Kernel.Fault(
        KernelFaultKind.Misaligned,
        $"an access of {bytes} bytes needs an address that is a multiple of {mask + 1}, "
        + $"element {index} lies {(nuint)address & (nuint)mask} bytes beyond one",
        this,
        site,
        index,
        length);

    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal void NegativeDivision(long dividend, long divisor, int site) => throw Group.Kernel.Fault(
        KernelFaultKind.NegativeDivision,
        $"{dividend} / {divisor} (bits of an unsigned number among them) becomes an arithmetic shift",
        this,
        site);

    /// <summary>Looks at a read of shared memory, of memory with unwritten words, or of what this launch writes.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal void Read(MemoryBlock block, byte* address, int bytes, long index, long length, int site)
    {
        if (block.IsShared)
        {
            Group.Shared.Read(this, (int)(address - block.Address), bytes, index, length, site);
        }
        else
        {
            if (!block.IsWritten(address, bytes))
            {
                throw Group.Kernel.Fault(
                    KernelFaultKind.UnwrittenRead,
                    $"a read of global memory that nothing has written, element {index} of {length}",
                    this,
                    site,
                    index,
                    length);
            }

            ulong writer = block.UnorderedWriter(address, bytes, Group.Stamp | (uint)Thread);
            if (writer != 0)
                throw Race("reads global memory that", "writes", writer, index, length, site);
        }

        Group.Counter?.Record(this, site, address, bytes, false, block.IsShared);
    }

    /// <summary>Looks at a write.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal void Write(MemoryBlock block, byte* address, int bytes, int site)
    {
        if (block.IsShared)
        {
            Group.Shared.Write(this, (int)(address - block.Address), bytes, site);
        }
        else
        {
            ulong writer = block.Write(address, bytes, Group.Stamp | (uint)Thread);
            if (writer != 0)
                throw Race("writes global memory that", "writes too", writer, (address - block.Address) / bytes, block.Bytes / bytes, site);
        }

        Group.Counter?.Record(this, site, address, bytes, true, block.IsShared);
    }

    private KernelFaultException Race(string does, string other, ulong writer, long index, long length, int site)
    {
        string who = WriteStamp.SameGroup(writer, Group.Stamp)
            ? $"thread {WriteStamp.Thread(writer)} of the same group {other} between the same barriers"
            : $"thread {WriteStamp.Thread(writer)} of group {WriteStamp.Group(writer)} {other} in the same launch";
        return Group.Kernel.Fault(KernelFaultKind.Race, $"{does} {who}, element {index} of {length}", this, site, index, length);
    }
}
