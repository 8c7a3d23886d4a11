namespace SparseInfer;

/// <summary>A device that ILGPU could use, or a kind of which there is none that can be used.</summary>
public sealed record IlgpuDeviceInfo
{
    /// <summary>How it is asked for: <c>cuda</c>, the second <c>cuda:1</c>.</summary>
    public required string Name { get; init; }

    /// <summary><c>cuda</c>, <c>opencl</c>, <c>ilgpu-cpu</c> or <c>cuda-software</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>What it is, for people: the driver's name of it. Null where there is none.</summary>
    public string? Description { get; init; }

    /// <summary>Whether it can be opened.</summary>
    public bool IsUsable => WhyNot is null;

    /// <summary>Why it cannot be used; null where it can.</summary>
    public string? WhyNot { get; init; }

    /// <summary>What would help; null where it can be used.</summary>
    public string? Fix { get; init; }

    /// <summary>Its memory in bytes; 0 where that is not known. An integrated device's is the machine's.</summary>
    public long MemoryBytes { get; init; }

    /// <summary>Its multiprocessors, or compute units; 0 where that is not known.</summary>
    public int Multiprocessors { get; init; }

    /// <summary>A CUDA device's architecture, <c>sm_87</c>; null for others.</summary>
    public string? Architecture { get; init; }

    /// <summary>Whether kernels for tensor cores run on it: a CUDA device of sm_80 or later.</summary>
    public bool HasTensorCores =>
        Architecture is { } name && int.Parse(name.AsSpan("sm_".Length), System.Globalization.CultureInfo.InvariantCulture) >= 80;
}
