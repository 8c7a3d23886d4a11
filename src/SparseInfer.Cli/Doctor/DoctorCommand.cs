using SparseInfer.SoftwareCuda;

namespace SparseInfer.Cli.Doctor;

/// <summary><c>sparseinfer doctor</c>.</summary>
internal static class DoctorCommand
{
    /// <summary>Finds the devices, and writes what there is to say of each.</summary>
    /// <param name="json">Whether for programs.</param>
    /// <param name="output">Where it goes.</param>
    public static async Task RunAsync(bool json, TextWriter output)
    {
        SoftwareCudaBackend.Register();
        Finding[] findings = [Cpu(), .. IlgpuDevice.List().Select(Finding.Of)];
        string best = Best();
        findings = [.. findings.Select(finding => finding with { IsBest = finding.Name == best })];
        await output.WriteAsync(json ? DoctorReport.Json(findings) : DoctorReport.Text(findings));
    }

    private static Finding Cpu()
    {
        using CpuDevice cpu = Device.Cpu();
        return new Finding { Name = cpu.Name, Usable = true, Description = cpu.Description, MemoryBytes = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes };
    }

    private static string Best()
    {
        using Device best = Device.Best();
        return best.Name;
    }
}
