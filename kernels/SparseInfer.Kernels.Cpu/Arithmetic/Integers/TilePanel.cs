using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <summary>Rows turned round: what lies side by side in a row goes to the steps of a panel, a lane a row.</summary>
internal static unsafe class TilePanel
{
    /// <summary>Four rows' eight words of 32 bits to eight steps.</summary>
    /// <param name="a">First row.</param>
    /// <param name="b">Second row.</param>
    /// <param name="c">Third row.</param>
    /// <param name="d">Fourth row.</param>
    /// <param name="panel">The first step's lane of the first row.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector256<float> a, Vector256<float> b, Vector256<float> c, Vector256<float> d, byte* panel)
    {
        Transposition.FourByFour(ref a, ref b, ref c, ref d);
        a.GetLower().Store((float*)panel);
        b.GetLower().Store((float*)(panel + IntegerTile.StepBytes));
        c.GetLower().Store((float*)(panel + (2 * IntegerTile.StepBytes)));
        d.GetLower().Store((float*)(panel + (3 * IntegerTile.StepBytes)));
        a.GetUpper().Store((float*)(panel + (4 * IntegerTile.StepBytes)));
        b.GetUpper().Store((float*)(panel + (5 * IntegerTile.StepBytes)));
        c.GetUpper().Store((float*)(panel + (6 * IntegerTile.StepBytes)));
        d.GetUpper().Store((float*)(panel + (7 * IntegerTile.StepBytes)));
    }
}
