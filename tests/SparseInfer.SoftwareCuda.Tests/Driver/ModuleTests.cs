using SparseInfer.SoftwareCuda.Driver;
using SparseInfer.SoftwareCuda.Tests.Ptx;

namespace SparseInfer.SoftwareCuda.Tests.Driver;

/// <summary>PTX as the driver takes it or refuses it, and what its log says.</summary>
public sealed class ModuleTests : IDisposable
{
    private readonly nint _context = RawDriver.NewContext();

    public void Dispose() => RawDriver.DestroyContext(_context);

    [Fact]
    public void Unknown_instruction_is_logged_with_its_line_and_text()
    {
        RawDriver.LoadModule(out _, Machine.Text("\nwgmma.fence.sync.aligned;"), out string log).ShouldBe(CuResult.InvalidPtx);
        log.ShouldStartWith($"ptxas application ptx input, line {Machine.FirstLine + 1}; error   : ");
        log.ShouldContain("wgmma.fence.sync.aligned");
        log.ShouldContain("Ptx assembly aborted due to errors");
        ShouldStillLoad();
    }

    [Theory]
    [InlineData(".version 8.0", ".version 9.9", 222, "line 1; fatal   : Unsupported .version 9.9; current version is '8.2'")]
    [InlineData("sm_80", "sm_100", 209, "line 2; fatal   : SM version specified by .target is higher than default SM version assumed: sm_100, the device is sm_87")]
    [InlineData(".version", ".edition", 200, "there is no .version")]
    [InlineData("%rd1, [_a_1]", "%rd1, [_nothing]", 218, "_nothing")]
    [InlineData("%rd2, [_b_2]", "%undeclared, [_b_2]", 218, "%undeclared")]
    [InlineData("\nret; }", "\nret; ", 218, "error")]
    public void Text_that_is_not_for_the_device_is_refused(string right, string wrong, int result, string log)
    {
        RawDriver.LoadModule(out _, Machine.Text("").Replace(right, wrong), out string actual).ShouldBe((CuResult)result, actual);
        actual.ShouldContain(log);
        ShouldStillLoad();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(20)]
    public void Log_ends_in_its_buffer(int bytes)
    {
        RawDriver.LoadModule(out _, Machine.Text("wgmma;"), out string log, bytes).ShouldBe(CuResult.InvalidPtx);
        log.ShouldBe("ptxas application ptx input"[..(bytes - 1)]);
    }

    [Fact]
    public void Log_of_a_success_is_empty()
    {
        RawDriver.LoadModule(out _, Machine.Text(""), out string log).ShouldBe(CuResult.Success);
        log.ShouldBe("");
    }

    [Fact]
    public void Functions_are_found_by_name_and_are_the_same_each_time()
    {
        RawDriver.LoadModule(out nint module, Machine.Text(""), out _).ShouldBe(CuResult.Success);
        RawDriver.Function(out _, module, "Kernel_U").ShouldBe(CuResult.NotFound);
        RawDriver.Function(out _, module, "").ShouldBe(CuResult.InvalidValue);
        RawDriver.Function(out nint first, module, "Kernel_T").ShouldBe(CuResult.Success);
        RawDriver.Function(out nint second, module, "Kernel_T").ShouldBe(CuResult.Success);
        second.ShouldBe(first);
        RawDriver.Function(out _, first, "Kernel_T").ShouldBe(CuResult.InvalidHandle); // no module
    }

    private static void ShouldStillLoad()
    {
        RawDriver.LoadModule(out nint module, Machine.Text(""), out string log).ShouldBe(CuResult.Success, log);
        RawDriver.UnloadModule(module).ShouldBe(CuResult.Success);
    }
}
