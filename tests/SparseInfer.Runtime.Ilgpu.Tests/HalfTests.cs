using ILGPU;
using ILGPU.Runtime;

namespace SparseInfer.Runtime.Ilgpu.Tests;

/// <summary>How numbers become halves on a device.</summary>
public sealed class HalfTests
{
    private const int Threads = 256;

    [Fact]
    public void A_number_becomes_the_nearest_half_and_none_becomes_infinite()
    {
        // Around every positive half and around the middle between two: both neighbours, and the value itself.
        var values = new List<float> { 65504, 65519.99f, 65520, 65536, 1e6f, 3e38f, float.MaxValue, float.PositiveInfinity, float.NaN, float.Epsilon };
        for (ushort bits = 0; bits < 0x7bff; bits += 7)
        {
            float half = (float)BitConverter.UInt16BitsToHalf(bits);
            float next = (float)BitConverter.UInt16BitsToHalf((ushort)(bits + 1));
            float middle = (half + next) / 2; // exact: a float has more digits
            values.AddRange([half, MathF.BitIncrement(half), MathF.BitDecrement(middle), middle, MathF.BitIncrement(middle)]);
        }

        values.AddRange([.. values.Select(value => -value)]);
        ushort[] actual = Narrow([.. values]);
        for (int i = 0; i < values.Count; i++)
        {
            System.Half expected = (System.Half)(float.IsFinite(values[i]) ? Math.Clamp(values[i], -65504f, 65504f) : values[i]);
            System.Half half = BitConverter.UInt16BitsToHalf(actual[i]);
            if (float.IsNaN(values[i]))
            {
                System.Half.IsNaN(half).ShouldBeTrue();
            }
            else
            {
                actual[i].ShouldBe(BitConverter.HalfToUInt16Bits(expected), $"{values[i]:R}");
            }
        }
    }

    private static ushort[] Narrow(float[] values)
    {
        int groups = (values.Length + Threads - 1) / Threads;
        IlgpuDevice device = TestDevice.Shared;
        using DeviceBuffer<float> from = device.Allocate<float>(groups * Threads, "test");
        using DeviceBuffer<ushort> to = device.Allocate<ushort>(groups * Threads, "test");
        from.CopyFrom(values);
        device.Accelerator.LoadStreamKernel<ArrayView<float>, ArrayView<ushort>>(PrimitiveKernels.Halves)(new KernelConfig(groups, Threads), from.View, to.View);
        device.Synchronize();
        ushort[] halves = new ushort[values.Length];
        to.CopyTo(halves);
        return halves;
    }
}
