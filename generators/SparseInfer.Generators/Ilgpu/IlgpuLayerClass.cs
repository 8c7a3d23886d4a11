using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Emit;
using SparseInfer.Generators.Formats;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>Writes the GPU program of a feed-forward layer that stands alone: a program of one block.</summary>
internal sealed class IlgpuLayerClass
{
    private readonly CodeWriter _code = new();
    private readonly LayerSpec _spec;
    private readonly IlgpuFeedForwardPlan[] _plans;
    private readonly IReadOnlyList<Operation> _operations;
    private readonly IlgpuKernelEmitter _policy;
    private readonly string _name;

    public IlgpuLayerClass(LayerSpec spec)
    {
        _spec = spec;
        DeviceTarget target = DeviceTable.Find(spec.Device)!;
        _plans = [.. spec.Weights.Select(type => IlgpuFeedForwardPlan.Of(spec.FeedForward, type, target))];
        _operations = ModelProgram.Of(spec.FeedForward);
        _policy = IlgpuKernelEmitter.Set.Of(spec.Policy);
        _name = GeneratedNames.Program(spec.Target, "Ilgpu");
    }

    private string Cpu => GeneratedNames.Program(_spec.Target, "Cpu");

    private bool PacksSigns => _policy.Reads(_plans[0]).OfType<InputSigns>().Any();

    private IReadOnlyList<Tensor> Tensors => _operations.FeedForwardTensors();

    private IEnumerable<string> Matrices => Tensors.Where(tensor => tensor.Role == TensorRole.Neurons).Select(tensor => tensor.Field);

    public string Emit()
    {
        bool hasQuads = _spec.FeedForward.Biases || _policy.Derived(_plans[0]).Count > 0 || _spec.Weights.Any(Format.HasBlocks);
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

    private string Head => GeneratedFile.LayerHead(_spec, "GPU", _plans.Select(plan => plan.ClassName));

    private void EmitConstructor()
    {
        IlgpuFeedForwardPlan first = _plans[0];
        int partial = _plans.Max(plan => plan.Slices * plan.Row.Columns / 4);
        int counts = _plans.Max(plan => plan.Slices * plan.Warps * 4);
        int signWords = _policy.Reads(first).Sum(data => data.Length(Hidden));
        using (_code.Block($"""
            public {_name}(IlgpuDevice device)
                : base(
                    device,
                    {Cpu}.Shared.Shape,
                    new IlgpuFeedForwardSizes(HiddenQuads: {first.Row.Columns / 4}, SignWords: {signWords}, PartialQuads: {partial}, Counts: {counts}{(first.Shape.NeedsAllGates ? $", Gates: {Intermediate + 1}" : "")}),
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
                string derived = string.Concat(_policy.Derived(_plans[0]).Where(field => field.Matrix == matrix).OrderBy(field => field.Place).Select(field => field.Upload("true")));
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

            _code.Line();
            ForLoaded(plan => new FeedForwardCalls(_code, plan).EmitWeights(
                $"_weights{plan.Weights}", Tensors, matrix => matrix.Variable, _policy.Derived(plan)));
        }
    }

    private int Hidden => _spec.FeedForward.Hidden;

    private int Intermediate => _spec.FeedForward.Intermediate;

    /// <summary>What the program's operations launch: gates and their cut where all are there first, neurons and down together, then the slices' sum.</summary>
    private void EmitEnqueue()
    {
        using (_code.Block("protected override void Enqueue()"))
        {
            ForLoaded(plan =>
            {
                foreach (IReadOnlyList<Operation> group in LaunchGroup.Of(_operations, (earlier, later) => (earlier, later) is (Neurons, Down)))
                {
                    _code.Line(group switch
                    {
                        [Neurons, Down] => $"Activate(_weights{plan.Weights});",
                        [SumSlices sum] => Join(plan, sum),
                        [Gates] => Launch(plan, cut => cut.Gates(), $"{Cuts(plan).GateGroups}", $"_weights{plan.Weights}, Input, Gates"),
                        [MeasureGates] => Launch(plan, cut => cut.Cut(), "1", $"{Cuts(plan).Weights($"_weights{plan.Weights}")}{GatesAndCut}"),
                        _ => throw new NotSupportedException($"A layer on a GPU has no launch for {group[0].GetType().Name}."),
                    });
                }
            });
        }

        foreach (IlgpuFeedForwardPlan plan in _plans)
        {
            _code.Line();
            _code.Summary("Predict, gate, up and down, as the mode and the policy have it.");
            using (_code.Block($"private void Activate({plan.ClassName}.Weights w)"))
            {
                new FeedForwardCalls(_code, plan).EmitActivate(
                    $"_kernels{plan.Weights}",
                    [new LayerPolicy(0, 0, _spec.Policy)],
                    (kernel, arguments) => IlgpuCall.Of(_code, plan, kernel, arguments, "Input", _ => "Signs", _ => throw new NotSupportedException("A layer alone has no file."), "Partial", "Counts", "", gates: GatesAndCut),
                    PacksSigns ? () => EmitPackSigns(plan) : null);
            }
        }
    }

    private CutKernels Cuts(IlgpuFeedForwardPlan plan) => new(_code, plan, several: false);

    /// <summary>The cut lies behind the last gate.</summary>
    private string GatesAndCut => $"Gates, Gates.SubView({Intermediate}, 1)";

    private string Launch(IlgpuFeedForwardPlan plan, Func<CutKernels, DeviceKernel> kernel, string groups, string arguments)
    {
        DeviceKernel launched = kernel(Cuts(plan));
        return $"_kernels{plan.Weights}.{launched.Name}(new KernelConfig({groups}, {launched.ThreadsText}), {arguments});";
    }

    private static string Join(IlgpuFeedForwardPlan plan, SumSlices sum) =>
        $"_kernels{plan.Weights}.Join(new KernelConfig({JoinKernel.Groups(plan)}, {JoinKernel.Threads(plan)}), Partial, "
        + $"{(sum.Bias is null ? "" : "_downBias, ")}Output);";

    private void EmitPackSigns(IlgpuFeedForwardPlan plan)
    {
        const int Threads = FeedForwardIlgpuClass.BatchThreads;
        using (_code.Block("if (Mode == SparsityMode.Predicted)"))
        {
            _code.Line($"kernels.PackSigns(new KernelConfig({((plan.Row.Columns / 4) + Threads - 1) / Threads}, {Threads}), Input, Signs.Cast<uint>());");
        }

        _code.Line();
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
            using (_code.Block($"{(ReferenceEquals(plan, _plans[0]) ? "" : "else ")}if (_type == WeightType.{plan.Weights})"))
            {
                emit(plan);
            }
        }
    }
}
