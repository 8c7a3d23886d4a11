namespace SparseInfer.SoftwareCuda.Execution.Operations;
// Division by zero is undefined in PTX; the quotient of all ones and the dividend as the remainder are what hardware gives.
internal struct DivS32 : IScalar<uint, uint, uint>
{
    public static uint Of(uint a, uint b) => b == 0 ? uint.MaxValue : (uint)((long)(int)a / (int)b);
}

internal struct RemS32 : IScalar<uint, uint, uint>
{
    public static uint Of(uint a, uint b) => b == 0 ? a : (uint)((long)(int)a % (int)b);
}

internal struct DivU32 : IScalar<uint, uint, uint>
{
    public static uint Of(uint a, uint b) => b == 0 ? uint.MaxValue : a / b;
}

internal struct RemU32 : IScalar<uint, uint, uint>
{
    public static uint Of(uint a, uint b) => b == 0 ? a : a % b;
}

internal struct DivS64 : IScalar<ulong, ulong, ulong>
{
    public static ulong Of(ulong a, ulong b) => b == 0 ? ulong.MaxValue : b == ulong.MaxValue ? 0 - a : (ulong)((long)a / (long)b);
}

internal struct RemS64 : IScalar<ulong, ulong, ulong>
{
    public static ulong Of(ulong a, ulong b) => b == 0 ? a : b == ulong.MaxValue ? 0 : (ulong)((long)a % (long)b);
}

internal struct DivU64 : IScalar<ulong, ulong, ulong>
{
    public static ulong Of(ulong a, ulong b) => b == 0 ? ulong.MaxValue : a / b;
}

internal struct RemU64 : IScalar<ulong, ulong, ulong>
{
    public static ulong Of(ulong a, ulong b) => b == 0 ? a : a % b;
}

internal struct MulHiS32 : IScalar<uint, uint, uint>
{
    public static uint Of(uint a, uint b) => (uint)(((long)(int)a * (int)b) >> 32);
}

internal struct MulHiU32 : IScalar<uint, uint, uint>
{
    public static uint Of(uint a, uint b) => (uint)(((ulong)a * b) >> 32);
}

internal struct MadHiS32 : IScalar<uint, uint, uint, uint>
{
    public static uint Of(uint a, uint b, uint c) => MulHiS32.Of(a, b) + c;
}

internal struct MadHiU32 : IScalar<uint, uint, uint, uint>
{
    public static uint Of(uint a, uint b, uint c) => MulHiU32.Of(a, b) + c;
}

internal struct MulHiS64 : IScalar<ulong, ulong, ulong>
{
    public static ulong Of(ulong a, ulong b) => (ulong)Math.BigMul((long)a, (long)b, out _);
}

internal struct MulHiU64 : IScalar<ulong, ulong, ulong>
{
    public static ulong Of(ulong a, ulong b) => Math.BigMul(a, b, out _);
}

internal struct MadHiS64 : IScalar<ulong, ulong, ulong, ulong>
{
    public static ulong Of(ulong a, ulong b, ulong c) => MulHiS64.Of(a, b) + c;
}

internal struct MadHiU64 : IScalar<ulong, ulong, ulong, ulong>
{
    public static ulong Of(ulong a, ulong b, ulong c) => MulHiU64.Of(a, b) + c;
}

internal struct MulWideS32 : IScalar<ulong, uint, uint>
{
    public static ulong Of(uint a, uint b) => (ulong)((long)(int)a * (int)b);
}

internal struct MulWideU32 : IScalar<ulong, uint, uint>
{
    public static ulong Of(uint a, uint b) => (ulong)a * b;
}

internal struct MadWideS32 : IScalar<ulong, uint, uint, ulong>
{
    public static ulong Of(uint a, uint b, ulong c) => (ulong)((long)(int)a * (int)b) + c;
}

internal struct MadWideU32 : IScalar<ulong, uint, uint, ulong>
{
    public static ulong Of(uint a, uint b, ulong c) => ((ulong)a * b) + c;
}

internal struct Mul24S : IScalar<uint, uint, uint>
{
    public static uint Of(uint a, uint b) => (uint)(((int)(a << 8) >> 8) * ((int)(b << 8) >> 8));
}

internal struct Mul24U : IScalar<uint, uint, uint>
{
    public static uint Of(uint a, uint b) => (a & 0xFFFFFF) * (b & 0xFFFFFF);
}

internal struct AddSaturated : IScalar<uint, uint, uint>
{
    public static uint Of(uint a, uint b) => (uint)Math.Clamp((long)(int)a + (int)b, int.MinValue, int.MaxValue);
}

internal struct SubSaturated : IScalar<uint, uint, uint>
{
    public static uint Of(uint a, uint b) => (uint)Math.Clamp((long)(int)a - (int)b, int.MinValue, int.MaxValue);
}

internal struct SadS32 : IScalar<uint, uint, uint, uint>
{
    public static uint Of(uint a, uint b, uint c) => c + ((int)a < (int)b ? b - a : a - b);
}

internal struct SadU32 : IScalar<uint, uint, uint, uint>
{
    public static uint Of(uint a, uint b, uint c) => c + (a < b ? b - a : a - b);
}
