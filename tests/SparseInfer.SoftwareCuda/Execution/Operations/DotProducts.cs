namespace SparseInfer.SoftwareCuda.Execution.Operations;

internal struct Signed : ISign
{
    public static int Extend(byte value) => (sbyte)value;

    public static int Extend(ushort value) => (short)value;
}

internal struct Unsigned : ISign
{
    public static int Extend(byte value) => value;

    public static int Extend(ushort value) => value;
}

internal struct Dp4a<TA, TB> : IScalar<uint, uint, uint, uint>
    where TA : struct, ISign
    where TB : struct, ISign
{
    public static uint Of(uint a, uint b, uint c)
    {
        int sum = (int)c;
        for (int shift = 0; shift < 32; shift += 8)
        {
            sum += TA.Extend((byte)(a >> shift)) * TB.Extend((byte)(b >> shift));
        }

        return (uint)sum;
    }
}

/// <summary>Two products of 16 by 8 bits, with b's low or high pair of bytes.</summary>
internal struct Dp2aLow<TA, TB> : IScalar<uint, uint, uint, uint>
    where TA : struct, ISign
    where TB : struct, ISign
{
    public static uint Of(uint a, uint b, uint c) =>
        (uint)((int)c + (TA.Extend((ushort)a) * TB.Extend((byte)b)) + (TA.Extend((ushort)(a >> 16)) * TB.Extend((byte)(b >> 8))));
}

internal struct Dp2aHigh<TA, TB> : IScalar<uint, uint, uint, uint>
    where TA : struct, ISign
    where TB : struct, ISign
{
    public static uint Of(uint a, uint b, uint c) => Dp2aLow<TA, TB>.Of(a, b >> 16, c);
}
