using SparseInfer.Generators.Emit;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>Writes the class that holds the GPU kernels of one feed-forward shape and weight type.</summary>
/// <param name="policies">The modes' own kernels, then what the policies that use the shape ask for.</param>
/// <param name="batches">Whether prompts use the shape.</param>
/// <param name="mixes">Whether a model may store down in another weight type than its other matrices.</param>
/// <param name="alone">Whether a layer that stands alone uses it: nothing packs its input's signs then, nor adds up its output.</param>
internal sealed class FeedForwardIlgpuClass(
    IlgpuFeedForwardPlan plan, IReadOnlyList<IlgpuKernelEmitter> policies, bool batches, bool alone, bool mixes)
{
    private readonly CodeWriter _code = new();

    public static readonly string[] Namespaces =
    [
        "System", "System.CodeDom.Compiler", "ILGPU", "SparseInfer.Kernels.Ilgpu",
    ];

    private static readonly string[] Meters = [.. new[] { "IMeter", "MeterOff", "MeterOn" }.Select(name => $"{name} = SparseInfer.Kernels.Cpu.{name}")];

    public string Emit()
    {
        GeneratedFile.Begin(_code, Head, [.. Namespaces, .. Meters]);
        _code.Summary($"Feed-forward {plan.Hidden} wide, {plan.Intermediate} neurons, weights {plan.Weights}: kernels for GPUs.");
        _code.Line(GeneratedAttributes.Generated);
        using (_code.Block($"internal static class {plan.ClassName}"))
        {
            EmitConstants();
            _code.Line();
            EmitWeights();
            _code.Line();
            EmitKernels();
            foreach (DeviceKernel before in Inputs.Concat(Cuts))
            {
                _code.Line();
                before.EmitMethod(_code);
            }

            if (HasTogether && plan.Shape.NeedsAllGates)
            {
                _code.Line();
                new TogetherKernel(_code, plan, IlgpuKernelEmitter.Set.Dense).EmitGates();
            }

            foreach (IlgpuKernelEmitter policy in policies)
            {
                _code.Line();
                new FusedKernel(_code, plan, policy).Emit();
            }

            foreach (IlgpuKernelEmitter policy in Apart)
            {
                _code.Line();
                new FusedKernel(_code, plan, policy, hasDown: false).Emit();
            }

            foreach (IlgpuKernelEmitter policy in HasTogether ? policies : [])
            {
                _code.Line();
                new TogetherKernel(_code, plan, policy).Emit();
            }

            if (HasDownTogether)
            {
                _code.Line();
                DownTogether.EmitMethod(_code);
            }

            if (HasActivateBatch)
            {
                _code.Line();
                EmitActivateBatch();
            }

            foreach (DeviceKernel kernel in Alone)
            {
                _code.Line();
                kernel.EmitMethod(_code);
            }

            if (plan.OfExperts)
            {
                _code.Line();
                ExpertCode.EmitPlace(_code);
            }

            _code.Line();
            _code.Line(ActivationCode.Method(plan.Spec));
        }

        return _code.ToString();
    }

    private string HowLaunched => plan.OfExperts
        ? "One launch does all chosen experts but for the sum over the groups, which the next adds up with their weights and the residual."
        : $"{(plan.Shape.NeedsAllGates ? "Two launches compute all gates, and where they are cut.\n" : "")}One launch does the whole layer but for the sum over the groups, which the next launch adds up{(alone ? "" : " with the residual")}.";

    private string Head
    {
        get
        {
            int matrices = plan.Shape.InputMatrices + 1;
            string input = plan.SharesInput ? "the input in it" : "the input from the caches";
            string groups = $"{plan.Slices} {(plan.Slices == 1 ? "group" : "groups")} of {plan.Threads} threads, {plan.SliceNeurons} neurons each";
            return $"""
                Feed-forward kernels for GPUs, one shape, written by SparseInfer.Generators {GeneratedAttributes.Version}.

                  shape        {plan.Hidden} x {plan.Intermediate}, {ActivationCode.Form(plan.Spec)}{(plan.NormsNeurons ? ", a norm before down" : "")}{(plan.OfExperts ? $", each of {plan.Experts} chosen experts" : "")}
                  weights      {plan.Weights}, {Literal.Grouped(plan.Row.Bytes)} bytes a neuron in each of {matrices} matrices (down neuron-major)
                  bytes        {Literal.Grouped(plan.Row.Bytes * plan.Intermediate * matrices)} a token when dense{(plan.OfExperts ? ", of each expert" : "")}
                  plan         {groups}; made for {plan.Target.Name}
                  loads        16 bytes a lane, {plan.Row.Steps} a row
                  shared       {Literal.Grouped(plan.SharedBytes)} bytes a group, {input}

                {HowLaunched}
                Sums run in a fixed order, so Exact equals Dense bit for bit, and every run equals the last.
                """;
        }
    }

    private void EmitConstants()
    {
        _code.Lines($"""
            internal const int Threads = {plan.Threads};

            /// <summary>Groups of a launch.</summary>
            internal const int Slices = {plan.Slices};

            /// <summary>Numbers that a metered launch counts: {(mixes ? "four a warp, or five where down has another weight type" : "four a warp")}.</summary>
            internal const int Counts = Slices * Warps * {(mixes ? 5 : 4)};

            internal const long RowBytes = {plan.Row.Bytes};

            private const int Warps = {plan.Warps};
            private const int Intermediate = {plan.Intermediate};
            private const int SliceNeurons = {plan.SliceNeurons}; // a group's
            """);
        if (Predicts)
        {
            _code.Line($"private const int WarpNeurons = {plan.WarpNeurons}; // that a warp predicts");
        }

        foreach (string constant in policies.SelectMany(policy => policy.Constants(plan)).Distinct())
        {
            _code.Line(constant);
        }

        if (HasActivateBatch || HasDownTogether)
        {
            _code.Line($"private const int ActivatedStride = {plan.Shape.PaddedIntermediate}; // from a token's activations to the next one's");
        }

        if (HasTogether)
        {
            _code.Line($"private const int TogetherNeurons = {new TogetherPlan(plan).Neurons}; // a group's that has several tokens");
            if (Predicts)
            {
                _code.Line($"private const int TogetherWarps = {TogetherPlan.Warps};");
            }
        }

        _code.Line($"private const int RowWords = {plan.Row.Words}; // 16-byte words of a row");
        if (plan.Row.Stride != plan.Row.Words)
        {
            _code.Line($"private const int {plan.Row.StrideName} = {plan.Row.Stride}; // and what these have no bits for, behind them");
        }

        _code.Line($"private const int HiddenQuads = {HiddenQuads}; // four columns each, padded");
    }

    /// <summary>Whether several tokens skip neurons together: where prompts use the shape, sequences do.</summary>
    private bool HasTogether => HasActivateBatch && plan.ComputesTogether;

    /// <summary>Whether prompts multiply matrices: of experts each token has its own.</summary>
    private bool HasActivateBatch => batches && !plan.OfExperts;

    /// <summary>Policies that have a kernel up to their activations, for a down of another type.</summary>
    private IReadOnlyList<IlgpuKernelEmitter> Apart => mixes ? policies : [];

    private bool HasDownTogether => HasTogether || mixes;

    /// <summary>Down of several tokens.</summary>
    private DeviceKernel DownTogether => new TogetherDownKernel(_code, plan).Kernel;

    /// <summary>What policies launch before their kernels; two may launch the same.</summary>
    private IEnumerable<DeviceKernel> Inputs => policies.Select(policy => policy.Input(_code, plan)).OfType<DeviceKernel>()
        .GroupBy(kernel => kernel.Name).Select(group => group.First());

    /// <summary>What is launched before the neurons, where all gates are there before any is activated.</summary>
    private IEnumerable<DeviceKernel> Cuts => plan.Shape.NeedsAllGates ? new CutKernels(_code, plan, several: batches).All : [];

    private string[] Matrices => plan.Spec.Gated ? ["Gate", "Up"] : ["Up"];

    private bool Predicts => policies.Any(policy => policy.Predicts);

    /// <summary>Fields of the weights: type and name, in the order that a device wants them.</summary>
    private IEnumerable<(string Type, string Name)> Fields
    {
        get
        {
            foreach (string matrix in Matrices.Append("Down"))
            {
                yield return ("ArrayView<Words4>", matrix);
                if (plan.Row.IsBlock)
                {
                    yield return (matrix == "Down" ? "ArrayView<Words4>" : "ArrayView<ushort>", matrix + "Scales");
                }
            }

            foreach (DerivedField derived in policies.SelectMany(policy => policy.Derived(plan)).Distinct())
            {
                yield return (derived.Type, derived.Name);
            }

            foreach (string matrix in plan.Spec.Biases ? Matrices : [])
            {
                yield return ("ArrayView<float>", matrix + "Bias");
            }

            if (plan.NormsNeurons)
            {
                yield return ("ArrayView<float>", NeuronNorm.Weights);
            }
        }
    }

    private void EmitWeights()
    {
        _code.Summary(plan.OfExperts ? "The weights of all experts of a layer, on the device: one behind the other." : "One layer's weights, on the device.");
        using (_code.Block("internal struct Weights"))
        {
            foreach (var (type, name) in Fields)
            {
                _code.Line($"public {type} {name};");
            }
        }
    }

    /// <summary>The kernels, compiled for a device.</summary>
    private void EmitKernels()
    {
        _code.Summary($"The kernels, compiled for a device; {(HasTogether ? "those that count or have several tokens" : "those that count")}{(mixes ? ", or leave out down," : "")} when they are first asked for.");
        using (_code.Block("internal sealed class Kernels(IlgpuDevice device)"))
        {
            foreach (IlgpuKernelEmitter policy in policies)
            {
                string name = FusedKernel.Name(policy, metered: false);
                string types = Types(policy);
                string method = FusedKernel.Method(policy, metered: false);
                _code.Line($"public readonly Action<KernelConfig, {types}> {name} = device.LoadKernel<{types}>({plan.ClassName}.{method});");
            }

            foreach (DeviceKernel kernel in Inputs.Concat(Cuts))
            {
                kernel.EmitField(_code, plan.ClassName);
            }

            if (HasActivateBatch)
            {
                string types = BatchTypes;
                _code.Line($"public readonly Action<KernelConfig, {types}> {ActivateBatchName} = device.LoadKernel<{types}>({plan.ClassName}.{ActivateBatchName});");
            }

            foreach (DeviceKernel kernel in Alone)
            {
                kernel.EmitField(_code, plan.ClassName);
            }

            foreach (IlgpuKernelEmitter policy in policies)
            {
                EmitLazy(FusedKernel.Name(policy, metered: true), Types(policy), FusedKernel.Method(policy, metered: true));
            }

            foreach (IlgpuKernelEmitter policy in Apart)
            {
                foreach (bool metered in new[] { false, true })
                {
                    string name = FusedKernel.Name(policy, metered, hasDown: false);
                    EmitLazy(name, Types(policy, hasDown: false), FusedKernel.Method(policy, metered, hasDown: false));
                }
            }

            if (HasTogether)
            {
                if (plan.Shape.NeedsAllGates)
                {
                    EmitLazy(TogetherKernel.GatesName, string.Join(", ", TogetherKernel.GatesParameters.Select(parameter => parameter.Type)), TogetherKernel.GatesName);
                }

                foreach (IlgpuKernelEmitter policy in policies)
                {
                    string types = string.Join(", ", TogetherKernel.Parameters(plan, policy).Select(parameter => parameter.Type));
                    EmitLazy(TogetherKernel.Name(policy), types, TogetherKernel.Name(policy));
                }
            }

            if (HasDownTogether)
            {
                EmitLazy(DownTogether.Name, DownTogether.Types, DownTogether.Name);
            }
        }
    }

    /// <summary>Writes the place of a kernel that is compiled when it is first asked for.</summary>
    private void EmitLazy(string name, string types, string method)
    {
        string field = "_" + char.ToLowerInvariant(name[0]) + name.Substring(1);
        _code.Line();
        _code.Line($"private Action<KernelConfig, {types}>? {field};");
        _code.Line();
        _code.Line($"public Action<KernelConfig, {types}> {name} =>");
        using (_code.Indent())
        {
            _code.Line($"{field} ??= device.LoadKernel<{types}>({plan.ClassName}.{method});");
        }
    }

    private string Types(IlgpuKernelEmitter policy, bool hasDown = true) =>
        string.Join(", ", FusedKernel.Parameters(plan, policy, hasDown).Select(parameter => parameter.Type));

    private string BatchTypes => $"Weights, ArrayView<float>, ArrayView<float>{(plan.Shape.NeedsAllGates ? ", ArrayView<float>" : "")}";

    /// <summary>Prompts: activations of a batch, from gate and up that came out of matrix products.</summary>
    private void EmitActivateBatch()
    {
        bool cuts = plan.Shape.NeedsAllGates;
        string h = cuts ? "h - cut" : "h";
        _code.Summary($"Activations of a prompt's tokens: h = activation({h}) * up, in place.");
        using (_code.Block($"internal static void {ActivateBatchName}(Weights w, ArrayView<float> h, ArrayView<float> up{(cuts ? ", ArrayView<float> cuts" : "")})"))
        {
            _code.Line($"int neuron = (Grid.IdxX * {BatchThreads}) + Group.IdxX;");
            using (plan.Intermediate % BatchThreads == 0 ? default(CodeWriter.Scope?) : _code.Block("if (neuron < Intermediate)"))
            {
                _code.Line($"int i = (Grid.IdxY * ActivatedStride) + neuron;");
                _code.Line($"float activation = Activate({(cuts ? CutKernels.Above(plan, "h[i]", "Grid.IdxY") : $"h[i]{NeuronCode.Bias(plan, plan.Shape.First)}")});");
                if (plan.Spec.Gated)
                {
                    _code.Line($"h[i] = activation == 0f ? 0f : activation * {NeuronCode.UpFactor(plan, "up[i]")};");
                }
                else
                {
                    _code.Line("h[i] = activation;");
                }
            }
        }
    }

    public const int BatchThreads = 128;

    public const string ActivateBatchName = "ActivateBatch";

    private int HiddenQuads => plan.Row.Columns / 4;

    /// <summary>What a model's norms do for its feed-forwards, for a layer that has none.</summary>
    private IEnumerable<DeviceKernel> Alone
    {
        get
        {
            if (!alone)
            {
                yield break;
            }

            if (policies.SelectMany(policy => policy.Reads(plan)).OfType<InputSigns>().Any())
            {
                yield return new DeviceKernel(
                    "PackSigns",
                    BatchThreads,
                    "Packs the signs of the input: four bits a lane, eight lanes a word.",
                    [KernelParameter.Quads("x"), KernelParameter.UInts("signs")],
                    () =>
                    {
                        _code.Lines($"""
                            int quad = (Grid.IdxX * {BatchThreads}) + Group.IdxX;
                            int lane = Group.IdxX & 31;
                            """);
                        bool isWhole = HiddenQuads % BatchThreads == 0;
                        if (isWhole)
                        {
                            _code.Line("Float4 values = x[quad];");
                        }
                        else
                        {
                            _code.Line("Float4 values = default;");
                            using (_code.Block("if (quad < HiddenQuads)"))
                            {
                                _code.Line("values = x[quad];");
                            }

                            _code.Line();
                        }

                        _code.Line("uint word = Lanes.Signs(values, lane);");
                        using (_code.Block($"if ((lane & 7) == 0{(isWhole ? "" : " && quad < HiddenQuads")})"))
                        {
                            _code.Line("signs[quad / 8] = word;");
                        }
                    });
            }

            yield return JoinKernel.Of(_code, plan, "Join", "y", adds: false);
        }
    }
}
