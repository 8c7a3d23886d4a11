using ILGPU;
using ILGPU.Runtime;
using SparseInfer.SoftwareCuda.Driver;
using SparseInfer.SoftwareCuda.Tests.CompiledKernels;
using SparseInfer.SoftwareCuda.Tests.Ptx;

namespace SparseInfer.SoftwareCuda.Tests.Driver;

/// <summary>Launches, called as a C program calls them, and by ILGPU.</summary>
public sealed unsafe class LaunchTests : IDisposable
{
    private const string Add = "ld.global.u32 %r2, [%rd4];\nadd.u32 %r2, %r2, 1;\nst.global.u32 [%rd5], %r2;";
    private readonly nint _context = RawDriver.NewContext();
    private readonly nint _function;
    private readonly nint _input;
    private readonly nint _output;

    public LaunchTests()
    {
        _function = Function(Machine.Text(Add), "Kernel_T");
        _input = RawDriver.Allocated(128);
        _output = RawDriver.Allocated(128);
        RawDriver.Fill(_input, 1, 128).ShouldBe(CuResult.Success);
    }

    public void Dispose() => RawDriver.DestroyContext(_context);

    [Fact]
    public void Parameters_come_by_their_addresses_or_in_one_buffer()
    {
        RawDriver.Launch(_function, 1, 32, 0, _input, _output).ShouldBe(CuResult.Success);
        Read(_output).ShouldAllBe(value => value == 0x01010102);
        RawDriver.LaunchWithBuffer(_function, 1, 32, [_output, _input]).ShouldBe(CuResult.Success);
        Read(_input).ShouldAllBe(value => value == 0x01010103);

        RawDriver.LaunchWithBuffer(_function, 1, 32, [_output]).ShouldBe(CuResult.LaunchOutOfResources); // one is missing
        RawDriver.SynchronizeContext().ShouldBe(CuResult.Success);
    }

    [Theory]
    [InlineData(1u, 1025u, 0u)] // threads of a group
    [InlineData(1u, 0u, 0u)]
    [InlineData(0u, 32u, 0u)]
    [InlineData(0x8000_0000u, 32u, 0u)] // groups
    [InlineData(1u, 32u, 48u * 1024 - 255)] // the kernel has 256 bytes itself
    public void Sizes_that_no_device_takes_are_refused_and_harm_nothing(uint groups, uint threads, uint shared)
    {
        RawDriver.Launch(_function, groups, threads, shared, _input, _output).ShouldBe(CuResult.InvalidValue);
        RawDriver.Launch(_function, 1, 32, (48 * 1024) - 256, _input, _output).ShouldBe(CuResult.Success);
        RawDriver.SynchronizeContext().ShouldBe(CuResult.Success);
    }

    [Fact]
    public void Kernel_that_bounds_its_groups_is_taken_at_its_word()
    {
        nint bounded = Function(Machine.Text(Add).Replace("\n{ .reg", "\n.maxntid 32, 1, 1\n{ .reg"), "Kernel_T");
        RawDriver.Launch(bounded, 1, 33, 0, _input, _output).ShouldBe(CuResult.InvalidValue);
        RawDriver.Launch(bounded, 1, 32, 0, _input, _output).ShouldBe(CuResult.Success);
    }

    [Fact]
    public void Function_is_of_its_context_and_goes_with_its_module()
    {
        RawDriver.LoadModule(out nint module, Machine.Text(Add), out _).ShouldBe(CuResult.Success);
        RawDriver.Function(out nint function, module, "Kernel_T").ShouldBe(CuResult.Success);
        nint second = RawDriver.NewContext();
        RawDriver.Launch(function, 1, 32, 0, _input, _output).ShouldBe(CuResult.InvalidHandle);
        RawDriver.DestroyContext(second);
        RawDriver.SetContext(_context);

        RawDriver.UnloadModule(module).ShouldBe(CuResult.Success);
        RawDriver.Launch(function, 1, 32, 0, _input, _output).ShouldBe(CuResult.InvalidHandle);
        RawDriver.Function(out _, module, "Kernel_T").ShouldBe(CuResult.InvalidHandle);
        RawDriver.UnloadModule(module).ShouldBe(CuResult.InvalidHandle);
        RawDriver.Launch(_function, 1, 32, 0, _input, _output).ShouldBe(CuResult.Success); // the same text in another module
    }

    [Fact]
    public void Fault_is_what_every_later_call_answers_in_this_context_alone()
    {
        RawDriver.Launch(_function, 1, 33, 0, _input, _output).ShouldBe(CuResult.Success); // 33 values of 32
        RawDriver.SynchronizeContext().ShouldBe(CuResult.IllegalAddress);
        RawDriver.Launch(_function, 1, 32, 0, _input, _output).ShouldBe(CuResult.IllegalAddress);
        RawDriver.Allocate(out _, 16).ShouldBe(CuResult.IllegalAddress);
        RawDriver.Fill(_input, 0, 16).ShouldBe(CuResult.IllegalAddress);
        RawDriver.LoadModule(out _, Machine.Text(Add), out _).ShouldBe(CuResult.IllegalAddress);

        nint second = RawDriver.NewContext();
        RawDriver.Allocate(out _, 16).ShouldBe(CuResult.Success);
        RawDriver.SynchronizeContext().ShouldBe(CuResult.Success);
        RawDriver.DestroyContext(second).ShouldBe(CuResult.Success);
        RawDriver.DestroyContext(_context).ShouldBe(CuResult.Success);
    }

    [Fact]
    public void Dynamic_shared_memory_is_what_the_launch_asks_for()
    {
        using var bench = new Bench();
        Action<KernelConfig, ArrayView<int>> reverse = bench.Device.LoadKernel<ArrayView<int>>(FaultyKernels.Reverse);
        ArrayView<int> data = bench.Of(Enumerable.Range(0, 96).ToArray());
        reverse(new KernelConfig(1, 96, SharedMemoryConfig.RequestDynamic<int>(96)), data);
        bench.Back(data).ShouldBe(Enumerable.Range(0, 96).Reverse());

        reverse(new KernelConfig(1, 96, SharedMemoryConfig.RequestDynamic<int>(95)), data);
        Should.Throw<DeviceLostException>(bench.Device.Synchronize).Message.ShouldContain("lane 31"); // the 96th of the group
        bench.Software.Fault!.Warp.ShouldBe(2);
    }

    [Theory]
    [InlineData(32, 0, 16)] // groups
    [InlineData(128, 0, 12)] // 1536 threads
    [InlineData(1024, 0, 1)]
    [InlineData(32, 48 * 1024, 3)] // 164 KiB, and 1 KiB that each group takes beside its own
    [InlineData(32, 49 * 1024, 0)]
    public void Occupancy_is_what_a_multiprocessor_holds(int threads, int shared, int expected)
    {
        using var bench = new Bench();
        Kernel kernel = bench.Device.LoadKernel<ArrayView<int>>(FaultyKernels.Reverse).GetKernel();
        bench.Accelerator.EstimateMaxActiveGroupsPerMultiprocessor(kernel, threads, shared).ShouldBe(expected);
    }

    [Fact]
    public void Best_group_fills_a_multiprocessor()
    {
        using var bench = new Bench();
        Kernel kernel = bench.Device.LoadKernel<ArrayView<int>>(FaultyKernels.Reverse).GetKernel();
        int threads = bench.Accelerator.EstimateGroupSize(kernel, 0, 0, out int groups);
        threads.ShouldBe(768); // the largest of which two fill 1536 threads
        groups.ShouldBe(2 * 16);
    }

    internal static nint Function(string ptx, string name)
    {
        RawDriver.LoadModule(out nint module, ptx, out string log).ShouldBe(CuResult.Success, log);
        RawDriver.Function(out nint function, module, name).ShouldBe(CuResult.Success);
        return function;
    }

    internal static uint[] Read(nint address)
    {
        var values = new uint[32];
        fixed (uint* pointer = values)
        {
            RawDriver.Copy((nint)pointer, address, 128).ShouldBe(CuResult.Success);
        }

        return values;
    }
}
