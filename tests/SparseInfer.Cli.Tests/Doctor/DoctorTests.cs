using System.Runtime.InteropServices;
using System.Text.Json;
using SparseInfer.Cli.Doctor;
using SparseInfer.SoftwareCuda.Driver.Calls;
using SparseInfer.SoftwareCuda.Driver.Library;

namespace SparseInfer.Cli.Tests.Doctor;

/// <summary>What the doctor says of a machine, whatever it has.</summary>
public sealed class DoctorTests
{
    [Fact]
    public async Task Every_backend_is_listed_and_the_exit_code_is_0()
    {
        (int exitCode, string output) = await RunAsync("doctor");
        exitCode.ShouldBe(0);
        string[] names = [.. output.Split('\n').Where(line => line.Length > 0 && line[0] != ' ').Select(line => line.Split(' ')[0])];
        names[0].ShouldBe("cpu");
        names.ShouldContain("cuda");
        names.ShouldContain("opencl");
        names.ShouldContain("ilgpu-cpu");
        names.ShouldContain("cuda-software");
        output.ShouldContain("-bit vectors");
    }

    [Fact]
    public async Task Json_has_the_same_devices_each_usable_or_with_a_reason_and_a_fix()
    {
        (int exitCode, string output) = await RunAsync("doctor", "--json");
        exitCode.ShouldBe(0);
        using JsonDocument json = JsonDocument.Parse(output);
        JsonElement[] devices = [.. json.RootElement.EnumerateArray()];
        devices.Count(device => device.GetProperty("is_best").GetBoolean()).ShouldBe(1);
        devices.Single(device => device.GetProperty("name").GetString() == "cpu").GetProperty("usable").GetBoolean().ShouldBeTrue();
        foreach (JsonElement device in devices)
        {
            bool usable = device.GetProperty("usable").GetBoolean();
            (device.GetProperty("why_not").ValueKind == JsonValueKind.Null).ShouldBe(usable);
            (device.GetProperty("fix").ValueKind == JsonValueKind.Null).ShouldBe(usable);
        }
    }

    [Fact]
    public void The_software_device_cannot_be_used_where_another_driver_was_asked_first()
    {
        if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != Architecture.X64)
        {
            return;
        }

        string folder = Directory.CreateTempSubdirectory("sparseinfer-tests").FullName;
        try
        {
            File.WriteAllBytes(Path.Combine(folder, "libcuda.so.1"), DriverWithoutDevices());
            ToolResult result = ToolProgram.RunProgram("env", $"LD_LIBRARY_PATH={folder}", ToolProgram.Dotnet, ToolProgram.Assembly, "doctor", "--json");

            result.ExitCode.ShouldBe(0, result.Error);
            using JsonDocument json = JsonDocument.Parse(result.Output);
            Find("cuda").GetProperty("why_not").GetString().ShouldBe("the driver reports no device");
            Find("cuda-software").GetProperty("why_not").GetString()!.ShouldStartWith("this process has asked NVIDIA's driver");

            JsonElement Find(string name) => json.RootElement.EnumerateArray().Single(device => device.GetProperty("name").GetString() == name);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void Text_shows_the_fix_below_the_reason_and_marks_the_best()
    {
        DoctorReport.Text(
        [
            new Finding { Name = "cpu", Usable = true, Description = "CPU, 8 threads" },
            new Finding
            {
                Name = "cuda", Usable = true, IsBest = true, Description = "Orin", Architecture = "sm_87", MemoryBytes = 8L << 30, Multiprocessors = 8,
            },
            new Finding { Name = "opencl", Usable = false, WhyNot = "libOpenCL.so.1 was not found", Fix = "Install it." },
            new Finding { Name = "opencl:1", Usable = false, Description = "pthread", WhyNot = "too old", Fix = "Use another device." },
        ]).ShouldBe("""
            cpu       usable    CPU, 8 threads
            cuda      best      Orin, sm_87, 8 GiB
            opencl    no        libOpenCL.so.1 was not found
                                Install it.
            opencl:1  no        pthread: too old
                                Use another device.

            """.ReplaceLineEndings("\n"));
    }

    /// <summary>A library as the software driver's, whose functions all answer CUDA_ERROR_NO_DEVICE.</summary>
    private static byte[] DriverWithoutDevices()
    {
        byte[] library = SharedObject.Write([.. EntryPoints.All.Select(function => function.Name)], Architecture.X64);
        byte[] stub = [0xF3, 0x0F, 0x1E, 0xFA, 0xFF, 0x25]; // endbr64; jmp [rip + ...]
        byte[] answer = [0xB8, 100, 0, 0, 0, 0xC3]; // mov eax, 100; ret
        for (int at = library.AsSpan().IndexOf(stub); at >= 0; at = library.AsSpan().IndexOf(stub))
        {
            answer.CopyTo(library, at + 4);
        }

        return library;
    }

    private static async Task<(int ExitCode, string Output)> RunAsync(params string[] args)
    {
        await using var output = new StringWriter();
        await using var error = new StringWriter();
        int exitCode = await CommandLine.RunAsync(args, output, error);
        error.ToString().ShouldBeEmpty();
        return (exitCode, output.ToString());
    }
}
