using ILGPU;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Runtime.Ilgpu.Tests;

/// <summary>The rotary tables that a model's sessions share.</summary>
public sealed class RotaryTests
{
    private const int Pairs = 5;
    private const int Context = 700;

    private static readonly RopeTable Table = new(Context, 2 * Pairs, 10000, 1);

    [Fact]
    public void Sessions_read_one_table_and_a_longer_one_gets_its_own()
    {
        using IlgpuDevice device = TestDevice.Open();
        using var memory = new NativeMemoryPool();
        var tables = new SharedRotaryTables(device, memory);
        device.AllocatedBytes.ShouldBe(0);
        (ArrayView<float> cos, ArrayView<float> sin) = tables.For(Table, Pairs, 300, Context);
        ShouldBeTables(device, cos, sin, 300);
        long first = device.AllocatedBytes;
        tables.For(Table, Pairs, 300, Context);
        tables.For(Table, Pairs, 1, Context);
        device.AllocatedBytes.ShouldBe(first);

        // Twice as long at least, so that sessions which grow one by one make few; but no longer than the context.
        (ArrayView<float> longerCos, ArrayView<float> longerSin) = tables.For(Table, Pairs, 301, Context);
        ShouldBeTables(device, longerCos, longerSin, 600);
        ShouldBeTables(device, cos, sin, 300);
        (longerCos, longerSin) = tables.For(Table, Pairs, 601, Context);
        ShouldBeTables(device, longerCos, longerSin, 700);
        long all = device.AllocatedBytes;
        tables.For(Table, Pairs, 700, Context);
        device.AllocatedBytes.ShouldBe(all);
        memory.Dispose();
        device.AllocatedBytes.ShouldBe(0);
    }

    private static void ShouldBeTables(IlgpuDevice device, ArrayView<float> cos, ArrayView<float> sin, int positions)
    {
        float[] cosines = Back(device, cos);
        float[] sines = Back(device, sin);
        cosines.Length.ShouldBe(positions * Pairs);
        sines.Length.ShouldBe(positions * Pairs);
        for (int position = 0; position < positions; position++)
        {
            for (int pair = 0; pair < Pairs; pair++)
            {
                (double sin1, double cos1) = Math.SinCos(position * Math.Pow(10000, -2.0 * pair / (2 * Pairs)));
                cosines[(position * Pairs) + pair].ShouldBe((float)cos1);
                sines[(position * Pairs) + pair].ShouldBe((float)sin1);
            }
        }
    }

    private static float[] Back(IlgpuDevice device, ArrayView<float> view)
    {
        float[] back = new float[view.Length];
        device.Use(view, view => ILGPU.Runtime.ArrayViewExtensions.CopyToCPU(view, back));
        return back;
    }
}
