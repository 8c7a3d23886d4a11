using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Cli.Bench.Probes;

/// <summary>
/// How many F32 multiplications and additions a group of threads does at most: fused, in the widest vectors, on independent sums in
/// registers, with nothing read. What processing a prompt can at best approach.
/// </summary>
internal static class FmaPeakProbe
{
    private const int Rounds = 4_000_000;
    private const int Sums = 12;

    /// <summary>Runs for some tens of milliseconds.</summary>
    /// <returns>10^9 operations a second; an FMA is two.</returns>
    public static double Measure(WorkerGroup workers)
    {
        var pass = new Pass();
        long start = Stopwatch.GetTimestamp();
        workers.Run(pass);
        int lanes = Vector512.IsHardwareAccelerated ? 16 : Vector256.IsHardwareAccelerated ? 8 : 4;
        double rate = 2.0 * Sums * Rounds * lanes * workers.Count / Stopwatch.GetElapsedTime(start).TotalNanoseconds;
        return pass.IsFinite ? rate : throw new InvalidOperationException("The sums overflowed.");
    }

    private sealed class Pass : IWorkerJob
    {
        private volatile bool _failed;

        public bool IsFinite => !_failed;

        public void Execute(int worker)
        {
            float sum = Vector512.IsHardwareAccelerated ? Wide() : Vector256.IsHardwareAccelerated ? Half() : Quarter();
            _failed |= !float.IsFinite(sum);
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static float Wide()
        {
            Vector512<float> x = Vector512.Create(0.999f), y = Vector512.Create(0.001f);
            Vector512<float> a = x, b = x, c = x, d = x, e = x, f = x, g = x, h = x, i = x, j = x, k = x, l = x;
            for (int round = 0; round < Rounds; round++)
            {
                a = Vector512.FusedMultiplyAdd(a, x, y);
                b = Vector512.FusedMultiplyAdd(b, x, y);
                c = Vector512.FusedMultiplyAdd(c, x, y);
                d = Vector512.FusedMultiplyAdd(d, x, y);
                e = Vector512.FusedMultiplyAdd(e, x, y);
                f = Vector512.FusedMultiplyAdd(f, x, y);
                g = Vector512.FusedMultiplyAdd(g, x, y);
                h = Vector512.FusedMultiplyAdd(h, x, y);
                i = Vector512.FusedMultiplyAdd(i, x, y);
                j = Vector512.FusedMultiplyAdd(j, x, y);
                k = Vector512.FusedMultiplyAdd(k, x, y);
                l = Vector512.FusedMultiplyAdd(l, x, y);
            }

            return Vector512.Sum(a + b + c + d + e + f + g + h + i + j + k + l);
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static float Half()
        {
            Vector256<float> x = Vector256.Create(0.999f), y = Vector256.Create(0.001f);
            Vector256<float> a = x, b = x, c = x, d = x, e = x, f = x, g = x, h = x, i = x, j = x, k = x, l = x;
            for (int round = 0; round < Rounds; round++)
            {
                a = Vector256.FusedMultiplyAdd(a, x, y);
                b = Vector256.FusedMultiplyAdd(b, x, y);
                c = Vector256.FusedMultiplyAdd(c, x, y);
                d = Vector256.FusedMultiplyAdd(d, x, y);
                e = Vector256.FusedMultiplyAdd(e, x, y);
                f = Vector256.FusedMultiplyAdd(f, x, y);
                g = Vector256.FusedMultiplyAdd(g, x, y);
                h = Vector256.FusedMultiplyAdd(h, x, y);
                i = Vector256.FusedMultiplyAdd(i, x, y);
                j = Vector256.FusedMultiplyAdd(j, x, y);
                k = Vector256.FusedMultiplyAdd(k, x, y);
                l = Vector256.FusedMultiplyAdd(l, x, y);
            }

            return Vector256.Sum(a + b + c + d + e + f + g + h + i + j + k + l);
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static float Quarter()
        {
            Vector128<float> x = Vector128.Create(0.999f), y = Vector128.Create(0.001f);
            Vector128<float> a = x, b = x, c = x, d = x, e = x, f = x, g = x, h = x, i = x, j = x, k = x, l = x;
            for (int round = 0; round < Rounds; round++)
            {
                a = Vector128.FusedMultiplyAdd(a, x, y);
                b = Vector128.FusedMultiplyAdd(b, x, y);
                c = Vector128.FusedMultiplyAdd(c, x, y);
                d = Vector128.FusedMultiplyAdd(d, x, y);
                e = Vector128.FusedMultiplyAdd(e, x, y);
                f = Vector128.FusedMultiplyAdd(f, x, y);
                g = Vector128.FusedMultiplyAdd(g, x, y);
                h = Vector128.FusedMultiplyAdd(h, x, y);
                i = Vector128.FusedMultiplyAdd(i, x, y);
                j = Vector128.FusedMultiplyAdd(j, x, y);
                k = Vector128.FusedMultiplyAdd(k, x, y);
                l = Vector128.FusedMultiplyAdd(l, x, y);
            }

            return Vector128.Sum(a + b + c + d + e + f + g + h + i + j + k + l);
        }
    }
}
