using SparseInfer.Generators.Formats;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>
/// Writes down of several tokens in the block types. As with one token, 32 neurons' activations are rounded together, each token's to a step of its own,
/// and sums are exact within a block. A thread has four bytes of a row and four tokens: four rows are turned once for these, and the lanes of a warp
/// that have the other tokens read the same bytes with it.
/// </summary>
internal sealed class TogetherBlockDown(CodeWriter code, TogetherPlan plan, DownNames names)
{
    private const int Tokens = TogetherPlan.BlockTokens;

    /// <summary>Lanes that have the same tokens: eight words, 32 bytes.</summary>
    private const int Words = RowPlan.Lanes / (TogetherPlan.Tokens / Tokens);

    private readonly IlgpuFeedForwardPlan _single = plan.Single;
    private readonly RowPlan _row = plan.Single.Row;
    private readonly BlockArithmetic _blocks = plan.Single.Row.Format.Blocks!;

    private int Blocks => _single.SliceBlocks;

    /// <summary>Neurons of a slice that share scales, so many times.</summary>
    private int Parts => Blocks * _blocks.NeuronParts;

    /// <summary>Four rows of such neurons, so many times.</summary>
    private int Fours => 8 / _blocks.NeuronParts;

    /// <summary>Bytes of all tokens' activations.</summary>
    private int Bytes => TogetherPlan.Tokens * Blocks * IlgpuFeedForwardPlan.BlockNeurons;

    public void Emit()
    {
        code.Line($"ArrayView<Words4> downRows = SharedMemory.Allocate<Words4>({Blocks * 8});");
        code.Line($"ArrayView<uint> downQuants = SharedMemory.Allocate<uint>({_blocks.RoundedBytes * Bytes / 4});");
        code.Line($"ArrayView<BlockStep> downSteps = SharedMemory.Allocate<BlockStep>({TogetherPlan.Tokens * Blocks});");
        code.Line($"ArrayView<int> downFours = SharedMemory.Allocate<int>({Parts});");
        code.Lines(WarpCode.Place);
        code.Line($"int first = Grid.IdxX * {names.Slice};");
        code.Line();
        if (_single.NormsNeurons)
        {
            NeuronNorm.EmitSquares(code, plan);
        }

        EmitRounding();
        code.Line("Group.Barrier();");
        code.Line();
        EmitSum();
    }

    private void EmitRounding()
    {
        code.Line($"// {names.What}, in steps of the largest of 32 {names.Unit}s of a token; rows that any token wants come first. A block for a warp.");
        code.Line("ArrayView<int> rowsOfDown = downRows.Cast<int>();");
        code.Line("ArrayView<byte> bytesOfDown = downQuants.Cast<byte>();");
        code.Line($"int rounded = (tokens + {Tokens - 1}) / {Tokens} * {Tokens};");
        bool isOnce = Blocks <= plan.DownWarps;
        string block = isOnce ? "warp" : "block";
        using (Blocks == plan.DownWarps ? default(CodeWriter.Scope?)
            : code.Block(isOnce ? $"if (warp < {Blocks})" : $"for (int block = warp; block < {Blocks}; block += {plan.DownWarps})"))
        {
            code.Line($"int {names.Unit} = first + ({block} * 32) + lane;");
            code.Line($"int inside = {(_single.IsExact ? "tokens" : $"{names.Unit} < {names.Count} ? tokens : 0")};");
            code.Line("uint isRead = 0u;");
            using (code.Block("for (int token = 0; token < inside; token++)"))
            {
                code.Line($"isRead |= {names.Values}[(token * {names.Stride}) + {names.Unit}] != 0f ? 1u : 0u;");
            }

            code.Line();
            BlockDown.EmitSlot(code, _blocks.NeuronParts, block, _blocks.DownRow(names.RowStride), names.Unit);
            using (code.Block("for (int token = 0; token < rounded; token++)"))
            {
                code.Line("float value = 0f;");
                using (code.Block("if (token < inside)"))
                {
                    code.Line($"value = {names.Values}[(token * {names.Stride}) + {names.Unit}]{(_single.NormsNeurons ? $" * w.{NeuronNorm.Weights}[neuron]" : "")};");
                }

                code.Line();
                code.Line($"int place = (token * {names.Slice}) + downSlot;");
                BlockDown.EmitQuants(code, _single, "place", $"(token * {Blocks}) + {block}", Bytes);
            }
        }

        code.Line();
    }

    private void EmitSum()
    {
        code.Line($"// A warp has {Words} words of a row, the same for each four tokens; four rows are under way together.");
        code.Line($"int word = (Grid.IdxY * {plan.DownTile}) + (warp * {Words}) + (lane & {Words - 1});");
        code.Line($"int firstToken = lane / {Words} * {Tokens};");
        string inRow = plan.DownWords % plan.DownTile == 0 ? "" : $"word < {plan.DownWords} && ";
        using (code.Block($"if ({inRow}firstToken < tokens)"))
        {
            _blocks.EmitDownViews(code, names);
            foreach (string y in _blocks.Sums)
            {
                code.Line($"Float4 {List(t => $"{y}{t} = default")};");
            }

            using (code.Block($"for (int block = 0; block < {Parts}; block++)"))
            {
                code.Line($"int end = (block * {Fours}) + downFours[block];");
                using (code.Block($"if (end > block * {Fours})"))
                {
                    EmitBlock();
                }
            }

            code.Line();
            EmitPartial();
        }
    }

    /// <summary>Writes what a block of neurons adds.</summary>
    private void EmitBlock()
    {
        ForTokens(t => code.Line($"BlockStep step{t} = downSteps[({(t == 0 ? "firstToken" : $"(firstToken + {t})")} * {Blocks}) + {BlockDown.BlockOf(_blocks.NeuronParts, "block")}];"));
        _blocks.EmitFirst(code, Tokens);
        using (code.Block($"for (int four = block * {Fours}; four < end; four++)"))
        {
            code.Line("Words4 rows = downRows[four];");
            _blocks.EmitTurned(code, names);
            code.Line($"int quants = (firstToken * {Blocks * 8}) + four;");
            ForTokens(t =>
            {
                string low = $"downQuants[quants{WarpCode.Plus(t * Blocks * 8)}]";
                string high = $"downQuants[quants + {(t * Blocks * 8) + (Bytes / 4)}]";
                _blocks.EmitAdd(code, t, low, high);
            });
        }

        code.Line();
        _blocks.EmitScaled(code, names, Tokens);
    }

    /// <summary>Writes a thread's sums to where the sum over the slices finds them.</summary>
    private void EmitPartial()
    {
        code.Line($"int place = (((firstToken * {names.Slices}) + Grid.IdxX) * {names.SumQuads}) + {TogetherDownKernel.First(names)}{_blocks.Place(names)};");
        ForTokens(t =>
        {
            using (t == 0 ? default(CodeWriter.Scope?) : code.Block($"if (firstToken + {t} < tokens)"))
            {
                _blocks.EmitPartial(code, names, t, $"place{TogetherCode.Plus(t, $"{names.Slices} * {names.SumQuads}")}");
            }

            if (t < Tokens - 1)
            {
                code.Line();
            }
        });
    }

    private static void ForTokens(Action<int> emit)
    {
        for (int t = 0; t < Tokens; t++)
        {
            emit(t);
        }
    }

    private static string List(Func<int, string> item) => string.Join(", ", Enumerable.Range(0, Tokens).Select(item));
}
