extern alias vocabulary;

using ILGPU;
using SparseInfer.Files;
using SparseInfer.Generators.Tests.Execution;
using SparseInfer.Kernels.Cpu;
using SparseInfer.Kernels.Ilgpu;
using SparseInfer.Loading;
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
        List<string> problems = [];
        var check = new TensorCheck(ModelFacts.Read(file, new LoadOptions()), predictor: null, new LoadOptions(), Tensors, layers: 1, mixesDown: false, problems);
        problems.ShouldBeEmpty();
        Bind(new WeightBinder(file, check, new LoadOptions(), Memory, []));
        IlgpuUpload upload = Upload(new WeightBinder(file, check, new LoadOptions(), Memory, []));
        _fields["UpBias"] = upload.Vector(data.UpBias ?? [0f]);
        _fields["GateBias"] = upload.Vector(data.GateBias ?? [0f]);
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

    public override IReadOnlyList<DeclaredTensor> Tensors => [.. Matrices.Select(matrix => matrix.Declared), Down];

    public override void Bind(WeightBinder bind)
    {
        IlgpuUpload upload = Upload(bind);
        foreach (var (name, declared) in Matrices)
        {
            DeviceMatrix matrix = upload.Matrix(
                bind.Matrix(declared), _layer.Intermediate, _layer.Hidden, packsSigns: true, out ArrayView<Words4> signs, measuresRows: true, out ArrayView<float> means);
            _fields[name] = matrix.Words;
            _fields[name + "Scales"] = matrix.Scales;
            _fields[name + "Signs"] = signs;
            _fields[name + "Means"] = means;
        }

        DeviceMatrix down = upload.Down(bind.Down(Down, layer: 0), Type, _layer.Hidden, _layer.Intermediate);
        _fields["Down"] = down.Words;
        _fields["DownScales"] = down.Scales.IsValid ? down.Scales.Cast<Words4>() : default(ArrayView<Words4>);
    }

    public override DecoderState CreateState(int capacity, KeyValueType cacheType) => throw new NotSupportedException();

    public void Dispose() => Memory.Dispose();

    private FileType Type => (FileType)_layer.Weights;

    private (string Name, DeclaredMatrix Declared)[] Matrices => field ??=
    [
        .. (_layer.Gated ? ["Gate", "Up"] : new[] { "Up" }).Select(name =>
            (name, new DeclaredMatrix(Name(name.ToLowerInvariant()), _layer.Intermediate, _layer.Hidden, [Type]))),
    ];

    private DeclaredDown Down => field ??= new DeclaredDown(Name("down"), _layer.Hidden, _layer.Intermediate, [Type]);

    private static TensorName Name(string name) => new(name + ".weight", name + ".weight");

    private static TensorInMemory Tensor(string name, Generators.Tests.Execution.StoredMatrix matrix)
    {
        NativeBuffer bytes = NativeBuffer.Allocate(matrix.Bytes.Length);
        matrix.Bytes.CopyTo(bytes.AsSpan<byte>());
        return new TensorInMemory(name + ".weight", TensorType.Of((FileType)matrix.Type), [matrix.Values.Length / matrix.Columns, matrix.Columns], bytes);
    }
}
