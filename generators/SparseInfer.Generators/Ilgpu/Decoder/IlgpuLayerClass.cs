using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Emit;
using SparseInfer.Generators.Formats;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>Writes the object behind a feed-forward layer that stands alone, on a GPU.</summary>
internal sealed class IlgpuLayerClass
{
    private readonly CodeWriter _code = new();
    private readonly LayerSpec _spec;
    private readonly IlgpuFeedForwardPlan[] _plans;
    private readonly IlgpuKernelEmitter _policy;
    private readonly string _name;

    public IlgpuLayerClass(LayerSpec spec)
    {
        _spec = spec;
        DeviceTarget target = DeviceTable.Find(spec.Device)!;
        _plans = [.. spec.Weights.Select(type => IlgpuFeedForwardPlan.Of(spec.FeedForward, type, target))];
        _policy = IlgpuKernelEmitter.Set.Of(spec.Policy);
        _name = GeneratedNames.Program(spec.Target, "Ilgpu");
    }

    private string Cpu => GeneratedNames.Program(_spec.Target, "Cpu");

    private bool PacksSigns => _policy.Reads(_plans[0]).OfType<InputSigns>().Any();

    private IReadOnlyList<Tensor> Tensors => ModelProgram.Of(_spec.FeedForward).FeedForwardTensors();

    private IEnumerable<string> Matrices => Tensors.Where(tensor => tensor.Role == TensorRole.Neurons).Select(tensor => tensor.Field);

    public string Emit()
    {
        bool hasQuads = _spec.FeedForward.Biases || PacksSigns || _spec.Weights.Any(Format.HasBlocks);
        IEnumerable<string> quads = hasQuads ? ["SparseInfer.Kernels.Ilgpu"] : [];
        GeneratedFile.Begin(_code, Head, ["System.CodeDom.Compiler", "ILGPU", "SparseInfer.Runtime", .. quads]);
        _code.Summary($"The layer that {_spec.Target.FullName} declares, on a GPU.");
        _code.Line(GeneratedAttributes.Generated);
        using (_code.Block($"internal sealed class {_name} : IlgpuFeedForwardKernel"))
        {
            _code.Summary("The layer as its user gets it: on which device it runs is decided where weights are loaded.");
            _code.Line($"internal static readonly AnyDeviceFeedForwardKernel Shared = new({Cpu}.Shared.Shape, Create);");
            _code.Line();
            foreach (IlgpuFeedForwardPlan plan in _plans)
            {
                _code.Line($"private readonly {plan.ClassName}.Kernels _kernels{plan.Weights};");
                _code.Line($"private {plan.ClassName}.Weights _weights{plan.Weights};");
            }

            if (_spec.FeedForward.Biases)
            {
                _code.Line("private ArrayView<Float4> _downBias;");
            }

            if (_plans.Length > 1)
            {
                _code.Line("private WeightType _type;");
            }

            _code.Line();
            EmitConstructor();
            _code.Line();
            using (_code.Block("private static FeedForwardKernel Create(global::SparseInfer.Device? device) => device switch", end: "};"))
            {
                _code.Line($"IlgpuDevice gpu => new {_name}(gpu),");
                _code.Line($"_ => {Cpu}.Shared.New(),");
            }

            _code.Line();
            _code.Line($"public override FeedForwardKernel New() => new {_name}(Device);");
            _code.Line();
            EmitBind();
            _code.Line();
            EmitEnqueue();
        }

        return _code.ToString();
    }

    private string Head => string.Join("\n",
    [
        $"{_spec.Target.FullName}, a feed-forward layer alone, on a GPU. Written by SparseInfer.Generators {GeneratedAttributes.Version}.",
        "",
        $"  shape        {_spec.FeedForward.Hidden} x {_spec.FeedForward.Intermediate}",
        .. _plans.Select(plan => $"  kernels      {plan.ClassName}"),
        $"  predicted    {_spec.Policy.Describe()}",
    ]);

    private void EmitConstructor()
    {
        IlgpuFeedForwardPlan first = _plans[0];
        int partial = _plans.Max(plan => plan.Slices * plan.Row.Columns / 4);
        int counts = _plans.Max(plan => plan.Slices * plan.Warps * 4);
        int signWords = PacksSigns ? first.SignWords : 0;
        using (_code.Block($"""
            public {_name}(IlgpuDevice device)
                : base(
                    device,
                    {Cpu}.Shared.Shape,
                    new IlgpuFeedForwardSizes(HiddenQuads: {first.Row.Columns / 4}, SignWords: {signWords}, PartialQuads: {partial}, Counts: {counts}),
                    {string.Join(", ", _spec.Weights.Select(type => $"WeightType.{type}"))})
            """))
        {
            foreach (IlgpuFeedForwardPlan plan in _plans)
            {
                _code.Line($"_kernels{plan.Weights} = new {plan.ClassName}.Kernels(device);");
            }
        }
    }

    private void EmitBind()
    {
        using (_code.Block("protected override void Bind(FeedForwardBinder bind, IlgpuUpload upload)"))
        {
            if (_plans.Length > 1)
            {
                _code.Line("_type = bind.Type;");
            }

            foreach (string matrix in Matrices)
            {
                string variable = matrix.ToLowerInvariant();
                string derived = string.Concat(_policy.Derived(_plans[0]).Where(field => field.Matrix == matrix).Select(field => field.Upload("true")));
                _code.Line($"DeviceMatrix {variable} = upload.Matrix(new StoredMatrix(bind.{matrix}, bind.Type), {Intermediate}, {Hidden}{derived});");
            }

            _code.Line($"DeviceMatrix down = upload.Down(bind.Down, bind.Type, {Hidden}, {Intermediate});");
            foreach (string matrix in _spec.FeedForward.Biases ? Matrices : [])
            {
                _code.Line($"ArrayView<float> {matrix.ToLowerInvariant()}Bias = upload.Vector(bind.{matrix}Bias);");
            }

            if (_spec.FeedForward.Biases)
            {
                _code.Line("_downBias = upload.Vector(bind.DownBias).Cast<Float4>();");
            }

            ForLoaded(EmitWeights);
        }
    }

    private int Hidden => _spec.FeedForward.Hidden;

    private int Intermediate => _spec.FeedForward.Intermediate;

    private void EmitWeights(IlgpuFeedForwardPlan plan)
    {
        using (_code.Block($"_weights{plan.Weights} = new()", end: "};"))
        {
            foreach (Tensor tensor in Tensors.Where(tensor => tensor.Columns is not null))
            {
                string variable = tensor.Field.ToLowerInvariant();
                _code.Line($"{tensor.Field} = {variable}.Words,");
                if (plan.Row.IsBlock)
                {
                    _code.Line($"{tensor.Field}Scales = {variable}.Scales{(tensor.Role == TensorRole.Down ? ".Cast<Words4>()" : "")},");
                }
            }

            foreach (DerivedField field in _policy.Derived(plan))
            {
                _code.Line($"{field.Name} = {field.Variable},");
            }

            foreach (string matrix in _spec.FeedForward.Biases ? Matrices : [])
            {
                _code.Line($"{matrix}Bias = {matrix.ToLowerInvariant()}Bias,");
            }
        }
    }

    private void EmitEnqueue()
    {
        using (_code.Block("protected override void Enqueue()"))
        {
            ForLoaded(plan =>
            {
                int threads = FeedForwardIlgpuClass.BatchThreads;
                string quads = $"new KernelConfig({((plan.Row.Columns / 4) + threads - 1) / threads}, {threads})";
                _code.Line($"{plan.ClassName}.Kernels kernels = _kernels{plan.Weights};");
                _code.Line($"{plan.ClassName}.Weights w = _weights{plan.Weights};");
                _code.Line($"var config = new KernelConfig({plan.ClassName}.Slices, {plan.ClassName}.Threads);");
                if (PacksSigns)
                {
                    using (_code.Block("if (Mode == SparsityMode.Predicted)"))
                    {
                        _code.Line($"kernels.PackSigns({quads}, Input, Signs.Cast<uint>());");
                    }

                    _code.Line();
                }

                PolicySwitch.Emit(
                    _code,
                    plan.Shape,
                    [new LayerPolicy(0, 0, _spec.Policy)],
                    IlgpuKernelEmitter.Set,
                    (kernel, arguments) => IlgpuCall.Of(plan, kernel, arguments, "Input", _ => "Signs", "Partial", "Counts", ""));
                string bias = _spec.FeedForward.Biases ? "_downBias, " : "";
                _code.Line($"kernels.Join(new KernelConfig({JoinKernel.Groups(plan)}, {JoinKernel.Threads(plan)}), Partial, {bias}Output);");
            });
        }
    }

    /// <summary>Writes something for the type that is loaded.</summary>
    private void ForLoaded(Action<IlgpuFeedForwardPlan> emit)
    {
        if (_plans.Length == 1)
        {
            emit(_plans[0]);
            return;
        }

        foreach (IlgpuFeedForwardPlan plan in _plans)
        {
            using (_code.Block($"if (_type == WeightType.{plan.Weights})"))
            {
                emit(plan);
            }
        }
    }
}
