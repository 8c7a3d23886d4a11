using System.Diagnostics;

namespace SparseInfer.Runtime.Ilgpu.Tests;

/// <summary>What comes true once garbage is collected.</summary>
internal static class Eventually
{
    public static void ShouldBe(Func<bool> condition, string what)
    {
        long start = Stopwatch.GetTimestamp();
        while (!condition())
        {
            Stopwatch.GetElapsedTime(start).TotalSeconds.ShouldBeLessThan(30, what);
            GC.Collect();
            GC.WaitForPendingFinalizers();
            Thread.Sleep(1);
        }
    }
}
