using System.ComponentModel;
using System.Runtime.CompilerServices;
using ILGPU;

namespace SparseInfer.Ilgpu.StandIn.Execution;

/// <summary>What rewritten kernels call in the place of <see cref="Grid"/>, <see cref="Group"/>, <see cref="Warp"/> and
/// <see cref="SharedMemory"/>.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class DeviceFunctions
{
    public static int GridIdxX(Lane lane) => lane.Group.GridIndex.X;

    public static int GridIdxY(Lane lane) => lane.Group.GridIndex.Y;

    public static int GridIdxZ(Lane lane) => lane.Group.GridIndex.Z;

    public static int GridDimX(Lane lane) => lane.Group.GridSize.X;

    public static int GridDimY(Lane lane) => lane.Group.GridSize.Y;

    public static int GridDimZ(Lane lane) => lane.Group.GridSize.Z;

    public static int GroupIdxX(Lane lane) => lane.Thread;

    public static int GroupIdxY(Lane lane) => 0;

    public static int GroupIdxZ(Lane lane) => 0;

    public static int GroupDimX(Lane lane) => lane.Group.Size;

    public static int GroupDimY(Lane lane) => 1;

    public static int GroupDimZ(Lane lane) => 1;

    public static int GroupLinearIndex(Lane lane) => lane.Thread;

    public static bool GroupIsFirstThread(Lane lane) => lane.Thread == 0;

    public static int WarpWarpSize(Lane lane) => GroupRun.WarpSize;

    public static int WarpLaneIdx(Lane lane) => lane.Index;

    public static int WarpWarpIdx(Lane lane) => lane.Warp;

    public static bool WarpIsFirstLane(Lane lane) => lane.Index == 0;

    public static bool WarpIsLastLane(Lane lane) => lane.Index == GroupRun.WarpSize - 1;

    public static ArrayView<T> SharedMemoryAllocate<T>(int extent, Lane lane, int site)
        where T : unmanaged => lane.Group.AllocateShared<T>(extent, lane, site);

    public static ArrayView<T> SharedMemoryGetDynamic<T>(Lane lane, int site)
        where T : unmanaged => lane.Group.DynamicShared<T>(lane, site);

    /// <summary>Offers a value to a shuffle.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Give<T>(T value, int operand, Lane lane)
        where T : unmanaged
    {
        lane.Value = 0;
        Unsafe.As<ulong, T>(ref lane.Value) = value;
        lane.Operand = operand;
    }

    /// <summary>Takes a shuffle's result.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Take<T>(Lane lane)
        where T : unmanaged => Unsafe.As<ulong, T>(ref lane.Value);
}
