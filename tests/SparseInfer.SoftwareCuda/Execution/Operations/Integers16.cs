namespace SparseInfer.SoftwareCuda.Execution.Operations;
// Values of 16 bits lie zero-extended in words of 32.
internal struct Add16 : IScalar<uint, uint, uint>
{
    public static uint Of(uint a, uint b) => (ushort)(a + b);
}

internal struct Sub16 : IScalar<uint, uint, uint>
{
    public static uint Of(uint a, uint b) => (ushort)(a - b);
}

internal struct Mul16 : IScalar<uint, uint, uint>
{
    public static uint Of(uint a, uint b) => (ushort)(a * b);
}

internal struct Mad16 : IScalar<uint, uint, uint, uint>
{
    public static uint Of(uint a, uint b, uint c) => (ushort)((a * b) + c);
}

internal struct MulHiS16 : IScalar<uint, uint, uint>
{
    public static uint Of(uint a, uint b) => (ushort)(((short)a * (short)b) >> 16);
}

internal struct MulHiU16 : IScalar<uint, uint, uint>
{
    public static uint Of(uint a, uint b) => ((uint)(ushort)a * (ushort)b) >> 16;
}

internal struct MulWideS16 : IScalar<uint, uint, uint>
{
    public static uint Of(uint a, uint b) => (uint)((short)a * (short)b);
}

internal struct MulWideU16 : IScalar<uint, uint, uint>
{
    public static uint Of(uint a, uint b) => (uint)(ushort)a * (ushort)b;
}

internal struct MadWideS16 : IScalar<uint, uint, uint, uint>
{
    public static uint Of(uint a, uint b, uint c) => (uint)((short)a * (short)b) + c;
}

internal struct MadWideU16 : IScalar<uint, uint, uint, uint>
{
    public static uint Of(uint a, uint b, uint c) => ((uint)(ushort)a * (ushort)b) + c;
}

internal struct MinS16 : IScalar<uint, uint, uint>
{
    public static uint Of(uint a, uint b) => (ushort)Math.Min((short)a, (short)b);
}

internal struct MaxS16 : IScalar<uint, uint, uint>
{
    public static uint Of(uint a, uint b) => (ushort)Math.Max((short)a, (short)b);
}

internal struct Neg16 : IScalar<uint, uint>
{
    public static uint Of(uint a) => (ushort)(0 - a);
}

internal struct Abs16 : IScalar<uint, uint>
{
    public static uint Of(uint a) => (short)a < 0 ? (ushort)(0 - a) : (ushort)a;
}

internal struct Not16 : IScalar<uint, uint>
{
    public static uint Of(uint a) => (ushort)~a;
}

internal struct Shl16 : IScalar<uint, uint, uint>
{
    public static uint Of(uint a, uint b) => b > 15 ? 0u : (ushort)(a << (int)b);
}

internal struct ShrU16 : IScalar<uint, uint, uint>
{
    public static uint Of(uint a, uint b) => b > 15 ? 0 : a >> (int)b;
}

internal struct ShrS16 : IScalar<uint, uint, uint>
{
    public static uint Of(uint a, uint b) => (ushort)((short)a >> (int)Math.Min(b, 15));
}

internal struct DivS16 : IScalar<uint, uint, uint>
{
    public static uint Of(uint a, uint b) => (short)b == 0 ? 0xFFFFu : (ushort)((short)a / (short)b);
}

internal struct RemS16 : IScalar<uint, uint, uint>
{
    public static uint Of(uint a, uint b) => (short)b == 0 ? a : (ushort)((short)a % (short)b);
}

internal struct DivU16 : IScalar<uint, uint, uint>
{
    public static uint Of(uint a, uint b) => b == 0 ? 0xFFFFu : a / b;
}

/// <summary>A comparison of 16-bit numbers with sign, by the one of 32 bits.</summary>
internal struct Signed16<TOp> : IBinary<int>
    where TOp : struct, IBinary<int>
{
    public static System.Runtime.Intrinsics.Vector256<int> Of(
        System.Runtime.Intrinsics.Vector256<int> a,
        System.Runtime.Intrinsics.Vector256<int> b) => TOp.Of((a << 16) >> 16, (b << 16) >> 16);
}
