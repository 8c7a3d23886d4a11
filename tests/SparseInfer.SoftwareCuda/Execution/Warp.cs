using System.Runtime.InteropServices;

namespace SparseInfer.SoftwareCuda.Execution;

internal enum FragmentState
{
    Ready,

    /// <summary>At an instruction that needs other lanes of the warp.</summary>
    AtCollective,
    AtBarrier,
}

/// <summary>Lanes of a warp that are at one place.</summary>
internal struct Fragment
{
    public int Place;
    public uint Lanes;
    public FragmentState State;
}

/// <summary>A warp: its registers, its local memory, and where its lanes are.</summary>
internal sealed unsafe class Warp : IDisposable
{
    public Warp(int index, uint lanes, int registerBytes, int localBytes, int registers)
    {
        Index = index;
        AllLanes = lanes;
        Registers = (byte*)NativeMemory.AlignedAlloc((nuint)registerBytes, 64);
        NativeMemory.Fill(Registers, (nuint)registerBytes, 0xA5);
        Local = localBytes == 0 ? null : (byte*)NativeMemory.AlignedAlloc((nuint)localBytes * 32, 64);
        Written = new uint[registers];
    }

    public int Index { get; }

    /// <summary>The lanes that have a thread.</summary>
    public uint AllLanes { get; }

    public byte* Registers { get; private set; }

    public byte* Local { get; private set; }

    /// <summary>By register, the lanes that wrote it; kept for the registers that need it.</summary>
    public uint[] Written { get; }

    public uint Alive { get; set; }

    /// <summary>Counts what orders the warp's lanes among each other.</summary>
    public int Epoch { get; set; }

    public long Executed { get; set; }

    public List<Fragment> Fragments { get; } = [];

    public void Dispose()
    {
        NativeMemory.AlignedFree(Registers);
        NativeMemory.AlignedFree(Local);
        Registers = null;
        Local = null;
    }
}
