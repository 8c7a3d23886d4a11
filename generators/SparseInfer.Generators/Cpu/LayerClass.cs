using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Emit;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Cpu;

/// <summary>Writes the object behind a feed-forward layer that stands alone.</summary>
internal sealed class LayerClass
{
    private readonly CodeWriter _code = new();
    private readonly LayerSpec _spec;
    private readonly FeedForwardPlan[] _plans;
    private readonly string _name;

    public LayerClass(LayerSpec spec)
    {
        _spec = spec;
        _plans = [.. spec.Weights.Select(type => FeedForwardPlan.Of(new(spec.FeedForward, type)))];
        _name = GeneratedNames.Program(spec.Target, "Cpu");
    }

    private bool Single => _plans.Length == 1;

    public string Emit()
    {
        GeneratedFile.Begin(_code, Head, ["System.CodeDom.Compiler", "SparseInfer.Kernels.Cpu", "SparseInfer.Runtime"]);
        _code.Summary($"The layer that {_spec.Target.FullName} declares, on a CPU.");
        _code.Line(GeneratedAttributes.Generated);
        using (_code.Block($"internal sealed class {_name} : CpuFeedForwardKernel"))
        {
            _code.Line($"internal static readonly {_name} Shared = new();");
            _code.Line();
            foreach (FeedForwardPlan plan in _plans)
            {
                string field = Single ? "Weights _weights = new()" : $"Weights? {Field(plan)}";
                _code.Line($"private {plan.ClassName}.{field};");
            }

            _code.Line();
            EmitConstructor();
            _code.Line();
            _code.Line($"public override FeedForwardKernel New() => new {_name}();");
            _code.Line();
            EmitBind();
            _code.Line();
            EmitActivate();
            _code.Line();
            EmitDown();
        }

        return _code.ToString();
    }

    private string Head => string.Join("\n",
    [
        $"{_spec.Target.FullName}, a feed-forward layer alone, on a CPU. Written by SparseInfer.Generators {GeneratedAttributes.Version}.",
        "",
        $"  shape        {_spec.FeedForward.Hidden} x {_spec.FeedForward.Intermediate}",
        .. _plans.Select(plan => $"  kernels      {plan.ClassName}"),
        $"  predicted    {_spec.Policy.Describe()}",
    ]);

    private void EmitConstructor() => _code.Lines($$"""
        private {{_name}}()
            : base(
                new FeedForwardShape
                {
                    Hidden = {{_spec.FeedForward.Hidden}},
                    Intermediate = {{_spec.FeedForward.Intermediate}},
                    Activation = Activation.{{_spec.FeedForward.Activation}},
                    Threshold = {{Literal.OfDecimal(_spec.FeedForward.Threshold)}},
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
            if (Single)
            {
                EmitWeights("_weights", _plans[0]);
                return;
            }

            foreach (FeedForwardPlan plan in _plans)
            {
                _code.Line($"{Field(plan)} = null;");
            }

            using (_code.Block("switch (bind.Type)"))
            {
                foreach (FeedForwardPlan plan in _plans)
                {
                    _code.Line($"case WeightType.{plan.Weights}:");
                    using (_code.Indent())
                    {
                        EmitWeights(Field(plan), plan);
                        _code.Line("break;");
                    }
                }
            }
        }
    }

    private void EmitWeights(string field, FeedForwardPlan plan)
    {
        using (_code.Block($"{field} = new()", end: "};"))
        {
            foreach (Tensor tensor in ModelProgram.Of(_spec.FeedForward).FeedForwardTensors())
            {
                _code.Line($"{tensor.Field} = bind.{tensor.Field},");
            }
        }

        if (CpuKernelEmitter.Set.Of(_spec.Policy).Prepared(plan).Any())
        {
            _code.Line($"{field}.Prepare(bind.Memory);");
        }
    }

    private void EmitActivate()
    {
        using (_code.Block("protected override void Activate<TMeter>(FeedForwardSlot slot, int from, int to, ref LayerTally tally)"))
        {
            ForLoaded((plan, weights) =>
                PolicySwitch.Emit(
                    _code,
                    plan.Shape,
                    [new LayerPolicy(0, 0, _spec.Policy)],
                    CpuKernelEmitter.Set,
                    (kernel, arguments) => CpuCall.Of(plan, weights, kernel, arguments)));
        }
    }

    private void EmitDown()
    {
        EmitCall("Down", "FeedForwardScratch scratch, int worker", "scratch, worker");
        _code.Line();
        EmitCall(
            "Sum",
            "FeedForwardScratch scratch, ref float y, int fromColumn, int toColumn",
            "scratch, ref y, fromColumn, toColumn");
    }

    private void EmitCall(string method, string parameters, string arguments)
    {
        string signature = $"protected override void {method}({parameters})";
        string Call(FeedForwardPlan plan, string weights) => $"{plan.ClassName}.{method}({weights}, {arguments});";
        if (Single)
        {
            _code.Line($"{signature} =>");
            _code.Line("    " + Call(_plans[0], "_weights"));
            return;
        }

        using (_code.Block(signature))
        {
            ForLoaded((plan, weights) => _code.Line(Call(plan, weights)));
        }
    }

    private static string Field(FeedForwardPlan plan) => "_" + Variable(plan);

    private static string Variable(FeedForwardPlan plan) => plan.Weights.ToString().ToLowerInvariant();

    /// <summary>Writes a statement on the weights, for whichever type is loaded.</summary>
    private void ForLoaded(System.Action<FeedForwardPlan, string> emit)
    {
        if (Single)
        {
            emit(_plans[0], "_weights");
            return;
        }

        foreach (FeedForwardPlan plan in _plans)
        {
            string otherwise = ReferenceEquals(plan, _plans[0]) ? "" : "else ";
            using (_code.Block($"{otherwise}if ({Field(plan)} is {{ }} {Variable(plan)})"))
            {
                emit(plan, Variable(plan));
            }
        }
    }
}
