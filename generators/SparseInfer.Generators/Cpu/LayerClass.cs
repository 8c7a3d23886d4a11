using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Emit;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Cpu;

/// <summary>Writes the CPU program of a feed-forward layer that stands alone: a program of one block.</summary>
internal sealed class LayerClass
{
    private readonly CodeWriter _code = new();
    private readonly LayerSpec _spec;
    private readonly FeedForwardPlan[] _plans;
    private readonly FeedForwardCalls _feedForwardCalls;
    private readonly IReadOnlyList<Operation> _operations;
    private readonly string _name;

    public LayerClass(LayerSpec spec)
    {
        _spec = spec;
        _plans = [.. spec.Weights.Select(type => FeedForwardPlan.Of(new(spec.FeedForward, type), spec.Weights))];
        _feedForwardCalls = new FeedForwardCalls(_code, _plans, [new LayerPolicy(0, 0, spec.Policy)], "_weights", ofLayer: false);
        _operations = ModelProgram.Of(spec.FeedForward);
        _name = GeneratedNames.Program(spec.Target, "Cpu");
    }

    public string Emit()
    {
        GeneratedFile.Begin(_code, Head, ["System", "System.CodeDom.Compiler", "SparseInfer.Kernels.Cpu", "SparseInfer.Runtime"]);
        _code.Summary($"The layer that {_spec.Target.FullName} declares, on a CPU.");
        _code.Line(GeneratedAttributes.Generated);
        using (_code.Block($"internal sealed class {_name} : CpuFeedForwardKernel"))
        {
            _code.Line($"internal static readonly {_name} Shared = new();");
            _code.Line();
            _feedForwardCalls.EmitPlaces("private");
            _code.Line();
            EmitConstructor();
            _code.Line();
            _code.Line($"public override FeedForwardKernel New() => new {_name}();");
            _code.Line();
            EmitBind();
            _code.Line();
            EmitRun();
            _feedForwardCalls.EmitActivate("Scratch");
        }

        return _code.ToString();
    }

    private string Head => GeneratedFile.LayerHead(_spec, "CPU", _plans.Select(plan => plan.ClassName));

    private string Sparsity =>
        _spec.FeedForward.Activation == Activation.GaussianTopK ? $"\n            Sparsity = {Literal.OfDecimal(_spec.FeedForward.Sparsity)}," : "";

    private void EmitConstructor() => _code.Lines($$"""
        private {{_name}}()
            : base(
                new FeedForwardShape
                {
                    Hidden = {{_spec.FeedForward.Hidden}},
                    Intermediate = {{_spec.FeedForward.Intermediate}},
                    Activation = Activation.{{_spec.FeedForward.Activation}},
                    Threshold = {{Literal.OfDecimal(_spec.FeedForward.Threshold)}},{{Sparsity}}
                    Gated = {{Literal.Of(_spec.FeedForward.Gated)}},
                    Biases = {{Literal.Of(_spec.FeedForward.Biases)}},
                },
                {{_plans[0].ClassName}}.PaddedHidden,
                {{_plans[0].ClassName}}.Slices,
                {{_plans[0].ClassName}}.SideWords,
                {{string.Join(", ", _spec.Weights.Select(type => $"WeightType.{type}"))}})
        {
        }
        """);

    private void EmitBind()
    {
        using (_code.Block("protected override void Bind(FeedForwardBinder bind)"))
        {
            if (_plans.Length == 1)
            {
                EmitWeights(_plans[0]);
                return;
            }

            foreach (FeedForwardPlan plan in _plans)
            {
                _code.Line($"{_feedForwardCalls.Place(plan)} = null;");
            }

            using (_code.Block("switch (bind.Type)"))
            {
                foreach (FeedForwardPlan plan in _plans)
                {
                    _code.Line($"case WeightType.{plan.Weights}:");
                    using (_code.Indent())
                    {
                        EmitWeights(plan);
                        _code.Line("break;");
                    }
                }
            }
        }
    }

    private void EmitWeights(FeedForwardPlan plan)
    {
        string place = _feedForwardCalls.Place(plan);
        using (_code.Block($"{place} = new()", end: "};"))
        {
            foreach (Tensor tensor in _operations.FeedForwardTensors())
            {
                _code.Line($"{tensor.Field} = bind.{tensor.Field},");
                if (tensor.Role == TensorRole.Down && plan.HasSeveralDowns)
                {
                    _code.Line("DownType = bind.DownType,");
                }
            }
        }

        if (CpuKernelEmitter.Set.Of(_spec.Policy).Prepared(plan).Any())
        {
            _code.Line($"{place}.Prepare(bind.Memory);");
        }
    }

    private void EmitRun()
    {
        IEnumerable<Phase> phases = Schedule.Once(_operations, operation => new Split(operation.Unit));
        using (_code.Block("protected override void Run<TMeter>(int worker)"))
        {
            _code.Line($"(int fromColumn, int toColumn) = WorkerGroup.Slice({_plans[0].ClassName}.PaddedHidden, Workers.Count, worker, 128);");
            _feedForwardCalls.EmitOperations(
                _operations,
                [.. phases.Select(phase => phase.Operations[phase.Operations.Count - 1])],
                (operation, plan, weights) => _feedForwardCalls.Call(operation, plan, weights, "Scratch", "Output"));
        }
    }
}
