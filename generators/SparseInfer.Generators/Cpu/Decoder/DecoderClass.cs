using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Emit;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Cpu;

/// <summary>Writes the CPU program of one decoder: weights and their binding here, the two ways to run it in the other parts.</summary>
internal sealed partial class DecoderClass
{
    private readonly CodeWriter _code = new();
    private readonly DecoderPlan _plan;
    private readonly ModelSpec _spec;
    private readonly AttentionSpec _attention;
    private readonly RoleCalls _calls;
    private readonly TensorCalls _tensors;
    private readonly ModelProgram _program;
    private readonly (Tensor Matrix, InputChannels Channels)[] _byChannels;
    private readonly FeedForwardPlan[] _feedForwards;
    private readonly FeedForwardCalls _feedForwardCalls;
    private readonly TokenPass _token;
    private readonly PromptPass _prompt;

    public DecoderClass(DecoderPlan plan)
    {
        _plan = plan;
        _spec = plan.Spec;
        _attention = plan.Spec.Attention;
        _program = ModelProgram.Of(_spec);
        _calls = new RoleCalls(_spec, _program);
        _tensors = new TensorCalls(_spec, _program);
        _byChannels =
        [
            .. _program.Layer.SelectMany(operation => operation switch
            {
                Project { Channels: { } channels } project => [(project.Matrix, channels)],
                Neurons { Channels: { } channels } neurons => neurons.Matrices.Select(matrix => (matrix, channels)),
                _ => Array.Empty<(Tensor, InputChannels)>(),
            }),
        ];
        _feedForwards = [.. plan.FeedForwards];
        _feedForwardCalls = new FeedForwardCalls(_code, _feedForwards, _spec.Policies, "w.FeedForward", ofLayer: true, _spec.Experts is not null);
        _token = new TokenPass(this);
        _prompt = new PromptPass(this);
    }

    public string Emit()
    {
        GeneratedFile.Begin(_code, Head, Namespaces);
        _code.Summary($"{_spec.Target.FullName}'s program for CPUs: weights shared by all sessions, and what a session runs.");
        _code.Line(GeneratedAttributes.Generated);
        string name = GeneratedNames.Program(_spec.Target, "Cpu");
        using (_code.Block($"internal sealed class {name}(CpuDevice device) : CpuDecoderProgram(device)"))
        {
            EmitConstants();
            _code.Line();
            EmitWeights();
            _code.Line();
            _tensors.EmitTable(_code);
            _code.Line();
            TensorCalls.EmitProperty(_code);
            _code.Line();
            EmitBind();
            _code.Line();
            if (_program.IsObserved)
            {
                _code.Line("public override bool IsObservable => true;");
                _code.Line();
            }

            if (HasMemory)
            {
                _code.Line("public override bool RemembersPrompts => true;");
                _code.Line();
            }

            _code.Line("public override DecoderState CreateState(int capacity, KeyValueType cacheType) => new State(this, capacity, rows: Batch, cacheType);");
            _code.Line();
            _code.Line("public override DecoderBatch CreateBatch(int maxStates) => new CpuDecoderBatch(new State(this, capacity: 0, rows: maxStates, CacheTypes[0]));");
            _code.Line();
            EmitLayer();
            _code.Line();
            EmitState(name);
        }

        return _code.ToString();
    }

    private static readonly string[] Namespaces =
    [
        "System",
        "System.CodeDom.Compiler",
        "System.Collections.Generic",
        "System.Diagnostics",
        "System.Runtime.CompilerServices",
        "System.Runtime.InteropServices",
        "SparseInfer.Kernels.Cpu",
        "SparseInfer.Runtime",
    ];

    private string Head
    {
        get
        {
            string form = $"{_spec.FeedForward.Activation}, {(_spec.FeedForward.Gated ? "gated" : "not gated")}";
            string theta = Literal.Of(_attention.RopeTheta).TrimEnd('f');
            string ofFirst = !_spec.MixesTypes ? "" : $" and all {_spec.DescribeFirst()}";
            string attention = Literal.Grouped(_plan.Shape.AttentionBytes);
            string feedForward = Literal.Grouped(_plan.Shape.FeedForwardBytes);
            IEnumerable<string> head =
            [
                $"{_spec.Target.FullName} on a CPU, written by SparseInfer.Generators {GeneratedAttributes.Version}.",
                "",
                $"  model        {_spec.Layers} layers, hidden {_spec.Hidden}, vocabulary {_spec.Vocabulary}, context {_spec.Context}",
                $"  attention    {_attention.Heads} heads, {_attention.KeyValueHeads} key-value heads, {_attention.HeadDimension} each",
                .. _attention.Windows.Select(window => $"  window       {window.Window} positions{InLayers(window.Layers)}"),
                _attention.IsRotated
                    ? $"  rotary       {_attention.RopeDimensions} dimensions of a head, base {theta}{(_attention.Unrotated is { } layers ? $", but in {layers.Describe()}" : "")}{(_attention.Scaling is { } scaling ? $", {scaling.Describe()}" : "")}"
                    : "  rotary       none",
                .. _spec.Embedding.LearnedPositions > 0 ? [$"  positions    {_spec.Embedding.LearnedPositions} learned, the first in row {_spec.Embedding.PositionOffset}"] : Array.Empty<string>(),
                $"  feed-forward {ExpertText}{_spec.FeedForward.Intermediate} neurons, {form}",
                .. _feedForwards.Select(plan => $"               {plan.ClassName}"),
                .. _spec.Traits.Select((trait, i) => $"  {(i == 0 ? "traits" : ""),-12} {trait.Describe()}"),
                $"  weights      {_spec.DescribeWeights()}",
                $"  bytes        {Literal.Grouped(_plan.Shape.DenseBytes)} a token when dense{ofFirst}:",
                $"               attention {attention}, feed-forward {feedForward}, head {Literal.Grouped(_plan.Shape.HeadBytes)}",
                .. DescribeChannels(),
                .. DescribeMemory(),
                $"  barriers     {_token.DescribeBarriers()}",
                "",
                "In Predicted mode the layers do this:",
                .. _spec.Policies.Concat(_spec.SitePolicies).Select(policy => policy.Describe()),
                .. _spec.ModelPolicies.Select(policy => $"  {"the head",-12} {policy.Describe()}"),
            ];
            return string.Join("\n", head);
        }
    }

    private string InLayers(LayerPattern layers) => layers.IsEvery(_spec.Layers) ? "" : $" in {layers.Describe()}";

    private void EmitConstants()
    {
        string rope = _attention.IsRotated ? $"\nprivate const int RopeDimensions = {_attention.RopeDimensions};" : "";
        EmbeddingSpec embedding = _spec.Embedding;
        string positions = (embedding.LearnedPositions > 0 ? $"\nprivate const int LearnedPositions = {embedding.LearnedPositions};" : "")
            + (embedding.PositionOffset > 0 ? $"\nprivate const int PositionOffset = {embedding.PositionOffset};" : "");
        _code.Lines($$"""
            private const int LayerCount = {{_spec.Layers}};
            private const int Vocabulary = {{_spec.Vocabulary}};
            private const int Hidden = {{_spec.Hidden}};
            private const int PaddedHidden = {{_plan.Shape.PaddedHidden}};{{positions}}
            private const int Heads = {{_attention.Heads}};
            private const int KeyValueHeads = {{_attention.KeyValueHeads}};
            private const int HeadDimension = {{_attention.HeadDimension}};
            private const int PaddedQueryWidth = {{_plan.Shape.PaddedQueryWidth}};
            private const int KeyValueWidth = {{_plan.Shape.KeyValueWidth}};{{ChannelConstants}}{{HeadConstants}}
            private const int InputWidth = {{System.Math.Max(_plan.Shape.PaddedHidden, _plan.Shape.PaddedQueryWidth)}};
            private const int Intermediate = {{_spec.FeedForward.Intermediate}};
            private const int PaddedIntermediate = {{_feedForwards[0].PaddedIntermediate}};{{ExpertConstants}}{{rope}}
            private const float NormEpsilon = {{Literal.Of(_spec.Norm.Epsilon)}};
            private const float AttentionScale = {{Literal.Of(AttentionScale)}}; // 1 / sqrt(head dimension)

            /// <summary>Prompt tokens that go through a layer together.</summary>
            private const int Batch = {{_plan.PromptBatch}};
            """);
        WindowCode.Emit(_code, _spec);
        EmitThresholds();
        if (PolicyProjects.Any())
        {
            _code.Line();
            _code.Summary("Padded columns of the widest matrix that a policy has of its own.");
            _code.Line($"private const int PolicyInputWidth = {PolicyInputWidth};");
        }
    }

    private float AttentionScale => (float)(1 / System.Math.Sqrt(_attention.HeadDimension));

    private void EmitWeights()
    {
        if (_attention.IsRotated)
        {
            _tensors.EmitRotary(_code, "RopeDimensions");
        }

        _code.Line("private readonly Layer[] _layers = new Layer[LayerCount];");
        foreach (Tensor tensor in Whole)
        {
            _code.Line(tensor.Columns is null ? $"private float[] _{tensor.Variable} = [];" : $"private {_calls.Of(tensor).FieldType} _{tensor.Variable};");
        }
    }

    /// <summary>Tensors that are no layer's.</summary>
    private IEnumerable<Tensor> Whole =>
    [
        _program.Embed.Table,
        .. _program.AfterEmbed.SelectMany(operation => operation.Tensors),
        _program.Head.Matrix,
        .. _program.Words?.Tensors ?? [],
        .. _program.OutputNorm.Tensors,
        .. _program.AfterHead.SelectMany(operation => operation.Tensors),
    ];

    private void EmitBind()
    {
        using (_code.Block("public override void Bind(WeightBinder bind)"))
        {
            foreach (Tensor tensor in Whole)
            {
                bool isTied = tensor == _program.Head.Matrix && _program.IsTied;
                _code.Line($"_{tensor.Variable} = {(isTied ? $"_{_program.Embed.Table.Variable}" : Bind(tensor))};");
            }

            _tensors.EmitBindRotary(_code, "RopeDimensions");
            _code.Line();
            using (_code.Block("for (int layer = 0; layer < LayerCount; layer++)"))
            {
                _code.Line("Layer w = _layers[layer] = new Layer();");
                foreach (Tensor tensor in LayerTensors)
                {
                    _code.Line($"w.{tensor.Field} = {Bind(tensor)};");
                }

                EmitBindChannels();
                _tensors.EmitBindPolicies(
                    _code, Bound, tensor => tensor.Columns is null ? "new float[Experts][]" : $"new {_calls.Of(tensor).FieldType}[Experts]");
                _code.Line();
                EmitBindFeedForward();
            }
        }
    }

    /// <summary>What a layer has beside its feed-forward's weights: those of neurons too, where these have a row for each channel.</summary>
    private IReadOnlyList<Tensor> LayerTensors => ChannelsOf(ChannelUse.FeedForward) is null
        ? _program.Layer.LayerTensors()
        : [.. _program.Layer.LayerTensors(), .. _program.Layer.OfType<Neurons>().Single().Tensors];

    private string Bind(Tensor tensor) => IsByChannels(tensor)
        ? TensorCalls.BindChannels(tensor) + (_calls.Of(tensor).Single ? ".Weights" : "")
        : Bound(tensor, TensorCalls.Bind(tensor));

    private string Bound(Tensor tensor, string call) => tensor.Columns is null ? call : tensor.Role == TensorRole.Router ? call + ".Weights" : _calls.Of(tensor).Bind(call);

    private void EmitBindFeedForward()
    {
        if (_feedForwards.Length == 1)
        {
            EmitBindFeedForward(_feedForwards[0]);
            return;
        }

        _code.Line($"WeightType type = {TensorCalls.BindType(_program.Layer.FeedForwardTensors()[0])};");
        foreach (FeedForwardPlan plan in _feedForwards)
        {
            using (_code.Block($"if (type == WeightType.{plan.Weights})"))
            {
                EmitBindFeedForward(plan);
            }
        }
    }

    private void EmitBindFeedForward(FeedForwardPlan plan)
    {
        if (HasExperts)
        {
            _code.Line($"{plan.ClassName}.Weights[] experts = {_feedForwardCalls.Place(plan)} = new {plan.ClassName}.Weights[Experts];");
            using (_code.Block("for (int expert = 0; expert < Experts; expert++)"))
            {
                _code.Line($"{plan.ClassName}.Weights feedForward = experts[expert] = new();");
                EmitBindMatrices(plan);
            }

            return;
        }

        _code.Line($"{plan.ClassName}.Weights feedForward = {_feedForwardCalls.Place(plan)} = new();");
        EmitBindMatrices(plan);
    }

    private void EmitBindMatrices(FeedForwardPlan plan)
    {
        foreach (Tensor tensor in _program.Layer.FeedForwardTensors().Except(LayerTensors))
        {
            _code.Line($"feedForward.{tensor.Field} = {TensorCalls.Bind(tensor)}{(tensor.Role == TensorRole.Neurons ? ".Weights" : "")};");
            if (tensor.Role == TensorRole.Down && plan.HasSeveralDowns)
            {
                _code.Line($"feedForward.DownType = {TensorCalls.BindType(tensor)};");
            }

            if (tensor.Role == TensorRole.Down)
            {
                EmitBindDownCentre(tensor);
            }
        }

        LayerSet prepared = new(_spec, policy => CpuKernelEmitter.Set.Of(policy).Prepared(plan).Any());
        if (!prepared.IsEmpty)
        {
            using (prepared.IsEveryLayer ? default(CodeWriter.Scope?) : _code.Block($"if ({prepared.Condition})"))
            {
                _code.Line("bind.AfterPacking(feedForward.Prepare);");
            }
        }
    }

    private void EmitLayer()
    {
        using (_code.Block("private sealed class Layer"))
        {
            foreach (var matrices in LayerTensors.Where(tensor => tensor.Columns is not null)
                .GroupBy(
                    tensor => tensor.Role == TensorRole.Router ? "WeightMatrix" : IsByChannels(tensor) ? _calls.Of(tensor).ChannelType : _calls.Of(tensor).FieldType,
                    tensor => tensor.Field))
            {
                _code.Line($"public {matrices.Key} {string.Join(", ", matrices)};");
            }

            foreach (Tensor vector in LayerTensors.Where(tensor => tensor.Columns is null).OrderBy(tensor => tensor.Role))
            {
                _code.Line($"public float[] {vector.Field} = [];");
            }

            foreach (string vector in ChannelVectors)
            {
                _code.Line($"public float[] {vector} = [];");
            }

            foreach (Tensor own in _tensors.PolicyFields)
            {
                string type = own.Columns is null ? "float[]" : _calls.Of(own).FieldType;
                _code.Line($"public {type}{(own.Experts is null ? "" : "[]")} {own.Field}{(own.Columns is null || own.Experts is not null ? " = []" : "")};");
            }

            _feedForwardCalls.EmitPlaces("public");
        }
    }
}
