using SparseInfer.Ilgpu.StandIn;

namespace ILGPU;

// The members of these classes have a meaning inside a kernel only: the rewriter replaces every call of them. A call
// that was not replaced comes from the host, or from code that the rewriter refuses to run.

/// <summary>A group's place in the grid.</summary>
public static class Grid
{
    public static int IdxX => throw OutsideKernel.Error();

    public static int IdxY => throw OutsideKernel.Error();

    public static int IdxZ => throw OutsideKernel.Error();

    public static int DimX => throw OutsideKernel.Error();

    public static int DimY => throw OutsideKernel.Error();

    public static int DimZ => throw OutsideKernel.Error();
}

/// <summary>A thread's place in its group, and the group's barrier.</summary>
public static class Group
{
    public static int IdxX => throw OutsideKernel.Error();

    public static int IdxY => throw OutsideKernel.Error();

    public static int IdxZ => throw OutsideKernel.Error();

    public static int DimX => throw OutsideKernel.Error();

    public static int DimY => throw OutsideKernel.Error();

    public static int DimZ => throw OutsideKernel.Error();

    public static int LinearIndex => throw OutsideKernel.Error();

    public static bool IsFirstThread => throw OutsideKernel.Error();

    public static void Barrier() => throw OutsideKernel.Error();
}

/// <summary>A thread's place in its warp, and the exchange of registers between its lanes.</summary>
public static class Warp
{
    public static int WarpSize => throw OutsideKernel.Error();

    public static int LaneIdx => throw OutsideKernel.Error();

    public static int WarpIdx => throw OutsideKernel.Error();

    public static bool IsFirstLane => throw OutsideKernel.Error();

    public static bool IsLastLane => throw OutsideKernel.Error();

    public static T Shuffle<T>(T variable, int sourceLane)
        where T : unmanaged => throw OutsideKernel.Error();

    public static T ShuffleDown<T>(T variable, int delta)
        where T : unmanaged => throw OutsideKernel.Error();

    public static T ShuffleUp<T>(T variable, int delta)
        where T : unmanaged => throw OutsideKernel.Error();

    public static T ShuffleXor<T>(T variable, int mask)
        where T : unmanaged => throw OutsideKernel.Error();

    public static T Broadcast<T>(T value, int sourceLane)
        where T : unmanaged => throw OutsideKernel.Error();
}

/// <summary>Memory that the threads of one group share.</summary>
public static class SharedMemory
{
    public static ArrayView<T> Allocate<T>(int extent)
        where T : unmanaged => throw OutsideKernel.Error();

    public static ArrayView<T> GetDynamic<T>()
        where T : unmanaged => throw OutsideKernel.Error();
}
