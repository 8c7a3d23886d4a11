using SparseInfer.Generators.Emit;
using SparseInfer.Generators.Formats;
using SparseInfer.Generators.Program;

namespace SparseInfer.Generators.Cpu;

/// <summary>
/// What policies remember of a sequence's prompts: a session has it, counts tokens of prompts after their neurons, chooses when a token is decoded after
/// a prompt, and brings what is chosen into the slots of that token. Sessions that are decoded together have each their own.
/// </summary>
internal sealed partial class DecoderClass
{
    private const string CountMethod = "CountTokens";

    private const string ChooseMethod = "BringChosen";

    private IReadOnlyList<MemoryUse> Memories => _program.Memories;

    private bool HasMemory => Memories.Count > 0;

    /// <summary>What a session has of policies' memories: each slot, and the layers that it is of.</summary>
    private IEnumerable<(Slot Slot, LayerSet Layers)> MemorySlots => Memories.SelectMany(use => use.Memory.Slots.Distinct().Select(slot => (slot, use.Use.Layers)));

    /// <summary>Bytes that a session keeps of prompts.</summary>
    private long MemoryBytes => MemorySlots.Sum(slot => (long)Span(slot.Layers) * Bytes(slot.Slot));

    private static int Bytes(Slot slot) => slot.Element == SlotElement.Bit ? WeightLayout.Pad(slot.Width!.Size) / 8 : 8 * WeightLayout.Pad(slot.Width!.Size);

    /// <summary>Layers from the first that has something to the last.</summary>
    private static int Span(LayerSet layers) => layers.All.Last() - layers.First + 1;

    private static string Place(LayerSet layers) => layers.First == 0 ? "layer" : $"(layer - {layers.First})";

    private IEnumerable<string> DescribeMemory() => !HasMemory ? []
        : [$"  memory       {Text.Literal.Grouped(MemoryBytes)} bytes a session: {string.Join(", ", Memories.Select(use => use.Memory.Summary))}"];

    private IEnumerable<(string Name, string Count)> MemoryBuffers()
    {
        foreach ((Slot slot, LayerSet layers) in MemorySlots)
        {
            // A state that runs others' tokens has no sequence.
            yield return ($"_{slot.Variable}", $"capacity == 0 ? 0 : {(long)Span(layers) * Bytes(slot) / sizeof(float)}");
        }

        foreach (Slot slot in Memories.SelectMany(use => use.Memory.Counting).Select(operation => operation.Writes).Where(slot => slot.Element == SlotElement.OfToken).Distinct())
        {
            yield return ($"_{slot.Variable}", "2L * rows");
        }
    }

    /// <summary>Writes what a session does with its memory.</summary>
    private void EmitMemory()
    {
        if (!HasMemory)
        {
            return;
        }

        foreach ((Slot slot, LayerSet layers) in MemorySlots)
        {
            string type = slot.Element == SlotElement.Bit ? "uint" : "double";
            int width = slot.Element == SlotElement.Bit ? WeightLayout.Pad(slot.Width!.Size) / 32 : WeightLayout.Pad(slot.Width!.Size);
            _code.Line();
            _code.Summary(slot.Element == SlotElement.Bit ? "What a layer has chosen, a bit for each neuron." : "What a layer remembers of prompts, a sum for each neuron.");
            _code.Line($"private ref {type} {slot}(int layer) => ref Unsafe.Add(ref _{slot.Variable}.Ref<{type}>(), {Place(layers)} * (nint){width});");
        }

        _code.Line();
        using (_code.Block("protected override void ForgetPrompts()"))
        {
            foreach ((Slot slot, _) in MemorySlots)
            {
                _code.Line(slot.Element == SlotElement.Bit ? $"_{slot.Variable}.AsSpan<uint>().Fill(uint.MaxValue); // every neuron" : $"_{slot.Variable}.AsSpan<double>().Clear();");
            }
        }

        EmitCount();
        EmitChoice();
    }

    private void EmitCount()
    {
        _code.Line();
        _code.Summary("Counts this worker's part of a batch's tokens, whose neurons are all there; workers meet in between.");
        _code.Line(GeneratedAttributes.Hot);
        using (_code.Block($"private void {CountMethod}(int worker, int layer)"))
        {
            _code.Line("const int Stride = PaddedIntermediate;");
            _code.Line("ref float activated = ref _activated.Ref<float>();");
            _code.Line("(int fromToken, int toToken) = WorkerGroup.Slice(TokenCount, Workers.Count, worker, 1);");
            _code.Line("(int fromNeuron, int toNeuron) = WorkerGroup.Slice(Intermediate, Workers.Count, worker, DownMatrix.BlockNeurons);");
            foreach (MemoryUse use in Memories)
            {
                using (use.Use.Layers.IsEveryLayer ? default(Text.CodeWriter.Scope?) : _code.Block($"if ({use.Use.Layers.Condition})"))
                {
                    _code.Line($"// {use.Memory.Summary}.");
                    IReadOnlyList<Phase> phases = Schedule.Once(use.Memory.Counting, operation => new(operation.Unit));
                    foreach (Phase phase in phases)
                    {
                        foreach (Operation operation in phase.Operations)
                        {
                            _code.Line(operation switch
                            {
                                SumOfSquares sum => $"PromptShares.Squares(ref activated, Stride, Intermediate, fromToken, toToken, ref _{sum.To.Variable}.Ref<double>());",
                                AddShares add => $"PromptShares.Add(ref activated, Stride, RememberedFrom, TokenCount, ref _{add.Squares.Variable}.Ref<double>(), ref {add.To}(layer), fromNeuron, toNeuron);",
                                _ => throw new NotSupportedException($"A CPU's program cannot count tokens by {operation.GetType().Name}."),
                            });
                        }

                        if (phase != phases[phases.Count - 1])
                        {
                            _code.Line("Workers.Barrier();");
                        }
                    }
                }
            }
        }
    }

    private void EmitChoice()
    {
        _code.Line();
        using (_code.Block("protected override void ChooseByPrompts()"))
        {
            using (_code.Block("for (int layer = 0; layer < LayerCount; layer++)"))
            {
                foreach (MemoryUse use in Memories)
                {
                    using (use.Use.Layers.IsEveryLayer ? default(Text.CodeWriter.Scope?) : _code.Block($"if ({use.Use.Layers.Condition})"))
                    {
                        _code.Line($"int kept = {use.Use.Kept};");
                        foreach (Operation operation in use.Memory.Choosing)
                        {
                            _code.Line(operation is ChooseLargest choose
                                ? $"NeuronBits.ChooseLargest(ref {choose.From}(layer), {choose.From.Width!.Name}, kept, ref {choose.To}(layer));"
                                : throw new NotSupportedException($"A CPU's program cannot choose by {operation.GetType().Name}."));
                        }
                    }
                }
            }
        }

        _code.Line();
        _code.Summary("Brings what the token's session has chosen to this worker's neurons.");
        using (_code.Block($"private void {ChooseMethod}(int worker, int layer, FeedForwardSlot slot, State session)"))
        {
            _code.Line("(int from, int to) = _scratch.Neurons(worker);");
            foreach (MemoryUse use in Memories)
            {
                using (use.Use.Layers.IsEveryLayer ? default(Text.CodeWriter.Scope?) : _code.Block($"if ({use.Use.Layers.Condition})"))
                {
                    foreach (Slot chosen in use.Memory.Choosing.Select(operation => operation.Writes).Distinct())
                    {
                        _code.Line($"slot.Choose(ref session.{chosen}(layer), from, to);");
                    }
                }
            }
        }
    }

    /// <summary>Writes how a token gets what its session has chosen.</summary>
    /// <param name="slot">The worker's slot of the token.</param>
    /// <param name="session">Whose token it is.</param>
    private void EmitBringChosen(string slot, string session)
    {
        if (!HasMemory)
        {
            return;
        }

        using (_code.Block($"if (Mode == SparsityMode.Predicted{InMemoryLayers})"))
        {
            _code.Line($"{ChooseMethod}(worker, layer, {slot}, {session});");
        }

        _code.Line();
    }

    /// <summary>The layers that have a memory, as a condition that follows another.</summary>
    private string InMemoryLayers
    {
        get
        {
            var layers = LayerSet.Union(Memories.Select(use => use.Use.Layers));
            return layers.IsEveryLayer ? "" : $" && {layers.Condition}";
        }
    }

    /// <summary>The counting of a batch's tokens, as a statement.</summary>
    private string CountStatement => $$"""
        if (IsRemembered{{InMemoryLayers}})
        {
            {{CountMethod}}(worker, layer);
        }

        """;

    /// <summary>The same of one token of a prompt, where it is shown and so comes alone: its neurons are on workers' lists, all of them. Else empty.</summary>
    private string CountStatementOfOne => !HasMemory || !_program.IsObserved ? "" : $$"""


        if (IsRemembered{{InMemoryLayers}})
        {
            (int from, int to) = _scratch.Neurons(worker);
            _scratch[worker].Spread(ref _activated.Ref<float>(), from, to);
            Workers.Barrier();
            {{CountMethod}}(worker, layer);
        }

        """;
}
