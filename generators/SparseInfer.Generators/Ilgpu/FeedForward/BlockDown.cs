using SparseInfer.Generators.Formats;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>
/// Writes down of the block types. 32 neurons share their columns' scales: their activations are rounded together, what they add to a column is
/// an exact sum of integers, four rows in an instruction, and is scaled once.
/// </summary>
/// <param name="readsZeros">Whether rows of neurons that are zero are read as well.</param>
internal sealed class BlockDown(CodeWriter code, IlgpuFeedForwardPlan plan, bool readsZeros)
{
    private readonly RowPlan _row = plan.Row;
    private readonly BlockArithmetic _blocks = plan.Row.Format.Blocks!;

    /// <summary>Neurons of a slice that share scales, so many times.</summary>
    private int Parts => plan.SliceBlocks * _blocks.NeuronParts;

    /// <summary>Four rows of such neurons, so many times.</summary>
    private int Fours => 8 / _blocks.NeuronParts;

    /// <summary>Whether all rows of all blocks are read.</summary>
    private readonly bool _readsAll = readsZeros && plan.IsExact;

    /// <summary>Writes the shared memory that it takes.</summary>
    public void EmitShared()
    {
        int words = plan.SliceBlocks * 8;
        code.Line($"ArrayView<Words4> downRows = SharedMemory.Allocate<Words4>({words});");
        code.Line($"ArrayView<uint> downQuants = SharedMemory.Allocate<uint>({_blocks.RoundedBytes * words});");
        code.Line($"ArrayView<BlockStep> downSteps = SharedMemory.Allocate<BlockStep>({plan.SliceBlocks});");
        if (!_readsAll)
        {
            code.Line($"ArrayView<int> downFours = SharedMemory.Allocate<int>({Parts});");
        }
    }

    /// <summary>Writes how activations are rounded, and what is to be read comes to the front of its block.</summary>
    public void EmitRounding()
    {
        string order = _readsAll ? "" : "; those whose rows are read come first";
        code.Line($"// Activations, in steps of the largest of 32 neurons{order}. A block for a warp.");
        code.Line("ArrayView<int> rowsOfDown = downRows.Cast<int>();");
        code.Line("ArrayView<byte> bytesOfDown = downQuants.Cast<byte>();");

        // A warp has 32 neurons at most, so that there are no more blocks than warps.
        using (plan.SliceBlocks == plan.Warps ? default(CodeWriter.Scope?) : code.Block($"if (warp < {plan.SliceBlocks})"))
        {
            code.Line("int inSlice = (warp * 32) + lane;");
            code.Line("int ownNeuron = first + inSlice;");
            if (plan.IsExact)
            {
                code.Line("float value = values[inSlice];");
                if (!readsZeros)
                {
                    code.Line("uint isRead = value != 0f ? 1u : 0u;");
                }
            }
            else
            {
                code.Line("float value = 0f;");
                code.Line("uint isRead = 0u;");
                using (code.Block("if (ownNeuron < Intermediate)"))
                {
                    code.Line("value = values[inSlice];");
                    code.Line($"isRead = {(readsZeros ? "1u" : "value != 0f ? 1u : 0u")};");
                }
            }

            code.Line();
            if (_readsAll)
            {
                code.Line($"rowsOfDown[inSlice] = ownNeuron * {_row.StrideName};");
            }
            else
            {
                EmitSlot(code, _blocks.NeuronParts, "warp", _row.StrideName, "ownNeuron");
            }

            EmitQuants(code, plan, _readsAll ? "inSlice" : "downSlot", "warp", plan.SliceBlocks * 32);
        }

        code.Line();
        code.Line("Group.Barrier();");
        code.Line();
    }

    /// <summary>
    /// Writes which place among those that share its scales a lane's neuron takes, <c>downSlot</c>: those whose rows are read, <c>isRead</c>, come first.
    /// And where its row begins, and how many fours of rows there are.
    /// </summary>
    /// <param name="parts">Parts of a block that have scales of their own: 1 or 2.</param>
    /// <param name="block">The block's number in its slice.</param>
    /// <param name="rowWords">Words of a row.</param>
    /// <param name="neuron">The lane's neuron.</param>
    public static void EmitSlot(CodeWriter code, int parts, string block, string rowWords, string neuron)
    {
        bool isWhole = parts == 1;
        string firstLane = isWhole ? "" : " + (lane & 16)";
        code.Line("uint readBits = Lanes.Bits(isRead, lane);");
        if (!isWhole)
        {
            code.Line("readBits &= lane < 16 ? 0xffffu : 0xffff0000u;");
        }

        code.Lines($"""
            int readRows = IntrinsicMath.PopCount(readBits);
            int readBefore = {NeuronCode.Before("readBits")};
            int downSlot = ({block} * 32){firstLane} + (isRead != 0u ? readBefore : readRows + {(isWhole ? "lane" : "(lane & 15)")} - readBefore);
            // What fills up the last four repeats the first row, times zero.
            int firstRead = IntrinsicMath.PopCount(~readBits & (readBits - 1u));
            rowsOfDown[downSlot] = (isRead != 0u ? {neuron} : {neuron} - lane + firstRead) * {rowWords};
            """);
        using (code.Block(isWhole ? "if (lane == 0)" : "if ((lane & 15) == 0)"))
        {
            code.Line($"downFours[{(isWhole ? block : $"({block} * 2) + (lane / 16)")}] = (readRows + 3) / 4;");
        }

        code.Line();
    }

    /// <summary>The block that a part is of.</summary>
    public static string BlockOf(int parts, string part) => parts == 1 ? part : $"({part} / {parts})";

    /// <summary>Writes how the values of a block's neurons, <c>value</c>, are rounded to steps of their largest.</summary>
    /// <param name="place">Where the lane's goes.</param>
    /// <param name="block">Where their step goes.</param>
    /// <param name="upper">How far behind lower bytes upper ones lie, in a type that has them.</param>
    public static void EmitQuants(CodeWriter code, IlgpuFeedForwardPlan plan, string place, string block, int upper)
    {
        BlockArithmetic blocks = plan.Row.Format.Blocks!;
        code.Line("float most = Lanes.MaxMagnitude(value);");
        code.Line($"int quant = BlockStep.Round(value * BlockStep.Inverse(most, {plan.Weights}.Range));");
        code.Line($"bytesOfDown[{place}] = (byte)quant;");
        blocks.EmitActivation(code, place, upper);
        using (code.Block("if (lane == 0)"))
        {
            code.Line($"downSteps[{block}] = new BlockStep(most * (1f / {plan.Weights}.Range), {blocks.StartOfActivations});");
        }
    }

    /// <summary>Writes the sum: a thread has the columns of one load at a time.</summary>
    public void EmitSum()
    {
        code.Line("// Down: each thread the columns of a load, in registers; four rows are under way together.");
        bool isOnce = _row.Words <= plan.Threads;
        string word = isOnce ? "thread" : "word";
        using (_row.Words == plan.Threads ? default(CodeWriter.Scope?)
            : code.Block(isOnce ? "if (thread < RowWords)" : "for (int word = thread; word < RowWords; word += Threads)"))
        {
            code.Line($"Float4 {List(j => $"y{j} = default")};");
            using (code.Block($"for (int block = 0; block < {Parts}; block++)"))
            {
                EmitBlock(word);
            }

            code.Line();
            for (int j = 0; j < _row.Quads; j++)
            {
                code.Line($"partial[(Grid.IdxX * HiddenQuads) + {word}{(j == 0 ? "" : $" + {j * _row.Words}")}] = y{j};");
            }
        }
    }

    /// <summary>Writes what a block of neurons adds.</summary>
    private void EmitBlock(string word)
    {
        if (_readsAll)
        {
            EmitFours(word, $"(block * {Fours}) + {Fours}");
            return;
        }

        code.Line($"int end = (block * {Fours}) + downFours[block];");
        using (code.Block($"if (end > block * {Fours})"))
        {
            EmitFours(word, "end");
        }
    }

    private void EmitFours(string word, string end)
    {
        code.Line($"BlockStep step = downSteps[{BlockOf(_blocks.NeuronParts, "block")}];");
        code.Line($"Int4 {string.Join(", ", Enumerable.Range(0, 8).Select(j => $"t{j} = {_blocks.FirstOfFour(j)}"))};");
        using (code.Block($"for (int four = block * {Fours}; four < {end}; four++)"))
        {
            code.Line("Words4 rows = downRows[four];");
            foreach (string row in new[] { "X", "Y", "Z", "W" })
            {
                code.Line($"{_row.LoadType} down{row} = {_blocks.DownLoad($"(int)rows.{row}", word)};");
            }

            string sums = string.Join(", ", Enumerable.Range(0, 8).Select(j => $"ref t{j}"));
            code.Line($"{plan.Weights}.AddFour(downX, downY, downZ, downW, {_blocks.Activations(plan.SliceBlocks * 8)}, {sums});");
        }

        code.Line();
        _blocks.EmitScaledOfFours(code, word, _row.Columns);
    }

    private string List(Func<int, string> item) => string.Join(", ", Enumerable.Range(0, _row.Quads).Select(item));
}
