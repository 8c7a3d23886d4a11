using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using SparseInfer.SoftwareCuda.Driver;

namespace SparseInfer.SoftwareCuda.Tests.Driver;

/// <summary>What a kernel does wrong reaches the program as a GPU would tell it, with what a GPU would not tell: which, where and who.</summary>
public sealed class KernelFaultTests : IDisposable
{
    private const int Count = 64;
    private readonly IlgpuDevice _device = Open();
    private readonly SoftwareCudaContext _software;

    public KernelFaultTests() => _software = SoftwareCudaContext.Of(_device);

    public static TheoryData<string, KernelFaultKind, string, int> Faults => new()
    {
        { nameof(FaultyKernels.Overruns), KernelFaultKind.OutOfBounds, "CUDA_ERROR_ILLEGAL_ADDRESS", 24 },
        { nameof(FaultyKernels.ReadsBesideIntegers), KernelFaultKind.Misaligned, "CUDA_ERROR_MISALIGNED_ADDRESS", 0 },
        { nameof(FaultyKernels.ReadsUnwrittenShared), KernelFaultKind.UnwrittenShared, "CUDA_ERROR_LAUNCH_FAILED", 25 },
        { nameof(FaultyKernels.RacesInShared), KernelFaultKind.SharedRace, "CUDA_ERROR_LAUNCH_FAILED", 0 },
        { nameof(FaultyKernels.WaitsAtTwoBarriers), KernelFaultKind.DivergentBarrier, "CUDA_ERROR_LAUNCH_FAILED", 0 },
        { nameof(FaultyKernels.ShufflesInHalfAWarp), KernelFaultKind.DivergentShuffle, "CUDA_ERROR_LAUNCH_FAILED", 0 },
    };

    public void Dispose() => _device.Dispose();

    [Theory]
    [MemberData(nameof(Faults))]
    public void Fault_names_kernel_line_group_and_lane(string kernel, KernelFaultKind kind, string error, int lane)
    {
        Launch(kernel, Written(), groups: 1);
        Should.Throw<CudaException>(_device.Accelerator.Synchronize).Error.ShouldBe(error);
        KernelFaultException fault = ShouldBeTold(kernel, kind);
        fault.Group.ShouldBe((0, 0, 0));
        fault.Lane.ShouldBe(lane);
    }

    [Fact]
    public void Race_between_groups_is_the_later_groups()
    {
        Launch(nameof(FaultyKernels.RacesBetweenGroups), Written(), groups: 3);
        Should.Throw<CudaException>(_device.Accelerator.Synchronize).Error.ShouldBe("CUDA_ERROR_LAUNCH_FAILED");
        ShouldBeTold(nameof(FaultyKernels.RacesBetweenGroups), KernelFaultKind.GlobalRace).Group.ShouldBe((1, 0, 0));
    }

    [Fact]
    public void Unwritten_global_memory_is_caught_at_its_first_byte()
    {
        ArrayView<int> input = _device.Accelerator.Allocate1D<int>(Count).View.BaseView;
        input.SubView(0, 20).CopyFromCPU(new int[20]);
        Launch(nameof(FaultyKernels.Copies), input, groups: 1);
        ShouldBeTold(nameof(FaultyKernels.Copies), KernelFaultKind.UnwrittenGlobal).Lane.ShouldBe(20);
    }

    [Fact]
    public void Freed_buffer_is_known_to_be()
    {
        ArrayView<int> input = Written();
        CudaAPI.CurrentAPI.FreeMemory(input.LoadEffectiveAddressAsPtr()).ShouldBe(CudaError.CUDA_SUCCESS); // ILGPU itself forgets the address
        Launch(nameof(FaultyKernels.Copies), input, groups: 1);
        Should.Throw<CudaException>(_device.Accelerator.Synchronize).Error.ShouldBe("CUDA_ERROR_ILLEGAL_ADDRESS");
        ShouldBeTold(nameof(FaultyKernels.Copies), KernelFaultKind.FreedMemory).Message.ShouldContain("freed");
    }

    [Fact]
    public void Fault_stays_with_its_device_and_goes_with_it()
    {
        using IlgpuDevice other = Open();
        int contexts = SoftwareDriverState.Contexts.Length;
        Launch(nameof(FaultyKernels.Overruns), Written(), groups: 1);
        string first = Should.Throw<DeviceLostException>(_device.Synchronize).Message;
        Should.Throw<DeviceLostException>(() => _device.Allocate<int>(4, "a test")).Message.ShouldBe(first);
        Should.Throw<DeviceLostException>(() => _device.LoadKernel<ArrayView<int>, int>(FaultyKernels.Fill)).Message.ShouldBe(first);
        Should.Throw<CudaException>(() => _device.Accelerator.Allocate1D<int>(4)).Error.ShouldBe("CUDA_ERROR_ILLEGAL_ADDRESS");

        ShouldWork(other);
        _software.AllocatedBytes.ShouldBeGreaterThan(0);
        _device.Dispose();
        _software.AllocatedBytes.ShouldBe(0);
        SoftwareDriverState.Contexts.Length.ShouldBe(contexts - 1);
        ShouldWork(other);
    }

    [Fact]
    public void Unchecked_race_is_what_a_gpu_would_make_of_it()
    {
        _software.CheckRaces = false;
        ArrayView<int> output = Launch(nameof(FaultyKernels.RacesBetweenGroups), Written(), groups: 3);
        _device.Synchronize();
        output.SubView(0, 1).GetAsArray()[0].ShouldBeInRange(5, 7);
    }

    [Fact]
    public void Nth_launch_fails_and_says_which_it_was()
    {
        Action<KernelConfig, ArrayView<int>, int> fill = _device.LoadKernel<ArrayView<int>, int>(FaultyKernels.Fill);
        ArrayView<int> output = Written();
        _software.Faults.FailLaunch = 2;
        fill((1, Count), output, 1);
        _device.Synchronize();
        output.GetAsArray().ShouldAllBe(value => value == 1);
        fill((1, Count), output, 2);
        string message = Should.Throw<DeviceLostException>(_device.Synchronize).Message;
        message.ShouldContain("Kernel Fill: its launch failed, on request");
        _software.Fault.ShouldBeNull(); // no kernel did anything wrong
    }

    private static IlgpuDevice Open()
    {
        SoftwareCudaBackend.Register();
        return (IlgpuDevice)Device.Open("cuda-software");
    }

    private static void ShouldWork(IlgpuDevice device)
    {
        using MemoryBuffer1D<int, Stride1D.Dense> buffer = device.Accelerator.Allocate1D<int>(32);
        device.LoadKernel<ArrayView<int>, int>(FaultyKernels.Fill)((1, 32), buffer.View.BaseView, 9);
        device.Synchronize();
        buffer.GetAsArray1D().ShouldAllBe(value => value == 9);
    }

    private KernelFaultException ShouldBeTold(string kernel, KernelFaultKind kind)
    {
        string message = Should.Throw<DeviceLostException>(_device.Synchronize).Message;
        KernelFaultException fault = _software.Fault.ShouldNotBeNull();
        fault.Kernel.ShouldBe(kernel);
        fault.Kind.ShouldBe(kind);
        fault.Line.ShouldBeGreaterThan(1);
        message.ShouldStartWith("Device 'cuda-software' failed: ");
        message.ShouldContain($"Kernel {kernel}: ");
        message.ShouldContain(
            $"; line {fault.Line} `{fault.Instruction}`, group ({fault.Group.X}, {fault.Group.Y}, {fault.Group.Z}), warp 0, lane {fault.Lane}");
        return fault;
    }

    private ArrayView<int> Written() =>
        _device.Accelerator.Allocate1D(Enumerable.Repeat(5, Count).ToArray()).View.BaseView;

    private ArrayView<int> Launch(string kernel, ArrayView<int> input, int groups)
    {
        ArrayView<int> output = _device.Accelerator.Allocate1D<int>(Count).View.BaseView;
        var method = (Action<ArrayView<int>, ArrayView<int>>)typeof(FaultyKernels).GetMethod(kernel)!
            .CreateDelegate(typeof(Action<ArrayView<int>, ArrayView<int>>));
        _device.LoadKernel(method)((groups, 32), input, output);
        return output;
    }
}
