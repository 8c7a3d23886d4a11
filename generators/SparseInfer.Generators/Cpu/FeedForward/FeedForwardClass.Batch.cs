using SparseInfer.Generators.Emit;

namespace SparseInfer.Generators.Cpu;

/// <content>What prompts call: every neuron, for a batch of tokens.</content>
internal sealed partial class FeedForwardClass
{
    /// <summary>Prompts: every neuron, for a batch of tokens, as matrix products.</summary>
    private void EmitBatch()
    {
        if (plan.NeedsAllGates)
        {
            EmitBatchGates();
            _code.Line();
        }

        bool multiplies = RowGroup.NeedsInput(plan);
        _code.Summary("h[token, neuron] for some neurons and a batch of tokens, nothing skipped: the bits of Dense, token by token."
            + (plan.NeedsAllGates ? " The gates are there." : "")
            + (plan.Spec.Gated ? " <c>other</c> is room for as many again." : ""));
        _code.Line(GeneratedAttributes.Hot);
        string x = multiplies ? "ref float x, int xStride, " : "";
        string h = (plan.Spec.Gated ? "ref float h, ref float other" : "ref float h") + (plan.NeedsAllGates ? ", ref float cuts" : "");
        using (_code.Block($"internal static void Batch(Weights w, {x}int tokens, {h}, int from, int to{(multiplies ? ", Span<float> panel" : "")})"))
        {
            if (multiplies)
            {
                EmitPack();
            }

            if (!plan.NeedsAllGates)
            {
                _code.Line(Gemm(plan.First, "h"));
            }

            if (plan.Spec.Gated)
            {
                _code.Line(Gemm("Up", "other"));
            }

            using (_code.Block("for (int token = 0; token < tokens; token++)"))
            {
                _code.Line("ref float row = ref Unsafe.Add(ref h, token * (nint)PaddedIntermediate);");
                if (plan.Spec.Gated)
                {
                    _code.Line("ref float up = ref Unsafe.Add(ref other, token * (nint)PaddedIntermediate);");
                }

                if (plan.NeedsAllGates)
                {
                    _code.Line("float cut = Unsafe.Add(ref cuts, token);");
                }

                using (_code.Block("for (int i = from; i < to; i++)"))
                {
                    string first = "Unsafe.Add(ref row, i)" + (plan.NeedsAllGates ? " - cut" : Bias(plan.First));
                    string value = plan.Spec.Gated ? $"Neuron({first}, Unsafe.Add(ref up, i){Bias("Up")})" : $"Activate({first})";
                    _code.Line($"Unsafe.Add(ref row, i) = {value};");
                }
            }
        }
    }

    private void EmitBatchGates()
    {
        _code.Summary($"{plan.First} of some neurons and a batch of tokens: the bits of Gates, token by token.");
        _code.Line(GeneratedAttributes.Hot);
        using (_code.Block("internal static void BatchGates(Weights w, ref float x, int xStride, int tokens, ref float h, int from, int to, Span<float> panel)"))
        {
            EmitPack();
            _code.Line(Gemm(plan.First, "h"));
            if (!plan.Spec.Biases)
            {
                return;
            }

            using (_code.Block("for (int token = 0; token < tokens; token++)"))
            {
                _code.Line($"Elementwise.Add(ref Unsafe.Add(ref h, token * (nint)PaddedIntermediate), ref MemoryMarshal.GetArrayDataReference(w.{plan.First}Bias), from, to);");
            }
        }
    }

    private void EmitPack() => _code.Line($"MatrixMatrix.Pack<{plan.Weights}>(PaddedHidden, ref x, xStride, tokens, panel);");

    private void EmitDownBatch()
    {
        _code.Summary("y = h times down for a batch of tokens and some columns: the sums of Down and Sum.");
        _code.Line(GeneratedAttributes.Hot);
        using (_code.Block("internal static void DownBatch("
            + "Weights w, ref float h, int tokens, ref float y, int fromColumn, int toColumn, Span<float> panel)"))
        {
            ForDown(type => _code.Line($"OrderedDown.Multiply<{type}>("
                + "in w.Down, Slices, ref h, PaddedIntermediate, tokens, ref y, PaddedHidden, fromColumn, toColumn, panel);"));
            if (plan.Spec.Biases)
            {
                using (_code.Block("for (int token = 0; token < tokens; token++)"))
                {
                    EmitDownBias("ref Unsafe.Add(ref y, token * (nint)PaddedHidden)");
                }
            }
        }
    }

    private string Gemm(string matrix, string y) =>
        $"MatrixMatrix.MultiplyPacked<{plan.Weights}>(in w.{matrix}, from, to, PaddedHidden, tokens, ref {y}, PaddedIntermediate, panel);";
}
