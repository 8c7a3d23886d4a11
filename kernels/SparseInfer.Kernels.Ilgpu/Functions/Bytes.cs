using ILGPU.Runtime.Cuda;

namespace SparseInfer.Kernels.Ilgpu;

/// <summary>
/// Products of bytes, four in a word, and words taken apart: an instruction each on a CUDA device, the same integers by plain code elsewhere.
/// </summary>
public static class Bytes
{
    /// <summary><c>sum + a · b</c> over 16 pairs of bytes.</summary>
    /// <param name="a">Signed bytes.</param>
    /// <param name="b">Signed bytes.</param>
    /// <param name="sum">What is added to.</param>
    public static int Dot(Words4 a, Words4 b, int sum) => Dot(a.W, b.W, Dot(a.Z, b.Z, Dot(a.Y, b.Y, Dot(a.X, b.X, sum))));

    /// <summary><c>sum + a · b</c> over 16 pairs of bytes.</summary>
    /// <param name="a">Unsigned bytes.</param>
    /// <param name="b">Signed bytes.</param>
    /// <param name="sum">What is added to.</param>
    public static int DotUnsigned(Words4 a, Words4 b, int sum) =>
        DotUnsigned(a.W, b.W, DotUnsigned(a.Z, b.Z, DotUnsigned(a.Y, b.Y, DotUnsigned(a.X, b.X, sum))));

    /// <summary><c>sum + a · b</c> over four pairs of bytes.</summary>
    /// <param name="a">Signed bytes.</param>
    /// <param name="b">Signed bytes.</param>
    /// <param name="sum">What is added to.</param>
    public static int Dot(uint a, uint b, int sum)
    {
        if (CudaAsm.IsSupported)
        {
            CudaAsm.Emit("dp4a.s32.s32 %0, %1, %2, %3;", out int result, a, b, sum);
            return result;
        }

        return sum + (Signed(a) * Signed(b)) + (Signed(a >> 8) * Signed(b >> 8)) + (Signed(a >> 16) * Signed(b >> 16)) + (Signed(a >> 24) * Signed(b >> 24));
    }

    /// <summary><c>sum + a · b</c> over four pairs of bytes.</summary>
    /// <param name="a">Unsigned bytes.</param>
    /// <param name="b">Signed bytes.</param>
    /// <param name="sum">What is added to.</param>
    public static int DotUnsigned(uint a, uint b, int sum)
    {
        if (CudaAsm.IsSupported)
        {
            CudaAsm.Emit("dp4a.u32.s32 %0, %1, %2, %3;", out int result, a, b, sum);
            return result;
        }

        return sum
            + ((int)(a & 0xff) * Signed(b))
            + ((int)((a >> 8) & 0xff) * Signed(b >> 8))
            + ((int)((a >> 16) & 0xff) * Signed(b >> 16))
            + ((int)(a >> 24) * Signed(b >> 24));
    }

    /// <summary>Bytes 0 and 1 of two words in turn: a0 b0 a1 b1.</summary>
    /// <param name="a">A word.</param>
    /// <param name="b">Another.</param>
    public static uint InterleaveLower(uint a, uint b)
    {
        if (CudaAsm.IsSupported)
        {
            CudaAsm.Emit("prmt.b32 %0, %1, %2, 0x5140;", out uint result, a, b);
            return result;
        }

        return (a & 0xff) | ((b & 0xff) << 8) | ((a & 0xff00) << 8) | ((b & 0xff00) << 16);
    }

    /// <summary>Bytes 2 and 3 of two words in turn: a2 b2 a3 b3.</summary>
    /// <param name="a">A word.</param>
    /// <param name="b">Another.</param>
    public static uint InterleaveUpper(uint a, uint b)
    {
        if (CudaAsm.IsSupported)
        {
            CudaAsm.Emit("prmt.b32 %0, %1, %2, 0x7362;", out uint result, a, b);
            return result;
        }

        return ((a >> 16) & 0xff) | ((b >> 8) & 0xff00) | ((a >> 8) & 0xff0000) | (b & 0xff000000);
    }

    /// <summary>Four words turned: byte 0 of each is the first word of the result, the first word's in the lowest byte, and so on.</summary>
    /// <param name="a">A word.</param>
    /// <param name="b">Another.</param>
    /// <param name="c">A third.</param>
    /// <param name="d">A fourth.</param>
    public static Words4 Turn(uint a, uint b, uint c, uint d)
    {
        uint ab = InterleaveLower(a, b);
        uint cd = InterleaveLower(c, d);
        uint abUpper = InterleaveUpper(a, b);
        uint cdUpper = InterleaveUpper(c, d);
        return new(LowerHalves(ab, cd), UpperHalves(ab, cd), LowerHalves(abUpper, cdUpper), UpperHalves(abUpper, cdUpper));
    }

    /// <summary>The lower halves of two words.</summary>
    /// <param name="a">A word.</param>
    /// <param name="b">Another.</param>
    public static uint LowerHalves(uint a, uint b) => (a & 0xffff) | (b << 16);

    /// <summary>The upper halves of two words.</summary>
    /// <param name="a">A word.</param>
    /// <param name="b">Another.</param>
    public static uint UpperHalves(uint a, uint b) => (a >> 16) | (b & 0xffff0000);

    /// <summary>The lower bytes of four integers, the first in the lowest.</summary>
    /// <param name="a">Four integers.</param>
    public static uint Pack(Int4 a) =>
        ((uint)a.X & 0xff) | (((uint)a.Y & 0xff) << 8) | (((uint)a.Z & 0xff) << 16) | ((uint)a.W << 24);

    /// <summary>Bits 8 to 15 of four integers, the first's in the lowest.</summary>
    /// <param name="a">Four integers.</param>
    public static uint PackUpper(Int4 a) =>
        (((uint)a.X >> 8) & 0xff) | ((uint)a.Y & 0xff00) | (((uint)a.Z & 0xff00) << 8) | (((uint)a.W & 0xff00) << 16);

    private static int Signed(uint word) => (int)(word << 24) >> 24;
}
