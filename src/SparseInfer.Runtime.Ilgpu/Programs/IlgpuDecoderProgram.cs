namespace SparseInfer.Runtime;

/// <summary>Base class of generated programs for ILGPU's devices.</summary>
/// <param name="device">Where it runs.</param>
public abstract class IlgpuDecoderProgram(IlgpuDevice device) : DecoderProgram
{
    /// <summary>Where it runs.</summary>
    public IlgpuDevice Device { get; } = device;

    /// <inheritdoc/>
    public sealed override IReadOnlyList<KeyValueType> CacheTypes { get; } = [KeyValueType.F16, KeyValueType.F32];

    /// <summary>Copies what a binder gives to the device. What is on the device belongs to the program from then on.</summary>
    /// <param name="bind">The binder; in its checking pass nothing is copied.</param>
    protected IlgpuUpload Upload(WeightBinder bind)
    {
        ArgumentNullException.ThrowIfNull(bind);
        return new IlgpuUpload(Device, bind);
    }
}
