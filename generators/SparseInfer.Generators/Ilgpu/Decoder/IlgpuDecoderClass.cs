using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Emit;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>Writes the GPU program of one decoder: the class here; weights, a session and a batch of sessions in the other parts; launches are its passes'.</summary>
internal sealed partial class IlgpuDecoderClass
{
    private readonly CodeWriter _code = new();
    private readonly IlgpuDecoderPlan _plan;
    private readonly ModelSpec _spec;
    private readonly AttentionSpec _attention;
    private readonly IlgpuFeedForwardPlan[] _feedForwards;
    private readonly ModelProgram _program;
    private readonly TensorCalls _tensors;
    private readonly DecoderLaunches _launches;
    private readonly string _name;

    public IlgpuDecoderClass(IlgpuDecoderPlan plan)
    {
        _plan = plan;
        _spec = plan.Spec;
        _attention = plan.Spec.Attention;
        _program = ModelProgram.Of(_spec).Unobserved;
        _tensors = new TensorCalls(_spec, _program);
        _feedForwards = [.. plan.FeedForwards];
        _launches = new DecoderLaunches(_code, plan, _program);
        _name = GeneratedNames.Program(_spec.Target, "Ilgpu");
    }

    /// <summary>How projections choose among the channels of their input.</summary>
    private IEnumerable<InputChannels> Channels => _program.Layer
        .Select(operation => operation switch { Project project => project.Channels, Neurons neurons => neurons.Channels, _ => null })
        .OfType<InputChannels>().Where(channels => channels.HasThreshold).Distinct();

    /// <summary>Matrices by which words are chosen.</summary>
    private IEnumerable<Tensor> Words => _program.Words?.Tensors ?? [];

    /// <summary>Vectors for the logits.</summary>
    private IEnumerable<Tensor> AfterHead => _program.AfterHead.SelectMany(operation => operation.Tensors);

    private IEnumerable<string> RopeTypes =>
        from type in _attention.IsRotated ? (string?[])["RopeTable", _attention.Scaling?.Type] : []
        where type is not null
        select $"{type} = SparseInfer.Kernels.Cpu.{type}";

    /// <summary>What was learned for positions, a row each, in F32 whatever the file has: a token reads one row.</summary>
    private IEnumerable<Tensor> AfterEmbed => _program.AfterEmbed.SelectMany(operation => operation.Tensors);

    /// <summary>Threads of the largest group that it launches.</summary>
    private int GroupThreads => KernelTable.Of(_plan).Max(kernel => kernel.Threads);

    private bool Single => _spec.FeedForwardTypes.Count == 1;

    public string Emit()
    {
        GeneratedFile.Begin(_code, Head, [.. FeedForwardIlgpuClass.Namespaces, "System.Collections.Generic", "SparseInfer.Runtime", .. RopeTypes, _tensors.Import]);
        DeviceKernel[] kernels = [.. _launches.Kernels, .. _launches.TensorCoreKernels];
        _code.Summary($"{_spec.Target.FullName}'s program for GPUs: kernels, weights shared by all sessions, and what a session runs.");
        _code.Line(GeneratedAttributes.Generated);
        using (_code.Block($"internal sealed class {_name}(IlgpuDevice device) : IlgpuDecoderProgram(device, groupThreads: {GroupThreads})"))
        {
            EmitConstants();
            _code.Line();
            foreach (DeviceKernel kernel in kernels)
            {
                kernel.EmitField(_code);
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
            if (_program.Memories.Count > 0)
            {
                _code.Line("public override bool RemembersPrompts => true;");
                _code.Line();
            }

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

            _launches.Prompt.EmitNormAfter();
            EmitLayer();
            _code.Line();
            if (_plan.SkipsTogether && !_plan.HasExperts)
            {
                _launches.FeedForward.Emit();
                _code.Line();
            }

            EmitState();
            if (_launches.Together is { } together)
            {
                _code.Line();
                EmitTogether(together);
            }

            foreach (DeviceKernel kernel in kernels.Concat(_launches.KernelsTogether))
            {
                _code.Line();
                kernel.EmitMethod(_code);
            }

            if (_program.Layer.Any(operation => operation is Project { IsOfEachExpert: true }))
            {
                _code.Line();
                ExpertCode.EmitRowPlace(_code);
            }
        }

        return _code.ToString();
    }

    private void EmitConstants()
    {
        string rope = _attention.IsRotated ? $"\nprivate const int RopePairs = {_attention.RopeDimensions / 2};" : "";
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
            private const int IntermediateQuads = {{_feedForwards[0].Shape.PaddedIntermediate / 4}};{{rope}}
            private const int NormThreads = {{_plan.NormThreads}};

            /// <summary>Prompt tokens that go through a layer together.</summary>
            private const int Batch = {{_plan.Batch}};
            """);
        if (_spec.Experts is { } experts)
        {
            _code.Line();
            _code.Summary("Experts of a layer, and those of them that compute a token.");
            _code.Line($"private const int Experts = {experts.Count}, ActiveExperts = {experts.Active};");
        }

        WindowCode.EmitConstant(_code, _spec);
        foreach (InputChannels channels in Channels)
        {
            ThresholdTable.Emit(_code, channels);
        }

        EmbeddingSpec embedding = _spec.Embedding;
        if (embedding.LearnedPositions > 0)
        {
            _code.Line();
            _code.Summary("Positions that are learned.");
            _code.Line($"private const int LearnedPositions = {embedding.LearnedPositions};");
        }

        if (embedding.PositionOffset > 0)
        {
            _code.Line();
            _code.Summary("The row of position 0.");
            _code.Line($"private const int PositionOffset = {embedding.PositionOffset};");
        }

        if ((_plan.SkipsTogether || _plan.HasExperts || ChannelQuads > 0) && _plan.Batch > TogetherPlan.Tokens)
        {
            _code.Line();
            _code.Summary(_plan.HasExperts ? "Tokens whose experts are computed by the same launches." : "Tokens that skip neurons each of their own, and share what they read.");
            _code.Line($"private const int TogetherTokens = {TogetherPlan.Tokens};");
        }
    }

    private void EmitWeights()
    {
        if (_attention.IsRotated)
        {
            _tensors.EmitRotary(_code, "2 * RopePairs");
        }

        _code.Line("private readonly Layer[] _layers = new Layer[LayerCount];");
        _code.Line("private DeviceMatrix _embedding;");
        foreach (Tensor tensor in AfterEmbed)
        {
            _code.Line($"private ArrayView<Float4> _{tensor.Variable};");
        }

        _code.Line("private DeviceMatrix _head;");
        foreach (Tensor tensor in Words)
        {
            _code.Line($"private DeviceMatrix _{tensor.Variable};");
        }

        _code.Line("private DeviceNorm _outputNorm;");
        foreach (Tensor tensor in AfterHead)
        {
            _code.Line($"private ArrayView<float> _{tensor.Variable};");
        }
    }
}
