using SparseInfer.SoftwareCuda;

namespace SparseInfer.Runtime.Ilgpu.Tests;

/// <summary>The garbage collector may move a program's arrays while the driver copies from or to them. Here it does so at each call.</summary>
public sealed class MovedObjectTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(300)]
    [InlineData(20_000)]
    public void What_a_buffer_is_filled_from_may_move(int count)
    {
        using IlgpuDevice device = TestDevice.Open();
        using DeviceBuffer<float> buffer = device.Allocate<float>(count, "test");
        DriverFaults faults = SoftwareCudaContext.Of(device).Faults;
        float[] expected = Numbers.Random(count, 71);

        faults.MoveObjects = true;
        buffer.CopyFrom(Fresh(expected));
        faults.MoveObjects = false;

        float[] back = new float[count];
        buffer.CopyTo(back);
        back.ShouldBe(expected);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(300)]
    [InlineData(20_000)]
    public void What_a_buffer_is_read_to_may_move(int count)
    {
        using IlgpuDevice device = TestDevice.Open();
        using DeviceBuffer<float> buffer = device.Allocate<float>(count, "test");
        float[] expected = Numbers.Random(count, 72);
        buffer.CopyFrom(expected);

        SoftwareCudaContext.Of(device).Faults.MoveObjects = true;
        float[] back = Fresh(new float[count]);
        buffer.CopyTo(back);
        back.ShouldBe(expected);
    }

    /// <summary>A new array, with room to move to.</summary>
    private static float[] Fresh(float[] values)
    {
        GC.KeepAlive(new byte[10_000]);
        return [.. values];
    }
}
