using SparseInfer.SoftwareCuda.Driver;

namespace SparseInfer.SoftwareCuda.Tests.Driver;

/// <summary>Devices, contexts, streams and events, called as a C program calls them.</summary>
public class EntryPointTests : IDisposable
{
    private readonly SoftwareCudaOptions _options = SoftwareCudaBackend.Options;
    private readonly nint _context = RawDriver.NewContext();

    public void Dispose()
    {
        RawDriver.DestroyContext(_context);
        SoftwareCudaBackend.Options = _options;
        GC.SuppressFinalize(this);
    }

    [Fact]
    public void Init_takes_no_flags() => RawDriver.Init(1).ShouldBe(CuResult.InvalidValue);

    [Fact]
    public void Devices_are_what_the_options_say()
    {
        SoftwareCudaBackend.Options = new SoftwareCudaOptions { Devices = 2, Architecture = 90, Multiprocessors = 132 };

        RawDriver.Count(out int count).ShouldBe(CuResult.Success);
        count.ShouldBe(2);
        RawDriver.Attribute(out int major, 75, 1).ShouldBe(CuResult.Success);
        major.ShouldBe(9);
        RawDriver.Attribute(out int multiprocessors, 16).ShouldBe(CuResult.Success);
        multiprocessors.ShouldBe(132);
        RawDriver.Attribute(out int shared, 81).ShouldBe(CuResult.Success);
        shared.ShouldBe(228 * 1024);
        RawDriver.Attribute(out _, 75, 2).ShouldBe(CuResult.InvalidDevice);
        RawDriver.Attribute(out _, 75, -1).ShouldBe(CuResult.InvalidDevice);
        RawDriver.Attribute(out _, 9999).ShouldBe(CuResult.InvalidValue);
        RawDriver.CreateContext(out _, 2).ShouldBe(CuResult.InvalidDevice);
    }

    [Fact]
    public void Device_name_ends_in_its_buffer()
    {
        RawDriver.DeviceName(64).ShouldBe("software CUDA device (sm_87)");
        RawDriver.DeviceName(5).ShouldBe("soft");
        RawDriver.DeviceName(1).ShouldBe("");
    }

    [Theory]
    [InlineData(0, "CUDA_SUCCESS", "no error")]
    [InlineData(1, "CUDA_ERROR_INVALID_VALUE", "invalid argument")]
    [InlineData(2, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory")]
    [InlineData(209, "CUDA_ERROR_NO_BINARY_FOR_GPU", "no kernel image is available for execution on the device")]
    [InlineData(218, "CUDA_ERROR_INVALID_PTX", "a PTX JIT compilation failed")]
    [InlineData(222, "CUDA_ERROR_UNSUPPORTED_PTX_VERSION", "the provided PTX was compiled with an unsupported toolchain.")]
    [InlineData(700, "CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered")]
    [InlineData(701, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES", "too many resources requested for launch")]
    [InlineData(716, "CUDA_ERROR_MISALIGNED_ADDRESS", "misaligned address")]
    [InlineData(719, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure")]
    public void Results_have_cudas_names_and_texts(int result, string name, string text)
    {
        RawDriver.ErrorText("cuGetErrorName", result, out string? actualName).ShouldBe(CuResult.Success);
        RawDriver.ErrorText("cuGetErrorString", result, out string? actualText).ShouldBe(CuResult.Success);
        actualName.ShouldBe(name);
        actualText.ShouldBe(text);
    }

    [Fact]
    public void Unknown_result_has_no_text()
    {
        RawDriver.ErrorText("cuGetErrorString", 12345, out string? text).ShouldBe(CuResult.InvalidValue);
        text.ShouldBeNull();
    }

    [Fact]
    public void Thread_without_context_is_told()
    {
        RawDriver.SetContext(0).ShouldBe(CuResult.Success);
        RawDriver.Allocate(out _, 16).ShouldBe(CuResult.InvalidContext);
        RawDriver.SynchronizeContext().ShouldBe(CuResult.InvalidContext);
        RawDriver.SetContext(12345).ShouldBe(CuResult.InvalidContext);
    }

    [Fact]
    public void Destroyed_context_is_no_threads_any_more()
    {
        nint second = RawDriver.NewContext();
        RawDriver.SetContext(_context);
        RawDriver.DestroyContext(second).ShouldBe(CuResult.Success);

        RawDriver.SetContext(second).ShouldBe(CuResult.InvalidContext);
        RawDriver.DestroyContext(second).ShouldBe(CuResult.InvalidContext);
        RawDriver.SynchronizeContext().ShouldBe(CuResult.Success);
    }

    [Fact]
    public void Context_that_another_thread_destroyed_is_told()
    {
        nint second = RawDriver.NewContext();
        var thread = new Thread(() => RawDriver.DestroyContext(second));
        thread.Start();
        thread.Join();

        RawDriver.SynchronizeContext().ShouldBe(CuResult.ContextIsDestroyed);
    }

    [Fact]
    public void Handles_are_of_one_kind_and_one_context_and_never_used_again()
    {
        RawDriver.CreateStream(out nint stream, 1).ShouldBe(CuResult.Success);
        RawDriver.CreateEvent(out nint recorded).ShouldBe(CuResult.Success);
        RawDriver.SynchronizeStream(recorded).ShouldBe(CuResult.InvalidHandle);
        RawDriver.Query(stream).ShouldBe(CuResult.InvalidHandle);

        nint second = RawDriver.NewContext();
        RawDriver.SynchronizeStream(stream).ShouldBe(CuResult.InvalidHandle);
        RawDriver.Record(recorded).ShouldBe(CuResult.InvalidHandle);
        RawDriver.DestroyContext(second);
        RawDriver.SetContext(_context);

        RawDriver.DestroyStream(stream).ShouldBe(CuResult.Success);
        RawDriver.DestroyStream(stream).ShouldBe(CuResult.InvalidHandle);
        RawDriver.CreateStream(out nint next, 0).ShouldBe(CuResult.Success);
        next.ShouldNotBe(stream);
        RawDriver.CreateStream(out _, 2).ShouldBe(CuResult.InvalidValue);
        RawDriver.DestroyEvent(recorded).ShouldBe(CuResult.Success);
        RawDriver.Query(recorded).ShouldBe(CuResult.InvalidHandle);
    }

    [Fact]
    public void Events_know_the_time_between_them()
    {
        RawDriver.CreateEvent(out nint start);
        RawDriver.CreateEvent(out nint end);
        RawDriver.CreateEvent(out nint untimed, 2);
        RawDriver.Elapsed(out _, start, end).ShouldBe(CuResult.InvalidHandle); // not recorded

        RawDriver.Record(start);
        RawDriver.Record(untimed);
        Thread.Sleep(20);
        RawDriver.Record(end);
        RawDriver.Query(end).ShouldBe(CuResult.Success);
        RawDriver.Elapsed(out float milliseconds, start, end).ShouldBe(CuResult.Success);
        milliseconds.ShouldBeGreaterThan(15);
        RawDriver.Elapsed(out _, start, untimed).ShouldBe(CuResult.InvalidHandle);
    }
}
