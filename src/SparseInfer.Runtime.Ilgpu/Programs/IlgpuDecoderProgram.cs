using ILGPU;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Runtime;

/// <summary>Base class of generated programs for ILGPU's devices.</summary>
public abstract class IlgpuDecoderProgram : DecoderProgram
{
    private readonly SharedRotaryTables _rotary;

    /// <summary>Makes a program without weights.</summary>
    /// <param name="device">Where it runs.</param>
    /// <param name="groupThreads">Threads of the largest group that it launches.</param>
    /// <exception cref="KernelRefusedException">The device runs no such groups.</exception>
    protected IlgpuDecoderProgram(IlgpuDevice device, int groupThreads = 1)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (device.Accelerator.MaxNumThreadsPerGroup is var most && groupThreads > most)
        {
            throw new KernelRefusedException(
                $"Device '{device.Name}' runs groups of {most} threads at most, and kernels of this model have {groupThreads}. Run it on 'cpu' or on a CUDA device.", null);
        }

        Device = device;
        _rotary = new SharedRotaryTables(device, Memory);
    }

    /// <summary>Where it runs.</summary>
    public IlgpuDevice Device { get; }

    /// <inheritdoc/>
    public sealed override bool MixesDown => true;

    /// <inheritdoc/>
    public sealed override IReadOnlyList<KeyValueType> CacheTypes { get; } = [KeyValueType.F16, KeyValueType.F32];

    /// <summary>Copies what a binder gives to the device. What is on the device belongs to the program from then on.</summary>
    /// <param name="bind">The binder.</param>
    protected IlgpuUpload Upload(WeightBinder bind)
    {
        ArgumentNullException.ThrowIfNull(bind);
        return new IlgpuUpload(Device, bind);
    }

    /// <inheritdoc cref="SharedRotaryTables.For"/>
    internal (ArrayView<float> Cos, ArrayView<float> Sin) RotaryTables(RopeTable table, int pairs, int positions) =>
        _rotary.For(table, pairs, positions, Shape.Context);
}
