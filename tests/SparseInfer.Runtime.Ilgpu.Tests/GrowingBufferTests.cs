namespace SparseInfer.Runtime.Ilgpu.Tests;

/// <summary>Buffers that larger ones take the place of.</summary>
public sealed class GrowingBufferTests
{
    [Fact]
    public void What_is_kept_is_there_afterwards_and_the_rest_is_zero()
    {
        using IlgpuDevice device = TestDevice.Open();
        using var buffer = new GrowingBuffer<int>(device, 3, "test");
        buffer.Buffer.CopyFrom([7, 8, 9]);
        buffer.Grow(2, kept: 1, "test");
        buffer.Count.ShouldBe(3);
        buffer.Grow(5, kept: 2, "test");
        int[] back = new int[5];
        buffer.Buffer.CopyTo(back);
        back.ShouldBe([7, 8, 0, 0, 0]);
        device.AllocatedBytes.ShouldBe(5 * sizeof(int));
    }

    [Fact]
    public void One_that_grows_while_another_thread_disposes_of_it_leaves_nothing()
    {
        using IlgpuDevice device = TestDevice.Open();
        var buffer = new GrowingBuffer<int>(device, 10, "test");
        var disposing = new Thread(buffer.Dispose);
        device.Use(0, _ =>
        {
            disposing.Start();
            SpinWait.SpinUntil(() => disposing.ThreadState.HasFlag(ThreadState.WaitSleepJoin)); // it waits for this turn to end
            buffer.Grow(20, kept: 10, "test");
        });
        disposing.Join();
        device.AllocatedBytes.ShouldBe(0);
    }

    [Fact]
    public void One_that_was_freed_does_not_grow()
    {
        using IlgpuDevice device = TestDevice.Open();
        var buffer = new GrowingBuffer<int>(device, 10, "test");
        buffer.Dispose();
        buffer.Dispose();
        Should.Throw<ObjectDisposedException>(() => buffer.Grow(20, kept: 0, "test"));
        device.AllocatedBytes.ShouldBe(0);
    }
}
