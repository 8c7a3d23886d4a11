using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SparseInfer.Kernels.Cpu;

/// <summary><see cref="SixBitScales"/> of a block at once, twice, for its columns of either half.</summary>
internal static unsafe class SixBitVectors
{
    private const ulong LowerSix = 0x3F3F3F3F;
    private const ulong LowerFour = 0x0F0F0F0F;
    private const ulong UpperTwo = 0x30303030;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<short> Scales(byte* bytes)
    {
        ulong first = Unsafe.ReadUnaligned<uint>(bytes);
        ulong rest = Unsafe.ReadUnaligned<uint>(bytes + 8);
        return Twice((first & LowerSix) | (((rest & LowerFour) | ((first >> 2) & UpperTwo)) << 32));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<short> Minima(byte* bytes)
    {
        ulong second = Unsafe.ReadUnaligned<uint>(bytes + 4);
        ulong rest = Unsafe.ReadUnaligned<uint>(bytes + 8);
        return Twice((second & LowerSix) | ((((rest >> 4) & LowerFour) | ((second >> 2) & UpperTwo)) << 32));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<short> Twice(ulong eight) => Avx2.ConvertToVector256Int16(Vector128.Create(eight).AsByte());
}
