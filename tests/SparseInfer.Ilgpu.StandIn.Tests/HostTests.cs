using ILGPU.Runtime.CPU;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace SparseInfer.Ilgpu.StandIn.Tests;

/// <summary>Contexts, buffers, copies and streams.</summary>
public sealed class HostTests : IDisposable
{
    private readonly Bench _bench = new();

    [Fact]
    public void A_context_offers_the_stand_in_and_no_other_device()
    {
        using var context = Context.Create(builder =>
            builder.Optimize(OptimizationLevel.O2).Inlining(InliningMode.Aggressive).CPU().Cuda().OpenCL());
        var device = context.Devices.ShouldHaveSingleItem();
        device.Name.ShouldBe("stand-in");
        device.AcceleratorType.ShouldBe(AcceleratorType.CPU);
        (device.WarpSize, device.MaxNumThreadsPerGroup, device.MaxSharedMemoryPerGroup).ShouldBe((32, 1024, 49152));
        context.GetCudaDevices().Count.ShouldBe(0);
        context.GetCLDevices().Count.ShouldBe(0);
        context.GetCPUDevices().Count.ShouldBe(1);
        context.Properties.OptimizationLevel.ShouldBe(OptimizationLevel.O2);
        using var accelerator = context.GetPreferredDevice(preferCPU: true).CreateAccelerator(context);
        accelerator.Name.ShouldBe("stand-in");
    }

    [Fact]
    public void A_device_may_have_smaller_groups_but_no_other_warps()
    {
        new CPUDevice(32, 4, 2).MaxNumThreadsPerGroup.ShouldBe(128);
        Should.Throw<ArgumentOutOfRangeException>(() => new CPUDevice(64, 4, 1));
    }

    [Fact]
    public unsafe void Every_form_of_copy_moves_the_same_bytes()
    {
        var data = Enumerable.Range(0, 100).ToArray();
        using var buffer = _bench.Accelerator.Allocate1D<int>(100);
        using var stream = _bench.Accelerator.CreateStream();
        void Check(int from, int count) => buffer.AsContiguous().SubView(from, count).GetAsArray().ShouldBe(data[from..(from + count)]);

        buffer.CopyFromCPU(data);
        Check(0, 100);
        buffer.MemSetToZero();
        buffer.View.CopyFromCPU(stream, data);
        Check(0, 100);
        buffer.MemSetToZero(stream);
        buffer.View.BaseView.SubView(10, 20).CopyFromCPU(stream, data.AsSpan(10, 20));
        Check(10, 20);
        buffer.AsContiguous().GetAsArray()[9].ShouldBe(0);
        fixed (int* pointer = data)
            buffer.View.BaseView.CopyFromCPUUnsafeAsync(stream, ref *pointer, 100);
        Check(0, 100);

        var back = new int[100];
        buffer.CopyToCPU(back);
        back.ShouldBe(data);
        Array.Clear(back);
        buffer.View.SubView(50, 50).CopyToCPU(stream, back.AsSpan(50));
        back[49..51].ShouldBe([0, 50]);
        buffer.View.CopyToCPU(ref back[0], 100);
        back.ShouldBe(data);
        using var other = _bench.Accelerator.Allocate1D<int>(100);
        buffer.View.CopyTo(stream, other.View);
        other.AsContiguous().GetAsArray().ShouldBe(data);
        Should.Throw<ArgumentOutOfRangeException>(() => buffer.CopyFromCPU(new int[101]));
    }

    [Fact]
    public void Page_locked_arrays_copy_and_are_seen_by_kernels()
    {
        using var array = _bench.Accelerator.AllocatePageLocked1D<float>(32);
        for (int i = 0; i < 32; i++)
            array[i] = i;
        using var buffer = _bench.Accelerator.Allocate1D<float>(32);
        buffer.View.CopyFromPageLockedAsync(array);
        buffer.AsContiguous().GetAsArray().ShouldBe(array.GetArray());
        _bench.Accelerator.LoadStreamKernel<ArrayView<float>>(AddOne)((1, 32), array.ArrayView);
        array[31].ShouldBe(32f);
        using var scope = _bench.Accelerator.CreatePageLockFromPinned(array.GetArray());
        scope.LengthInBytes.ShouldBe(128);
    }

    [Fact]
    public void New_memory_is_not_a_number()
    {
        using var floats = _bench.Accelerator.Allocate1D<float>(3);
        floats.AsContiguous().GetAsArray().ShouldAllBe(value => float.IsNaN(value));
    }

    [Fact]
    public void Views_know_their_lengths_and_leave_no_memory()
    {
        using var buffer = _bench.Of(new uint[64]);
        var view = buffer.AsContiguous();
        view.SubView(4, 60).Cast<Four>().Length.ShouldBe(15);
        view.SubView(4).Length.ShouldBe(60);
        view.Cast<byte>().LengthInBytes.ShouldBe(256);
        view.IsValid.ShouldBeTrue();
        ArrayView<uint>.Empty.IsValid.ShouldBeFalse();
        Should.Throw<Execution.ViewRangeException>(() => view.SubView(60, 5));
        Should.Throw<Execution.ViewRangeException>(() => view[64]);
        view[3] = 7;
        view[3L].ShouldBe(7u);
        ((long)buffer.NativePtr % 256).ShouldBe(0);
    }

    [Fact]
    public void An_accelerator_takes_its_buffers_and_streams_with_it()
    {
        using var context = Context.CreateDefault();
        var accelerator = context.Devices[0].CreateAccelerator(context);
        var buffer = accelerator.Allocate1D<int>(8);
        var stream = accelerator.CreateStream();
        accelerator.Dispose();
        buffer.IsDisposed.ShouldBeTrue();
        stream.IsDisposed.ShouldBeTrue();
        Should.Throw<ObjectDisposedException>(() => accelerator.Allocate1D<int>(8));
        Should.Throw<ObjectDisposedException>(stream.Synchronize);
    }

    [Fact]
    public void Launch_sizes_come_from_tuples_of_every_kind()
    {
        KernelConfig one = (3, 64);
        one.GridDim.ShouldBe(new Index3D(3, 1, 1));
        one.GroupDim.ShouldBe(new Index3D(64, 1, 1));
        KernelConfig three = (new Index3D(2, 3, 4), new Index3D(32, 1, 1));
        three.Size.ShouldBe(24 * 32);
        KernelConfig shared = ((Index1D)1, (Index1D)32, SharedMemoryConfig.RequestDynamic<float>(8));
        shared.SharedMemoryConfig.ArraySize.ShouldBe(32);
        shared.UsesDynamicSharedMemory.ShouldBeTrue();
    }

    [Fact]
    public void A_kernel_keeps_to_the_group_size_it_is_specialised_for()
    {
        using var buffer = _bench.Of(new float[64]);
        var launch = _bench.Accelerator.LoadStreamKernel<ArrayView<float>>(AddOne, new KernelSpecialization(32, null));
        launch((1, 32), buffer.AsContiguous());
        Bench.Fault(() => launch((1, 64), buffer.AsContiguous())).Message.ShouldContain("the kernel is specialised for 32");
        Should.Throw<NotSupportedException>(() =>
            _bench.Accelerator.LoadStreamKernel<ArrayView<float>>(AddOne, new KernelSpecialization(2048, null)));
    }

    public void Dispose() => _bench.Dispose();

    private static void AddOne(ArrayView<float> values) => values[Group.IdxX] += 1f;
}
