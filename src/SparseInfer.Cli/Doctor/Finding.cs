namespace SparseInfer.Cli.Doctor;

/// <summary>What there is to say of a device. Its properties, in snake case, are the JSON's names.</summary>
internal sealed record Finding
{
    /// <summary>How it is asked for.</summary>
    public required string Name { get; init; }

    /// <summary>Whether it can be used.</summary>
    public required bool Usable { get; init; }

    /// <summary>Whether it is what a program gets that does not choose.</summary>
    public bool IsBest { get; init; }

    /// <summary>What it is; null where there is none.</summary>
    public string? Description { get; init; }

    /// <summary>Why it cannot be used.</summary>
    public string? WhyNot { get; init; }

    /// <summary>What would help.</summary>
    public string? Fix { get; init; }

    /// <summary>Its memory; null where that is not known.</summary>
    public long? MemoryBytes { get; init; }

    /// <summary>Its multiprocessors; null where that is not known.</summary>
    public int? Multiprocessors { get; init; }

    /// <summary>A CUDA device's architecture.</summary>
    public string? Architecture { get; init; }

    public static Finding Of(IlgpuDeviceInfo info) => new()
    {
        Name = info.Name,
        Usable = info.IsUsable,
        Description = info.Description,
        WhyNot = info.WhyNot,
        Fix = info.Fix,

        // The latter is what ILGPU's CPU accelerator says: it knows no bound.
        MemoryBytes = info.MemoryBytes is 0 or long.MaxValue ? null : info.MemoryBytes,
        Multiprocessors = info.Multiprocessors == 0 ? null : info.Multiprocessors,
        Architecture = info.Architecture,
    };
}
