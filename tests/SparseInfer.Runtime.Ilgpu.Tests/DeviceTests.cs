using ILGPU.Runtime;

namespace SparseInfer.Runtime.Ilgpu.Tests;

/// <summary>Finding devices, and what happens when one cannot do what is asked.</summary>
public sealed class DeviceTests
{
    [Fact]
    public void Each_kind_of_device_is_listed_with_a_reason_and_a_fix_where_it_cannot_be_used()
    {
        IReadOnlyList<IlgpuDeviceInfo> devices = IlgpuDevice.List();
        devices.Select(device => device.Kind).ShouldContain("cuda");
        devices.Select(device => device.Kind).ShouldContain("opencl");
        devices.Select(device => device.Kind).ShouldContain("ilgpu-cpu");
        devices.Single(device => device.Name == TestDevice.CpuAccelerator).IsUsable.ShouldBeTrue();
        devices.Where(device => !device.IsUsable).ShouldAllBe(device => device.WhyNot!.Length > 0 && device.Fix!.EndsWith('.'));
        devices.Where(device => device.IsUsable).ShouldAllBe(device => device.Fix == null && device.Description != null && device.MemoryBytes > 0);
        devices.Select(device => device.Name).ShouldBeUnique();
    }

    [Fact]
    public void Registered_devices_are_known_by_name_once()
    {
        IlgpuBackend.Register();
        IlgpuBackend.Register();
        Device.Names.Count(name => name == TestDevice.CpuAccelerator).ShouldBe(1);
        using Device device = Device.Open(TestDevice.CpuAccelerator + ":0");
        device.Name.ShouldBe(TestDevice.CpuAccelerator);
        device.ShouldBeOfType<IlgpuDevice>().Accelerator.AcceleratorType.ShouldBe(AcceleratorType.CPU);
        device.Description.ShouldContain("slower");
    }

    [Fact]
    public void A_program_with_larger_groups_than_the_device_has_is_refused_before_it_is_loaded()
    {
        IlgpuBackend.Register();
        using var device = (IlgpuDevice)Device.Open(TestDevice.CpuAccelerator);
        new UploadProgram(device, [], (_, _) => { }, groupThreads: 256).Device.ShouldBe(device);
        Should.Throw<KernelRefusedException>(() => new UploadProgram(device, [], (_, _) => { }, groupThreads: 512)).Message.ShouldBe(
            "Device 'ilgpu-cpu' runs groups of 256 threads at most, and kernels of this model have 512. Run it on 'cpu' or on a CUDA device.");
    }

    [Fact]
    public void What_runs_on_the_cpu_for_checking_is_never_the_best_device()
    {
        IlgpuBackend.Register();
        bool hasCuda = IlgpuDevice.List().Any(device => device is { Kind: "cuda", IsUsable: true });
        using Device best = Device.Best();
        best.Name.ShouldBe(hasCuda ? "cuda" : "cpu");
        using Device named = Device.Open("best");
        named.Name.ShouldBe(best.Name);
    }

    [Fact]
    public void An_unknown_name_is_an_error_that_lists_the_known()
    {
        IlgpuBackend.Register();
        string message = Should.Throw<ArgumentException>(() => Device.Open("abacus")).Message;
        message.ShouldStartWith("There is no device 'abacus'; there is: best, cpu");
        message.ShouldContain(TestDevice.CpuAccelerator);
    }

    [Fact]
    public void A_device_that_cannot_be_used_is_an_error_that_says_why_and_what_helps()
    {
        IlgpuBackend.Register();
        IlgpuDeviceInfo unusable = IlgpuDevice.List().First(device => !device.IsUsable);
        string message = Should.Throw<ArgumentException>(() => Device.Open(unusable.Name)).Message;
        message.ShouldStartWith($"Device '{unusable.Name}' cannot be used: {unusable.WhyNot}. {unusable.Fix!.TrimEnd('.')}");
        message.ShouldContain("there is: best, cpu");
    }

    [Fact]
    public void A_number_beyond_the_devices_of_a_kind_is_an_error_that_counts_them()
    {
        IlgpuBackend.Register();
        Should.Throw<ArgumentException>(() => Device.Open(TestDevice.CpuAccelerator + ":3"))
            .Message.ShouldStartWith($"Device '{TestDevice.CpuAccelerator}:3' cannot be used: there is 1 device of this kind");
    }

    [Theory]
    [InlineData(1L << 50)]
    [InlineData(long.MaxValue)]
    public void An_allocation_without_room_says_what_it_was_for_and_what_to_reduce(long floats)
    {
        IlgpuDevice device = TestDevice.Shared;
        string message = Should.Throw<InsufficientDeviceMemoryException>(() => device.Allocate<float>(floats, "the key cache")).Message;
        message.ShouldStartWith($"Device '{TestDevice.Name}' has no room for the key cache: ");
        message.ShouldContain("SessionOptions.Context");
        using DeviceBuffer<float> small = device.Allocate<float>(3, "test");
        float[] values = [1, 2, 3];
        small.CopyTo(values);
        values.ShouldBe([0, 0, 0]);
    }

    [Fact]
    public void Buffers_take_what_fits_and_nothing_once_they_are_freed()
    {
        DeviceBuffer<int> buffer = TestDevice.Shared.Allocate<int>(4, "test");
        buffer.View.Length.ShouldBe(4);
        buffer.CopyFrom([7, 8]);
        int[] back = new int[4];
        buffer.CopyTo(back);
        back.ShouldBe([7, 8, 0, 0]);
        Should.Throw<ArgumentException>(() => buffer.CopyFrom(new int[5])).Message.ShouldContain("5 elements");
        Should.Throw<ArgumentException>(() => buffer.CopyTo(new int[5]));
        buffer.Dispose();
        buffer.Dispose();
        Should.Throw<ObjectDisposedException>(() => buffer.View);
        Should.Throw<ObjectDisposedException>(() => buffer.CopyTo(back));
        Should.Throw<ArgumentOutOfRangeException>(() => TestDevice.Shared.Allocate<int>(-1, "test"));
        using DeviceBuffer<int> empty = TestDevice.Shared.Allocate<int>(0, "test");
        empty.View.Length.ShouldBe(0);
        empty.CopyFrom([]);
    }

    [Fact]
    public void A_model_whose_device_is_gone_says_so_and_can_still_be_disposed()
    {
        IlgpuDevice device = TestDevice.Open();
        float[] weights = Numbers.Random(TinyDecoder.Vocabulary * TinyDecoder.Hidden, 1);
        TinyModel model = TinyDecoder.Load(device, weights, weights);
        Session session = model.CreateSession();
        session.Forward([1]);
        device.Dispose();
        device.Dispose();
        Should.Throw<ObjectDisposedException>(() => session.Forward([1])).Message.ShouldContain("dispose models before their device");
        Should.Throw<ObjectDisposedException>(() => model.CreateSession());
        Should.Throw<ObjectDisposedException>(() => device.Synchronize());
        session.Dispose();
        model.Dispose();
    }

    [Fact]
    public void After_a_failure_every_call_says_that_the_device_is_lost()
    {
        using IlgpuDevice device = TestDevice.Open();
        using DeviceBuffer<int> buffer = device.Allocate<int>(1, "test");
        string first = Should.Throw<DeviceLostException>(() => device.Use(0, static _ => throw new BrokenDriver())).Message;
        first.ShouldContain("unspecified launch failure");
        first.ShouldContain("open it and load again");
        Should.Throw<DeviceLostException>(device.Synchronize).Message.ShouldBe(first);
        Should.Throw<DeviceLostException>(() => buffer.CopyFrom([1]));
        Should.Throw<DeviceLostException>(() => device.Allocate<int>(1, "test"));
    }

    private sealed class BrokenDriver() : AcceleratorException("unspecified launch failure")
    {
        public override AcceleratorType AcceleratorType => AcceleratorType.Cuda;
    }
}
