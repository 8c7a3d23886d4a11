using System.Runtime.CompilerServices;
using ILGPU.Runtime;
using SparseInfer.SoftwareCuda;

namespace SparseInfer.Runtime.Ilgpu.Tests;

/// <summary>What a program is told when the driver fails, and what is left then.</summary>
public sealed class DriverFaultTests
{
    private const int Count = TinyDecoder.Vocabulary * TinyDecoder.Hidden;
    private static readonly float[] Embedding = Numbers.Random(Count, 31);
    private static readonly float[] Head = Numbers.Random(Count, 32);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_launch_that_fails_is_what_leaves_the_using_blocks_and_everything_is_freed(int launch)
    {
        IlgpuDevice device = TestDevice.Open();
        SoftwareCudaContext driver = SoftwareCudaContext.Of(device);
        Accelerator accelerator = device.Accelerator;
        string message = Should.Throw<DeviceLostException>(() =>
        {
            using (device)
            {
                using TinyModel model = TinyDecoder.Load(device, Embedding, Head);
                using Session session = model.CreateSession(new SessionOptions { Metering = true });
                using Session other = model.CreateSession();
                driver.Faults.FailLaunch = launch;
                session.Forward([1]);
                session.Forward([2]);
            }
        }).Message;
        message.ShouldStartWith($"Device '{TestDevice.Name}' failed: ");
        message.ShouldContain("open it and load again");
        driver.AllocatedBytes.ShouldBe(0);
        device.AllocatedBytes.ShouldBe(0);
        accelerator.IsDisposed.ShouldBeTrue();
        ShouldWork();
    }

    [Fact]
    public void A_lost_device_tells_its_first_failure_at_each_call_and_nothing_when_it_is_disposed()
    {
        IlgpuDevice device = TestDevice.Open();
        SoftwareCudaContext driver = SoftwareCudaContext.Of(device);
        TinyModel model = TinyDecoder.Load(device, Embedding, Head);
        Session session = model.CreateSession();
        DeviceBuffer<int> buffer = device.Allocate<int>(4, "test");
        driver.Faults.Lost = true;
        string first = Should.Throw<DeviceLostException>(() => session.Forward([1])).Message;
        Should.Throw<DeviceLostException>(() => session.Forward([1])).Message.ShouldBe(first);
        Should.Throw<DeviceLostException>(() => model.CreateSession()).Message.ShouldBe(first);
        Should.Throw<DeviceLostException>(() => buffer.CopyFrom([1])).Message.ShouldBe(first);
        Should.Throw<DeviceLostException>(() => device.Allocate<int>(4, "test")).Message.ShouldBe(first);
        Should.Throw<DeviceLostException>(() => TinyDecoder.Load(device, Embedding, Head)).Message.ShouldBe(first);
        Should.Throw<DeviceLostException>(device.Synchronize).Message.ShouldBe(first);
        buffer.Dispose();
        session.Dispose();
        model.Dispose();
        device.Dispose();
        driver.AllocatedBytes.ShouldBe(0);
        ShouldWork();
    }

    [Theory]
    [InlineData("token_embd.weight")]
    [InlineData("output.weight")]
    public void A_device_lost_while_weights_are_sent_is_what_loading_tells(string tensor)
    {
        using IlgpuDevice device = TestDevice.Open();
        SoftwareCudaContext driver = SoftwareCudaContext.Of(device);
        var options = new LoadOptions { Progress = new Meter(progress => driver.Faults.Lost |= progress.Tensor == tensor) };
        Should.Throw<DeviceLostException>(() => TinyDecoder.Load(device, Embedding, Head, options));
        device.AllocatedBytes.ShouldBe(0);
        device.Dispose();
        driver.AllocatedBytes.ShouldBe(0);
    }

    [Fact]
    public void A_device_lost_unnoticed_is_disposed_without_a_word()
    {
        IlgpuDevice device = TestDevice.Open();
        SoftwareCudaContext driver = SoftwareCudaContext.Of(device);
        Accelerator accelerator = device.Accelerator;
        TinyModel model = TinyDecoder.Load(device, Embedding, Head);
        Session session = model.CreateSession();
        driver.Faults.Lost = true;
        session.Dispose();
        model.Dispose();
        device.Dispose();
        driver.AllocatedBytes.ShouldBe(0);
        accelerator.IsDisposed.ShouldBeTrue();
    }

    [Fact]
    public void What_is_collected_after_a_failure_asks_the_driver_nothing()
    {
        IlgpuDevice device = TestDevice.Open();
        SoftwareCudaContext driver = SoftwareCudaContext.Of(device);
        DropModel(device, driver);
        for (int i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers(); // a finalizer that throws ends the process
        }

        Should.Throw<DeviceLostException>(device.Synchronize);
        device.Dispose();
        driver.AllocatedBytes.ShouldBe(0);
    }

    [Fact]
    public void Nothing_of_a_device_that_failed_stays_in_memory()
    {
        WeakReference accelerator = FailAndDispose();
        Eventually.ShouldBe(() => !accelerator.IsAlive, "the accelerator, which a thread of ILGPU's holds until it ends");
    }

    [Fact]
    public void Kernels_that_the_driver_refuses_are_named_and_the_device_can_be_used_on()
    {
        using IlgpuDevice device = TestDevice.Open();
        SoftwareCudaContext driver = SoftwareCudaContext.Of(device);
        driver.Faults.RefusePtx = true;
        string message = Should.Throw<KernelRefusedException>(() => TinyDecoder.Load(device, Embedding, Head)).Message;
        message.ShouldStartWith($"Device '{TestDevice.Name}' (sm_87, driver for CUDA 12.2) refused kernel '{nameof(TinyKernels.Logits)}', PTX ");
        message.ShouldContain(" for sm_80: ");
        message.ShouldContain("update NVIDIA's driver");
        message.ShouldContain("JetPack");
        device.AllocatedBytes.ShouldBe(0);
        driver.Faults.RefusePtx = false;
        ShouldGiveLogits(device);
    }

    [Fact]
    public void An_allocation_that_fails_once_is_tried_again_after_a_collection()
    {
        using IlgpuDevice device = TestDevice.Open();
        SoftwareCudaContext driver = SoftwareCudaContext.Of(device);
        for (int allocation = 1; allocation <= 8; allocation++)
        {
            driver.Faults.FailAllocation = allocation;
            ShouldGiveLogits(device);
            driver.Faults.FailAllocation = 0;
            driver.AllocatedBytes.ShouldBe(0);
        }
    }

    [Fact]
    public void Work_that_a_driver_does_only_when_it_is_waited_for_gives_the_same()
    {
        using IlgpuDevice device = TestDevice.Open();
        SoftwareCudaContext.Of(device).Faults.DeferWork = true;
        ShouldGiveLogits(device);
    }

    private static void ShouldWork()
    {
        using IlgpuDevice device = TestDevice.Open();
        ShouldGiveLogits(device);
    }

    private static void ShouldGiveLogits(IlgpuDevice device)
    {
        using TinyModel model = TinyDecoder.Load(device, Embedding, Head);
        using Session session = model.CreateSession();
        float[] logits = session.Forward([3]).ToArray();
        for (int row = 0; row < TinyDecoder.Vocabulary; row++)
        {
            double expected = 0;
            for (int j = 0; j < TinyDecoder.Hidden; j++)
            {
                expected += (double)Embedding[(3 * TinyDecoder.Hidden) + j] * Head[(row * TinyDecoder.Hidden) + j];
            }

            ((double)logits[row]).ShouldBe(expected, 1e-5);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void DropModel(IlgpuDevice device, SoftwareCudaContext driver)
    {
        TinyModel model = TinyDecoder.Load(device, Embedding, Head);
        Session session = model.CreateSession();
        driver.Faults.Lost = true;
        Should.Throw<DeviceLostException>(() => session.Forward([1]));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference FailAndDispose()
    {
        WeakReference? accelerator = null;

        // ILGPU remembers the accelerator that a thread used last.
        var thread = new Thread(() => accelerator = Run());
        thread.Start();
        thread.Join();
        return accelerator!;

        static WeakReference Run()
        {
            IlgpuDevice device = TestDevice.Open();
            DropModel(device, SoftwareCudaContext.Of(device));
            var accelerator = new WeakReference(device.Accelerator);
            device.Dispose();
            return accelerator;
        }
    }

    private sealed class Meter(Action<LoadProgress> report) : IProgress<LoadProgress>
    {
        public void Report(LoadProgress value) => report(value);
    }
}
