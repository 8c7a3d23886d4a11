using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <summary>Searches raw weights for infinities and NaN: an exponent field that is all ones.</summary>
internal static class NonFinite
{
    /// <summary>First of a run of halves that is not finite; -1 if none is.</summary>
    public static nint FirstHalf(ref byte source, nint elements) => First16(ref source, elements, exponentMask: 0x7C00);

    /// <summary>First of a run of 16-bit floats whose exponent field is all ones; -1 if none is.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static nint First16(ref byte source, nint elements, ushort exponentMask)
    {
        ref ushort bits = ref Unsafe.As<byte, ushort>(ref source);
        Vector512<ushort> exponent = Vector512.Create(exponentMask);
        nint index = 0;
        for (; index <= elements - 32; index += 32)
        {
            if (Vector512.EqualsAny(Vector512.LoadUnsafe(ref bits, (nuint)index) & exponent, exponent))
            {
                break;
            }
        }

        for (; index < elements; index++)
        {
            if ((Unsafe.ReadUnaligned<ushort>(ref Unsafe.Add(ref source, index * sizeof(ushort))) & exponentMask) == exponentMask)
            {
                return index;
            }
        }

        return -1;
    }

    /// <summary>First element of the first block of 32 whose half scale, its first two bytes, is not finite; -1 if none is.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static nint FirstScale(ref byte source, nint blocks, nint blockBytes)
    {
        for (nint block = 0; block < blocks; block++)
        {
            if ((Unsafe.ReadUnaligned<ushort>(ref Unsafe.Add(ref source, block * blockBytes)) & 0x7C00) == 0x7C00)
            {
                return block * 32;
            }
        }

        return -1;
    }
}
