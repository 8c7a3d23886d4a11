using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Emit;
using SparseInfer.Generators.Formats;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Cpu;

/// <summary>Writes the class that holds all kernels of one feed-forward shape and weight type.</summary>
/// <param name="kernels">The modes' own, then what the policies that use the shape ask for.</param>
/// <param name="batches">Whether prompts use the shape: a layer that stands alone takes one input at a time.</param>
internal sealed partial class FeedForwardClass(FeedForwardPlan plan, IReadOnlyList<CpuKernelEmitter> kernels, bool batches)
{
    private readonly CodeWriter _code = new();

    public string Emit()
    {
        if (plan.Shape.ByChannels)
        {
            return EmitEnd();
        }

        GeneratedFile.Begin(_code, Head, Namespaces);
        _code.Summary($"Feed-forward {Formula}: {plan.Hidden} wide, {plan.Intermediate} neurons, weights {plan.Weights}.");
        _code.Line(GeneratedAttributes.Generated);
        using (_code.Block($"internal static class {plan.ClassName}"))
        {
            EmitConstants();
            _code.Line();
            EmitWeights();
            if (plan.NeedsAllGates)
            {
                _code.Line();
                EmitGates();
            }

            foreach (CpuKernelEmitter kernel in kernels)
            {
                _code.Line();
                kernel.EmitKernel(_code, Shared);
            }

            _code.Line();
            EmitDown();
            if (batches)
            {
                _code.Line();
                EmitBatch();
                _code.Line();
                EmitDownBatch();
            }

            if (CountsActive)
            {
                _code.Line();
                EmitCountActive();
            }

            foreach (SkippingKernelEmitter kernel in kernels.OfType<SkippingKernelEmitter>().Where(kernel => kernel.OwnActive is not null))
            {
                _code.Line();
                _code.Summary("How many neurons a policy would keep that saw all of them: only metering asks.");
                EmitCountOf(kernel.OwnActive!, kernel.OwnActiveParameters, kernel.Keep);
            }

            _code.Line();
            EmitNeuron();
        }

        return _code.ToString();
    }

    /// <summary>What leads out of the neurons, where the decoder multiplies gate and up itself.</summary>
    private string EmitEnd()
    {
        string down = Literal.Grouped(plan.RowBytes * plan.Intermediate);
        GeneratedFile.Begin(
            _code,
            $"""
            The end of a feed-forward, written by SparseInfer.Generators {GeneratedAttributes.Version}: gate and up have a row for each channel, and are the decoder's.

              shape        {plan.Hidden} x {plan.Intermediate}, {ActivationCode.Form(plan.Spec)}
              weights      {plan.Weights}, {Literal.Grouped(plan.RowBytes)} bytes a neuron in down (neuron-major){DownText}
              bytes        {down} a token when dense

            Sums run in a fixed order: every column of down by ascending neuron
            within {SliceText}.
            """,
            Namespaces.Where(name => name != "System.Runtime.Intrinsics"));
        _code.Summary($"Down of {Formula}: {plan.Hidden} wide, {plan.Intermediate} neurons, weights {plan.Weights}.");
        _code.Line(GeneratedAttributes.Generated);
        using (_code.Block($"internal static class {plan.ClassName}"))
        {
            _code.Line($"internal const int PaddedHidden = {plan.PaddedHidden};");
            _code.Line();
            _code.Summary("64-bit words that a worker keeps for what a policy derives from the input.");
            _code.Line("internal const int SideWords = 0;");
            _code.Line();
            _code.Summary("Neurons that workers take together, and that are summed before others are added.");
            _code.Line($"internal static NeuronSlices Slices => new({plan.Intermediate}, {plan.Slices});");
            _code.Line();
            _code.Line($"private const int PaddedIntermediate = {plan.PaddedIntermediate};");
            _code.Line();
            _code.Summary("What a layer has of it.");
            using (_code.Block("internal sealed class Weights"))
            {
                foreach (Tensor tensor in ModelProgram.Of(plan.Spec).FeedForwardTensors().Where(tensor => tensor.Role is TensorRole.Down or TensorRole.DownBias))
                {
                    _code.Line(tensor.Columns is null ? $"public float[] {tensor.Field} = [];" : $"public DownMatrix {tensor.Field};");
                }

                EmitDownType();
            }

            _code.Line();
            EmitDown();
            _code.Line();
            EmitDownBatch();
        }

        return _code.ToString();
    }

    private string Formula => (plan.Spec.Gated, plan.Spec.Activation) switch
    {
        (true, Activation.DRelu) => "down(relu(gate x) * relu(up x))",
        (true, Activation.GaussianTopK) => "down(gelu(max(0, gate x - cut)) * (up x))",
        (false, Activation.GaussianTopK) => "down(gelu(max(0, up x - cut)))",
        (true, var activation) => $"down({Name(activation)}(gate x) * (up x))",
        (false, var activation) => $"down({Name(activation)}(up x))",
    };

    private static string Name(Activation activation) =>
        activation == Activation.SquaredRelu ? "relu²" : activation.ToString().ToLowerInvariant();

    private IEnumerable<string> Namespaces => kernels.SelectMany(kernel => kernel.Namespaces)
        .Concat(plan.Spec.Biases ? ["System.Runtime.InteropServices"] : [])
        .Concat(
        [
            "System",
            "System.CodeDom.Compiler",
            "System.Runtime.CompilerServices",
            "System.Runtime.Intrinsics",
            "SparseInfer.Kernels.Cpu",
        ]);

    private string Head
    {
        get
        {
            int matrices = plan.InputMatrices + 1;
            int columns = WeightLayout.ColumnMultiple;
            string row = Literal.Grouped(plan.RowBytes);
            string dense = Literal.Grouped(plan.RowBytes * plan.Intermediate * matrices);
            string skipped = plan.NeedsAllGates
                ? $"{Literal.Grouped(plan.RowBytes * (matrices - 1))} fewer for each neuron that is cut"
                : $"{Literal.Grouped(plan.RowBytes * matrices)} fewer for each neuron skipped unread";
            return $"""
                Feed-forward kernels for one shape, written by SparseInfer.Generators {GeneratedAttributes.Version}.

                  shape        {plan.Hidden} x {plan.Intermediate}, {ActivationCode.Form(plan.Spec)}
                  weights      {plan.Weights}, {row} bytes a neuron in each of {matrices} matrices (down neuron-major){DownText}
                  bytes        {dense} a token when dense; {skipped}
                  plan         rows in fours, {columns} columns a step, fetched {Fetched} ahead; {PlanText}blocks of {plan.BlockNeurons} neurons{SharedText}

                Sums run in a fixed order: {SumText}, every column of down by ascending neuron
                within {SliceText}.
                So Exact equals Dense bit for bit, whatever the number of workers.
                """;
        }
    }

    /// <summary>The plan of kernels that may have several tokens.</summary>
    private FeedForwardPlan Shared => batches ? plan : plan with { SharedNeurons = plan.BlockNeurons };

    private string DownText => plan.HasSeveralDowns
        ? "\n               " + $"or down in {string.Join(", ", plan.Downs.Where(type => type != plan.Weights).Select(type => $"{type}, {Literal.Grouped(plan.BytesIn(type))} bytes"))}"
        : "";

    private string Fetched => plan.Tuning.GroupsAhead == 1 ? "one group" : $"{plan.Tuning.GroupsAhead} groups";

    private string SumText => Format.HasBlocks(plan.Weights)
        ? "every dot product in 8 lanes of exact integers and one tree"
        : "every dot product in 16 lanes and one tree for 1024 columns";

    private string SliceText => plan.Slices == 1 ? "one slice" : $"each of {plan.Slices} slices of the neurons, then over the slices";

    private string SharedText => batches && plan.SharedNeurons < plan.BlockNeurons ? $", of {plan.SharedNeurons} for several tokens" : "";

    private string PlanText =>
        string.Concat(kernels.Select(kernel => kernel.PlanText(plan)).Where(text => text.Length > 0).Select(text => text + "; "));

    /// <summary>Whether a kernel's meter has to be told which neurons are truly active.</summary>
    private bool CountsActive => plan.HasZeros || kernels.Any(kernel => kernel is SkippingKernelEmitter { Predicts: true, OwnActive: null });

    private void EmitConstants()
    {
        int sideWords = kernels.Max(kernel => kernel.SideWords(plan));
        _code.Line($"internal const int PaddedHidden = {plan.PaddedHidden};");
        _code.Line();
        _code.Summary("64-bit words that a worker keeps for what a policy derives from the input.");
        _code.Line($"internal const int SideWords = {sideWords};");
        _code.Line();
        _code.Summary("Neurons that workers take together, and that are summed before others are added.");
        _code.Line($"internal static NeuronSlices Slices => new({plan.Intermediate}, {plan.Slices});");
        _code.Line();
        if (plan.NeedsAllGates)
        {
            _code.Summary($"Standard deviations from the mean to the cut: {plan.Spec.Sparsity} of a normal distribution lies below.");
            _code.Line($"internal const float CutDeviations = {Literal.Of(NormalQuantile.Of(plan.Spec.Sparsity))};");
            _code.Line();
        }

        if (sideWords > 0)
        {
            _code.Line($"private const int Hidden = {plan.Hidden};");
        }

        if (batches)
        {
            _code.Line($"private const int PaddedIntermediate = {plan.PaddedIntermediate};");
        }

        _code.Line($"private const long RowBytes = {plan.RowBytes};");
        if (!plan.HasSeveralDowns)
        {
            _code.Line($"private const long NeuronBytes = {plan.InputMatrices + 1} * RowBytes;");
        }
    }

    private void EmitWeights()
    {
        PreparedField[] prepared =
            [.. kernels.SelectMany(kernel => kernel.Prepared(plan)).GroupBy(field => field.Name).Select(group => group.First())];
        _code.Summary("One layer's weights, and what policies prepared from them.");
        using (_code.Block("internal sealed class Weights"))
        {
            foreach (Tensor tensor in ModelProgram.Of(plan.Spec).FeedForwardTensors())
            {
                _code.Line(tensor switch
                {
                    { Columns: null } => $"public float[] {tensor.Field} = [];",
                    { Role: TensorRole.Down } => $"public DownMatrix {tensor.Field};",
                    _ => $"public WeightMatrix {tensor.Field};",
                });
            }

            EmitDownType();
            if (plan.HasSeveralDowns)
            {
                _code.Line();
                _code.Summary("Bytes of a neuron in down.");
                using (_code.Block("public long DownBytes => DownType switch", end: "};"))
                {
                    foreach (WeightType type in plan.Downs)
                    {
                        _code.Line($"{(type == plan.Weights ? "_" : $"WeightType.{type}")} => {plan.BytesIn(type)},");
                    }
                }
            }

            foreach (PreparedField field in prepared)
            {
                _code.Line();
                _code.Summary(field.Summary);
                _code.Line($"public {field.Type} {field.Name}{(field.Type.EndsWith("[]", StringComparison.Ordinal) ? " = []" : "")};");
            }

            _code.Line();
            _code.Summary(prepared.Length == 0
                ? "No policy of this shape derives anything from the weights."
                : "Prepares what the policies need, once the matrices are there.");
            using (_code.Block("public void Prepare(NativeMemoryPool memory)"))
            {
                foreach (PreparedField field in prepared)
                {
                    _code.Line($"{field.Name} = {field.Expression};");
                }
            }
        }
    }

    private void EmitDownType()
    {
        if (plan.HasSeveralDowns)
        {
            _code.Line();
            _code.Summary("What down is stored in.");
            _code.Line($"public WeightType DownType = WeightType.{plan.Weights};");
        }
    }

    private void EmitGates()
    {
        string first = plan.First.ToLowerInvariant();
        FeedForwardPlan shared = Shared;
        _code.Summary($"{plan.First} of all of the worker's neurons, for a token or several: a token's cut is known when every worker has been here.");
        _code.Line(GeneratedAttributes.Hot);
        using (_code.Block("internal static void Gates(Weights w, FeedForwardScratch scratch, int worker, int tokens = 1)"))
        {
            _code.Line("ReadOnlySpan<FeedForwardSlot> slots = scratch.Slots(worker, tokens);");
            _code.Line("(int from, int to) = scratch.Neurons(worker);");
            using (RowGroup.ForTokens(_code))
            {
                _code.Line($"slot.Undo = {plan.Weights}.PrepareInput(ref slot.Input, ref slot.PreparedInput, PaddedHidden);");
            }

            _code.Line();
            using (RowGroup.ForBlocks(_code, shared))
            using (RowGroup.ForTokens(_code))
            {
                RowGroup.EmitPreparedInput(_code);
                _code.Line("ref float gates = ref slot.Gates;");
                using (_code.Block("for (int i0 = block; i0 < end; i0 += 4)"))
                {
                    RowGroup.EmitContiguous(_code, "end");
                    RowGroup.EmitDot(_code, plan, plan.First, first, RowGroup.Rows(plan.First), RowGroup.NextRows(plan.First, plan));
                    _code.Line($"{first}.StoreUnsafe(ref gates, (nuint)(i0 - from));");
                }
            }
        }
    }

    private void EmitDown()
    {
        _code.Summary("The active rows of down times their values: for each token a sum for each of the worker's slices.");
        _code.Line(GeneratedAttributes.Hot);
        const string Header = "internal static void Down(Weights w, FeedForwardScratch scratch, int worker, int tokens = 1)";
        static string Call(WeightType type) => $"OrderedDown.AccumulateSlices<{type}>(in w.Down, scratch, worker, tokens);";
        if (plan.HasSeveralDowns)
        {
            using (_code.Block(Header))
            {
                ForDown(type => _code.Line(Call(type)));
            }
        }
        else
        {
            _code.Line($"{Header} =>");
            _code.Line($"    {Call(plan.Weights)}");
        }

        _code.Line();
        _code.Summary("y = the slices' sums of a token, added in order, for some columns. Every worker has been through Down.");
        _code.Line(GeneratedAttributes.Hot);
        using (_code.Block("internal static void Sum(Weights w, FeedForwardScratch scratch, ref float y, int fromColumn, int toColumn, int token = 0)"))
        {
            _code.Line("OrderedDown.SumSlices(scratch, ref y, fromColumn, toColumn, token);");
            if (plan.Spec.Biases)
            {
                EmitDownBias("ref y");
            }
        }
    }

    private void ForDown(Action<WeightType> emit) => WeightSwitch.Emit(_code, "w.DownType", plan.Downs, emit);

    private void EmitDownBias(string y) =>
        _code.Line($"Elementwise.Add({y}, ref MemoryMarshal.GetArrayDataReference(w.DownBias), fromColumn, toColumn);");

    private string Bias(string matrix) => plan.Spec.Biases ? $" + w.{matrix}Bias[i]" : "";

    private void EmitCountActive()
    {
        _code.Summary("How many neurons are truly active: only metering asks.");
        if (plan.NeedsAllGates)
        {
            EmitCountAboveCut();
            return;
        }

        EmitCountOf("CountActive", [], activation => $"{activation} {(plan.HasZeros ? "> 0f" : "!= 0f")}");
    }

    /// <param name="active">Condition under which a neuron with an activation counts.</param>
    private void EmitCountOf(string name, IEnumerable<PolicyParameter> parameters, Func<string, string> active)
    {
        string own = string.Concat(parameters.Select(parameter => $", {parameter.Type} {parameter.Name}"));
        using (_code.Block($"private static int {name}(Weights w, ref float prepared, float undo, int from, int to{own})"))
        {
            string first = plan.First.ToLowerInvariant();
            _code.Line("int count = 0;");
            using (_code.Block("for (int i0 = from; i0 < to; i0 += 4)"))
            {
                RowGroup.EmitContiguous(_code, "to");
                RowGroup.EmitDot(_code, plan, plan.First, first, RowGroup.Rows(plan.First), RowGroup.NextRows(plan.First, plan));
                if (plan.Spec.Activation == Activation.DRelu)
                {
                    RowGroup.EmitDot(_code, plan, "Up", "up", RowGroup.Rows("Up"), RowGroup.NextRows("Up", plan));
                }

                for (int lane = 0; lane < 4; lane++)
                {
                    string both = plan.Spec.Activation == Activation.DRelu ? $" && Activate(up.GetElement({lane})) > 0f" : "";
                    string inside = lane == 0 ? "" : $" && i0 + {lane} < to";
                    _code.Line($"count += {active($"Activate({first}.GetElement({lane}))")}{both}{inside} ? 1 : 0;");
                }
            }

            _code.Line();
            _code.Line("return count;");
        }
    }

    private void EmitCountAboveCut()
    {
        using (_code.Block("private static int CountActive(ref float gates, int neurons, float cut)"))
        {
            _code.Line("int count = 0;");
            using (_code.Block("for (int n = 0; n < neurons; n++)"))
            {
                _code.Line("count += Activate(Unsafe.Add(ref gates, n) - cut) > 0f ? 1 : 0;");
            }

            _code.Line();
            _code.Line("return count;");
        }
    }

    private void EmitNeuron()
    {
        _code.Line(GeneratedAttributes.Inline);
        _code.Line(ActivationCode.Method(plan.Spec));
        if (plan.Spec.Gated)
        {
            _code.Line();
            _code.Summary("What a neuron's row of down is multiplied by; zero where its activation is.");
            _code.Line(GeneratedAttributes.Inline);
            using (_code.Block("private static float Neuron(float gate, float up)"))
            {
                _code.Line("float a = Activate(gate);");
                _code.Line($"return a == 0f ? 0f : a * {(plan.Spec.Activation == Activation.DRelu ? "Activate(up)" : "up")};");
            }
        }

        if (plan.Spec.Biases)
        {
            _code.Line();
            _code.Line(GeneratedAttributes.Inline);
            _code.Line(
                "private static Vector128<float> Four(float[] bias, int i0, int i1, int i2, int i3) => "
                + "Vector128.Create(bias[i0], bias[i1], bias[i2], bias[i3]);");
        }
    }
}
