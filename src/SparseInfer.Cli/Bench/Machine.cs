using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace SparseInfer.Cli.Bench;

/// <summary>What the machine is, and how much memory it has left.</summary>
internal static class Machine
{
    /// <summary>The processor's name, as the operating system tells it.</summary>
    public static string CpuInfo { get; } =
        FromFile("/proc/cpuinfo", "model name")
        ?? Environment.GetEnvironmentVariable("PROCESSOR_IDENTIFIER")
        ?? RuntimeInformation.ProcessArchitecture.ToString();

    /// <summary>Bytes that can be allocated without the system swapping, the container's limit included.</summary>
    public static long AvailableMemory
    {
        get
        {
            return Available(
                GC.GetGCMemoryInfo().TotalAvailableMemoryBytes,
                Environment.WorkingSet,
                FromFile("/proc/meminfo", "MemAvailable") is { } text ? Kilobytes(text) : null);
        }
    }

    /// <summary>Memory of this process that lies in RAM, mapped files included.</summary>
    public static long ResidentMemory
    {
        get
        {
            using var process = Process.GetCurrentProcess();
            return process.WorkingSet64;
        }
    }

    /// <summary>What is left of the container's limit, or of the machine where that is less. A process may already be past its limit.</summary>
    internal static long Available(long limit, long used, long? machine) =>
        Math.Max(0, Math.Min(machine ?? long.MaxValue, limit - used));

    private static string? FromFile(string path, string key)
    {
        try
        {
            string? line = File.ReadLines(path).FirstOrDefault(line => line.StartsWith(key, StringComparison.Ordinal));
            return line?[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static long? Kilobytes(string text) =>
        long.TryParse(text.Split(' ')[0], NumberStyles.None, CultureInfo.InvariantCulture, out long value) ? value * 1024 : null;
}
