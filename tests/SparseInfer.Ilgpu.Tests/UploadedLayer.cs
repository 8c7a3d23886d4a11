extern alias vocabulary;

using ILGPU;
using SparseInfer.Files;
using SparseInfer.Generators.Tests.Execution;
using SparseInfer.Kernels.Cpu;
using SparseInfer.Kernels.Ilgpu;
using SparseInfer.Runtime;
using FileType = vocabulary::SparseInfer.WeightType;

namespace SparseInfer.Ilgpu.Tests;

/// <summary>One layer's weights on a device, brought there as generated programs do it.</summary>
internal sealed class UploadedLayer : IlgpuDecoderProgram, IDisposable
{
    private readonly LayerCase _layer;
    private readonly Dictionary<string, object> _fields = [];

    public UploadedLayer(IlgpuDevice device, LayerCase layer, LayerData data)
        : base(device)
    {
        _layer = layer;
        List<TensorInMemory> tensors = [Tensor("up", data.Up), Tensor("down", data.Down)];
        if (data.Gate is not null)
        {
            tensors.Add(Tensor("gate", data.Gate));
        }

        using var file = ModelFile.FromMemory("layer", null, tensors);
        Bind(new WeightBinder(file, new LoadOptions(), Memory, [], [], new WeightBinder(file, new LoadOptions(), Memory, [], [])));
        IlgpuUpload upload = Upload(new WeightBinder(file, new LoadOptions(), Memory, [], []));
        _fields["UpBias"] = upload.Vector(data.UpBias ?? []);
        _fields["GateBias"] = upload.Vector(data.GateBias ?? []);
    }

    /// <summary>The weights as the generated structure that kernels take.</summary>
    public object As(Type weights)
    {
        object filled = Activator.CreateInstance(weights)!;
        foreach (var field in weights.GetFields())
        {
            field.SetValue(filled, _fields[field.Name]);
        }

        return filled;
    }

    /// <summary>A field of that structure: <c>Up</c>, <c>DownScales</c>.</summary>
    public object Field(string name) => _fields[name];

    public override void Bind(WeightBinder bind)
    {
        IlgpuUpload upload = Upload(bind);
        var type = (FileType)_layer.Weights;
        foreach (string name in _layer.Gated ? ["Gate", "Up"] : new[] { "Up" })
        {
            Runtime.StoredMatrix stored = bind.Matrix(Name(name.ToLowerInvariant()), _layer.Intermediate, _layer.Hidden, [type]);
            DeviceMatrix matrix = upload.Matrix(stored, _layer.Intermediate, _layer.Hidden);
            _fields[name] = matrix.Words;
            _fields[name + "Scales"] = matrix.Scales;
            _fields[name + "Signs"] = upload.Signs(stored, _layer.Intermediate, _layer.Hidden);
        }

        DeviceMatrix down = upload.Down(
            bind.Down(Name("down"), _layer.Hidden, _layer.Intermediate, type), type, _layer.Hidden, _layer.Intermediate);
        _fields["Down"] = down.Words;
        _fields["DownScales"] = down.Scales.IsValid ? down.Scales.Cast<Words4>() : default(ArrayView<Words4>);
    }

    public override DecoderState CreateState(int capacity, KeyValueType cacheType) => throw new NotSupportedException();

    public void Dispose() => Memory.Dispose();

    private static TensorName Name(string name) => new(name + ".weight", name + ".weight");

    private static TensorInMemory Tensor(string name, Generators.Tests.Execution.StoredMatrix matrix)
    {
        NativeBuffer bytes = NativeBuffer.Allocate(matrix.Bytes.Length);
        matrix.Bytes.CopyTo(bytes.AsSpan<byte>());
        return new TensorInMemory(name + ".weight", TensorType.Of((FileType)matrix.Type), [matrix.Values.Length / matrix.Columns, matrix.Columns], bytes);
    }
}
