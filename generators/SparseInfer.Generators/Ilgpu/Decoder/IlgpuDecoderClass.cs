using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Emit;
using SparseInfer.Generators.Formats;
using SparseInfer.Generators.Policies;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>Writes the GPU program of one decoder: weights and their binding here; kernels and launches in the other parts.</summary>
internal sealed partial class IlgpuDecoderClass
{
    private readonly CodeWriter _code = new();
    private readonly IlgpuDecoderPlan _plan;
    private readonly ModelSpec _spec;
    private readonly AttentionSpec _attention;
    private readonly IlgpuFeedForwardPlan[] _feedForwards;
    private readonly ModelProgram _program;
    private readonly TensorCalls _tensors;
    private readonly bool _packsSigns;
    private readonly string _name;

    public IlgpuDecoderClass(IlgpuDecoderPlan plan)
    {
        _plan = plan;
        _spec = plan.Spec;
        _attention = plan.Spec.Attention;
        _program = ModelProgram.Of(_spec);
        _tensors = new TensorCalls(_spec, _program);
        _feedForwards = [.. plan.FeedForwards];
        _packsSigns = _spec.Policies.Any(policy => Predicts(policy.Policy));
        _name = GeneratedNames.Program(_spec.Target, "Ilgpu");
    }

    private bool Single => _spec.Weights.Count == 1;

    private bool LayerNorm => _spec.Norm.Kind == NormKind.Layer;

    private bool HasBlocks => _spec.Weights.Any(Format.HasBlocks);

    private bool Predicts(PolicySpec policy) => PolicyRegistry.For(policy).Ilgpu.Signs(_feedForwards[0]).Count > 0;

    public string Emit()
    {
        GeneratedFile.Begin(_code, Head, [.. FeedForwardIlgpuClass.Namespaces, "System.Collections.Generic", "SparseInfer.Runtime", "RopeTable = SparseInfer.Kernels.Cpu.RopeTable", _tensors.Import]);
        DeviceKernel[] kernels = [.. Kernels()];
        DeviceKernel[] matrixKernels = [.. TensorCoreKernels()];
        DeviceKernel[] together = [.. KernelsTogether()];
        _code.Summary($"{_spec.Target.FullName}'s program for GPUs: kernels, weights shared by all sessions, and what a session runs.");
        _code.Line(GeneratedAttributes.Generated);
        using (_code.Block($"internal sealed class {_name}(IlgpuDevice device) : IlgpuDecoderProgram(device)"))
        {
            EmitConstants();
            _code.Line();
            foreach (DeviceKernel kernel in kernels)
            {
                kernel.EmitField(_code);
            }

            foreach (DeviceKernel kernel in matrixKernels)
            {
                kernel.EmitTensorCoreField(_code);
            }

            foreach (IlgpuFeedForwardPlan plan in _feedForwards)
            {
                _code.Line($"private readonly {plan.ClassName}.Kernels _feedForward{plan.Weights} = new(device);");
            }

            if (_plan.DecodesTogether)
            {
                _code.Line("private readonly object _loadingTogether = new();");
                _code.Line("private TogetherKernels? _together;");
            }

            _code.Line();
            EmitWeights();
            _code.Line();
            TensorCalls.EmitProperty(_code);
            _code.Line();
            EmitBind();
            _code.Line();
            _code.Line("public override DecoderState CreateState(int capacity, KeyValueType cacheType) => new State(this, capacity, cacheType);");
            _code.Line();
            if (_plan.DecodesTogether)
            {
                using (_code.Block("public override DecoderBatch CreateBatch(int maxStates)"))
                {
                    using (_code.Block("lock (_loadingTogether)"))
                    {
                        _code.Line("return new Together(this, _together ??= new TogetherKernels(Device));");
                    }
                }

                _code.Line();
            }

            _code.Summary("The norm that follows a layer's feed-forward.");
            _code.Line("private DeviceNorm NormAfter(int layer) => layer + 1 < LayerCount ? _layers[layer + 1].AttentionNorm : _outputNorm;");
            _code.Line();
            EmitLayer();
            _code.Line();
            if (_plan.SkipsTogether)
            {
                EmitFeedForwardTogether();
                _code.Line();
            }

            EmitState();
            if (_plan.DecodesTogether)
            {
                _code.Line();
                EmitTogether(together);
            }

            foreach (DeviceKernel kernel in kernels.Concat(matrixKernels).Concat(together))
            {
                _code.Line();
                kernel.EmitMethod(_code);
            }
        }

        return _code.ToString();
    }

    private string Head
    {
        get
        {
            FeedForwardSpec feedForward = _spec.FeedForward;
            IEnumerable<string> head =
            [
                $"{_spec.Target.FullName} on a GPU, written by SparseInfer.Generators {GeneratedAttributes.Version}.",
                "",
                $"  model        {_spec.Layers} layers, hidden {_spec.Hidden}, vocabulary {_spec.Vocabulary}, context {_spec.Context}",
                $"  attention    {_attention.Heads} heads, {_attention.KeyValueHeads} key-value heads, {_attention.HeadDimension} each",
                $"  feed-forward {feedForward.Intermediate} neurons, {feedForward.Activation}, {(feedForward.Gated ? "gated" : "not gated")}",
                .. _feedForwards.Select(plan => $"               {plan.ClassName}"),
                $"  weights      {string.Join(", ", _spec.Weights)}",
                $"  cache        {Literal.Grouped(_plan.CachedBytes)} bytes a position in F16, twice that in F32",
                $"  bytes        {Literal.Grouped(_plan.Shape.DenseBytes)} a token when dense",
                $"  plan         made for {_plan.Target.Name}; splits of {IlgpuDecoderPlan.SplitPositions} positions, prompts {_plan.Batch} tokens at a time",
                $"  launches     {LaunchesOf(_plan)}",
                .. LaunchesTogether(_plan),
                "",
                "In Predicted mode the layers do this:",
                .. _spec.Policies.Select(Describe),
            ];
            return string.Join("\n", head);
        }
    }

    /// <summary>How often a token launches kernels, as <see cref="KernelTable"/> counts them.</summary>
    private static string LaunchesOf(IlgpuDecoderPlan plan)
    {
        (int layer, int more) = CountLaunches(plan, kernel => kernel.Dense);
        string norm = plan.HeadsNormalise ? "norm and heads" : "norm, heads";
        return $"{layer} a layer: {norm}, attention, its splits, projection, norm, feed-forward, its sum; {more} more a token";
    }

    /// <summary>How often a step of several sequences does.</summary>
    private static IEnumerable<string> LaunchesTogether(IlgpuDecoderPlan plan)
    {
        if (plan.DecodesTogether)
        {
            (int layer, int more) = CountLaunches(plan, kernel => kernel.Together);
            string bias = plan.Spec.Attention.OutputBias ? ", its bias" : "";
            yield return $"  together     {layer} a layer for a token of each of up to {TogetherPlan.Tokens} sequences: norm, rows of the heads, rotation,";
            yield return $"               attention, its splits, projection{bias}, norm, feed-forward, down, its sum; {more} more a step";
        }
    }

    private static (int OfLayer, int More) CountLaunches(IlgpuDecoderPlan plan, Func<KernelUse, int> launches)
    {
        int Launches(int layers) => KernelTable.Of(IlgpuDecoderPlan.Of(plan.Spec with { Layers = layers }, plan.Target)).Sum(launches);
        int layer = Launches(2) - Launches(1);
        return (layer, Launches(1) - layer);
    }

    private static string Describe(LayerPolicy policy)
    {
        string layers = policy.First == policy.Last ? $"{policy.First}" : $"{policy.First}..{policy.Last}";
        return $"  {layers,-12} {PolicyRegistry.For(policy.Policy).Cpu.Describe(policy.Policy)}";
    }

    private void EmitConstants()
    {
        _code.Lines($$"""
            private const int LayerCount = {{_spec.Layers}};
            private const int Vocabulary = {{_spec.Vocabulary}};
            private const int Hidden = {{_spec.Hidden}};
            private const int HiddenQuads = {{_plan.HiddenQuads}}; // four columns each, padded
            private const int Heads = {{_attention.Heads}};
            private const int HeadDimension = {{_attention.HeadDimension}};
            private const int QueryWidth = {{_plan.Shape.QueryWidth}};
            private const int QueryQuads = {{_plan.Shape.PaddedQueryWidth / 4}};
            private const int HeadQuads = {{_plan.CachedHead / 4}}; // of a query or of a cached key or value, padded
            private const int KeyValueWidth = {{_plan.Shape.KeyValueWidth}};
            private const int Intermediate = {{_spec.FeedForward.Intermediate}};
            private const int IntermediateQuads = {{_feedForwards[0].Shape.PaddedIntermediate / 4}};
            private const int RopePairs = {{_attention.RopeDimensions / 2}};
            private const int NormThreads = {{_plan.NormThreads}};

            /// <summary>Prompt tokens that go through a layer together.</summary>
            private const int Batch = {{_plan.Batch}};
            """);
        if (_plan.SkipsTogether && _plan.Batch > TogetherPlan.Tokens)
        {
            _code.Line();
            _code.Summary("Tokens that skip neurons each of their own, and share what they read.");
            _code.Line($"private const int TogetherTokens = {TogetherPlan.Tokens};");
        }
    }

    private void EmitWeights()
    {
        string rope = $"{_spec.Context}, 2 * RopePairs, {Literal.Of(_attention.RopeTheta)}, {Literal.Of(_attention.RopeScaling)}";
        _code.Line($"private readonly RopeTable _rope = new({rope});");
        _code.Line("private readonly Layer[] _layers = new Layer[LayerCount];");
        _code.Line("private DeviceMatrix _embedding;");
        _code.Line("private DeviceMatrix _head;");
        _code.Line("private DeviceNorm _outputNorm;");
    }

    private void EmitLayer()
    {
        using (_code.Block("private sealed class Layer"))
        {
            _code.Lines("""
                public DeviceMatrix[] Heads = []; // query, key, value: one where they have one type
                public DeviceMatrix Output;
                public DeviceNorm AttentionNorm;
                public DeviceNorm FeedForwardNorm;
                """);
            if (_attention.QueryKeyValueBiases)
            {
                _code.Line("public ArrayView<float> HeadBiases;");
            }

            if (_attention.OutputBias)
            {
                _code.Line("public ArrayView<float> OutputBias;");
            }

            _code.Line(_spec.FeedForward.Gated ? "public DeviceMatrix Gate, Up, Down;" : "public DeviceMatrix Up, Down;");
            if (_spec.FeedForward.Biases)
            {
                _code.Line("public ArrayView<float> DownBias;");
            }

            foreach (IlgpuFeedForwardPlan plan in _feedForwards)
            {
                _code.Line($"public {plan.ClassName}.Weights {FeedForwardField(plan)};");
            }
        }
    }

    private string FeedForwardField(IlgpuFeedForwardPlan plan) => $"FeedForward{plan.Weights}";

    private void EmitBind()
    {
        using (_code.Block("public override void Bind(WeightBinder bind)"))
        {
            Tensor head = _program.Head.Matrix;
            _code.Line("IlgpuUpload upload = Upload(bind);");
            _code.Line($"_embedding = {Matrix(_program.Embed.Table)};");
            _code.Line($"_head = {(_program.IsTied ? "_embedding" : Matrix(head))};");
            _code.Line($"_outputNorm = {Norm(_program.OutputNorm)};");
            _code.Line();
            using (_code.Block("for (int layer = 0; layer < LayerCount; layer++)"))
            {
                _code.Line("Layer w = _layers[layer] = new Layer();");
                EmitBindAttention();
                _code.Line();
                EmitBindFeedForward();
            }
        }
    }

    private string Matrix(Tensor tensor) => $"upload.Matrix({TensorCalls.Bind(tensor)}, {tensor.Rows.Name}, {tensor.Columns!.Name})";

    private string Vector(Tensor tensor) => $"upload.Vector({TensorCalls.Bind(tensor)})";

    private string Norm(Norm norm) => $"upload.Norm({string.Join(", ", norm.Tensors.Select(TensorCalls.Bind))})";

    /// <summary>Writes tensors of several heads that become one on the device.</summary>
    private void EmitStack(string field, IEnumerable<Tensor> tensors, string end)
    {
        using (_code.Block($"w.{field} = upload.Stack(", "[", end))
        {
            foreach (Tensor tensor in tensors)
            {
                _code.Line($"({TensorCalls.Bind(tensor)}, {tensor.Rows.Name}),");
            }
        }
    }

    private void EmitBindAttention()
    {
        foreach (Norm norm in _program.Layer.OfType<Norm>().Where(norm => norm.Stage == Stage.Heads))
        {
            _code.Line($"w.{norm.Weight.Field} = {Norm(norm)};");
        }

        EmitStack("Heads", _program.Layer.OfType<Project>().Where(project => project.Stage == Stage.Heads).Select(project => project.Matrix), "], Hidden);");
        foreach (Project project in _program.Layer.OfType<Project>().Where(project => project.Stage == Stage.Output))
        {
            _code.Line($"w.{project.Matrix.Field} = {Matrix(project.Matrix)};");
        }

        Tensor[] biases = [.. _program.Layer.OfType<AddBias>().Where(bias => bias.Stage == Stage.Heads).Select(bias => bias.Bias)];
        if (biases.Length > 0)
        {
            EmitStack("HeadBiases", biases, "]);");
        }

        foreach (AddBias bias in _program.Layer.OfType<AddBias>().Where(bias => bias.Stage == Stage.Output))
        {
            _code.Line($"w.{bias.Bias.Field} = {Vector(bias.Bias)};");
        }

        foreach (Norm norm in _program.Layer.OfType<Norm>().Where(norm => norm.Stage == Stage.FeedForward))
        {
            _code.Line($"w.{norm.Weight.Field} = {Norm(norm)};");
        }
    }

    private void EmitBindFeedForward()
    {
        IReadOnlyList<Tensor> tensors = _program.Layer.FeedForwardTensors();
        if (!Single)
        {
            _code.Line($"WeightType type = {_tensors.BindType()};");
        }

        string type = Single ? $"WeightType.{_spec.Weights[0]}" : "type";
        foreach (Tensor tensor in tensors)
        {
            switch (tensor.Role)
            {
                case TensorRole.Neurons:
                    string signs = string.Concat(SignMatrices.Where(signs => signs.Matrix == tensor.Field).Select(signs =>
                        $", packsSigns: {(signs.Layers.IsEveryLayer ? "true" : signs.Layers.Condition)}, out ArrayView<Words4> {tensor.Variable}Signs"));
                    _code.Line($"w.{tensor.Field} = upload.Matrix({TensorCalls.Bind(tensor)}, Intermediate, Hidden{signs});");
                    break;
                case TensorRole.Down:
                    _code.Line($"w.Down = upload.Down({TensorCalls.Bind(tensor)}, {type}, Hidden, Intermediate);");
                    break;
                case TensorRole.NeuronBias:
                    _code.Line($"ArrayView<float> {tensor.Variable} = {Vector(tensor)};");
                    break;
                default:
                    _code.Line($"w.{tensor.Field} = {Vector(tensor)};");
                    break;
            }
        }

        foreach (IlgpuFeedForwardPlan plan in _feedForwards)
        {
            using (Single ? default(CodeWriter.Scope?) : _code.Block($"if (type == WeightType.{plan.Weights})"))
            {
                using (_code.Block($"w.{FeedForwardField(plan)} = new()", end: "};"))
                {
                    foreach (Tensor matrix in tensors.Where(tensor => tensor.Columns is not null))
                    {
                        _code.Line($"{matrix.Field} = w.{matrix.Field}.Words,");
                        if (plan.Row.IsBlock)
                        {
                            string cast = matrix.Role == TensorRole.Down ? ".Cast<Words4>()" : "";
                            _code.Line($"{matrix.Field}Scales = w.{matrix.Field}.Scales{cast},");
                        }
                    }

                    foreach (var (matrix, _) in SignMatrices)
                    {
                        _code.Line($"{matrix}Signs = {matrix.ToLowerInvariant()}Signs,");
                    }

                    foreach (Tensor bias in tensors.Where(tensor => tensor.Role == TensorRole.NeuronBias))
                    {
                        _code.Line($"{bias.Field} = {bias.Variable},");
                    }
                }
            }
        }
    }

    private IEnumerable<(string Matrix, LayerSet Layers)> SignMatrices => LayerSet.ReadingSigns(_spec, _feedForwards[0]);
}
