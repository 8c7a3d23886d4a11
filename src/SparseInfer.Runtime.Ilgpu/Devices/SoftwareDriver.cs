namespace SparseInfer;

/// <summary>
/// A CUDA driver in software, that ILGPU's CUDA accelerator runs over in a process that asks for it by name. There is one, in
/// SparseInfer.SoftwareCuda.
/// </summary>
internal abstract class SoftwareDriver
{
    /// <summary>The name of its first device, and the kind of all of them.</summary>
    public const string Kind = "cuda-software";

    /// <summary>What its devices are, for people.</summary>
    public abstract string Description { get; }

    /// <summary>Why it cannot be used on this machine, and what to use, without a full stop; null: it can.</summary>
    public abstract string? WhyNot { get; }

    /// <summary>Its devices' names and sizes, known without loading it.</summary>
    public abstract IReadOnlyList<IlgpuDeviceInfo> Devices { get; }

    /// <summary>Loads the library that has the driver's functions; again and again the same.</summary>
    /// <exception cref="IOException">It could not be written or loaded.</exception>
    public abstract nint LoadLibrary();

    /// <summary>Whether somebody has called its functions.</summary>
    public abstract bool IsInUse { get; }

    /// <summary>The last failure of an accelerator in words: which kernel faulted, and where. Null: there was none.</summary>
    /// <param name="context">The accelerator's context, as the driver calls it.</param>
    public abstract string? LastFailure(nint context);
}
