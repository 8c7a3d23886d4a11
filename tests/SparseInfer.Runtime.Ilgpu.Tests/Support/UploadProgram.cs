using SparseInfer.Files;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Runtime.Ilgpu.Tests;

/// <summary>A program that only binds: what it does is up to the test.</summary>
internal sealed class UploadProgram(IlgpuDevice device, DeclaredTensor[] wanted, Action<WeightBinder, IlgpuUpload> bind, int groupThreads = 1)
    : IlgpuDecoderProgram(device, groupThreads)
{
    public override IReadOnlyList<DeclaredTensor> Tensors => wanted;

    /// <summary>Loads tensors of a model that was never a file.</summary>
    public static TinyModel Load(
        IlgpuDevice device, DeclaredTensor[] wanted, Action<WeightBinder, IlgpuUpload> bind, params TensorInMemory[] tensors) =>
        Load(device, wanted, bind, ModelFile.FromMemory("uploads", metadata: null, tensors));

    public static TinyModel Load(IlgpuDevice device, DeclaredTensor[] wanted, Action<WeightBinder, IlgpuUpload> bind, ModelFile file) =>
        new(ModelLoader.Load(file, TinyDecoder.DeclaredShape, device, options: null, on => new UploadProgram((IlgpuDevice)on, wanted, bind)));

    public static DeclaredMatrix Matrix(string name, int rows, int columns, params WeightType[] types) => new(new(name, ""), rows, columns, types);

    public static TensorInMemory Tensor(string name, WeightType type, byte[] bytes, params long[] shape)
    {
        NativeBuffer buffer = Numbers.Native(bytes);
        return new TensorInMemory(name, TensorType.Of(type), shape, buffer);
    }

    public override void Bind(WeightBinder binder) => bind(binder, Upload(binder));

    public override DecoderState CreateState(int capacity, KeyValueType cacheType) => throw new NotSupportedException();
}
