using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SparseInfer.Kernels.Cpu;

/// <summary>Four vectors in registers, turned round.</summary>
internal static class Transposition
{
    /// <summary>Rows become columns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void FourByFour(ref Vector128<float> a, ref Vector128<float> b, ref Vector128<float> c, ref Vector128<float> d)
    {
        if (Sse.IsSupported)
        {
            Vector128<float> ab = Sse.UnpackLow(a, b);
            Vector128<float> cd = Sse.UnpackLow(c, d);
            Vector128<float> abHigh = Sse.UnpackHigh(a, b);
            Vector128<float> cdHigh = Sse.UnpackHigh(c, d);
            a = Sse.MoveLowToHigh(ab, cd);
            b = Sse.MoveHighToLow(cd, ab);
            c = Sse.MoveLowToHigh(abHigh, cdHigh);
            d = Sse.MoveHighToLow(cdHigh, abHigh);
            return;
        }

        Vector128<float> first = Vector128.Create(a[0], b[0], c[0], d[0]);
        Vector128<float> second = Vector128.Create(a[1], b[1], c[1], d[1]);
        Vector128<float> third = Vector128.Create(a[2], b[2], c[2], d[2]);
        d = Vector128.Create(a[3], b[3], c[3], d[3]);
        a = first;
        b = second;
        c = third;
    }

    /// <summary>Rows become columns in the lower halves, and in the upper ones.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void FourByFour(ref Vector256<float> a, ref Vector256<float> b, ref Vector256<float> c, ref Vector256<float> d)
    {
        if (Avx.IsSupported)
        {
            Vector256<double> ab = Avx.UnpackLow(a, b).AsDouble();
            Vector256<double> cd = Avx.UnpackLow(c, d).AsDouble();
            Vector256<double> abHigh = Avx.UnpackHigh(a, b).AsDouble();
            Vector256<double> cdHigh = Avx.UnpackHigh(c, d).AsDouble();
            a = Avx.UnpackLow(ab, cd).AsSingle();
            b = Avx.UnpackHigh(ab, cd).AsSingle();
            c = Avx.UnpackLow(abHigh, cdHigh).AsSingle();
            d = Avx.UnpackHigh(abHigh, cdHigh).AsSingle();
            return;
        }

        Vector128<float> a0 = a.GetLower(), b0 = b.GetLower(), c0 = c.GetLower(), d0 = d.GetLower();
        Vector128<float> a1 = a.GetUpper(), b1 = b.GetUpper(), c1 = c.GetUpper(), d1 = d.GetUpper();
        FourByFour(ref a0, ref b0, ref c0, ref d0);
        FourByFour(ref a1, ref b1, ref c1, ref d1);
        a = Vector256.Create(a0, a1);
        b = Vector256.Create(b0, b1);
        c = Vector256.Create(c0, c1);
        d = Vector256.Create(d0, d1);
    }

    /// <summary>As above, in each quarter.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void FourByFour(ref Vector512<float> a, ref Vector512<float> b, ref Vector512<float> c, ref Vector512<float> d)
    {
        Vector512<double> ab = Avx512F.UnpackLow(a, b).AsDouble();
        Vector512<double> cd = Avx512F.UnpackLow(c, d).AsDouble();
        Vector512<double> abHigh = Avx512F.UnpackHigh(a, b).AsDouble();
        Vector512<double> cdHigh = Avx512F.UnpackHigh(c, d).AsDouble();
        a = Avx512F.UnpackLow(ab, cd).AsSingle();
        b = Avx512F.UnpackHigh(ab, cd).AsSingle();
        c = Avx512F.UnpackLow(abHigh, cdHigh).AsSingle();
        d = Avx512F.UnpackHigh(abHigh, cdHigh).AsSingle();
    }
}
