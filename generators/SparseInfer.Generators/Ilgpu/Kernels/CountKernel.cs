using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>Counts a token's neurons that are not zero, for meters: where they are there before down. A group a token.</summary>
internal static class CountKernel
{
    public const string Name = "CountNeurons";

    public const int Threads = 256;

    private const int Warps = Threads / RowPlan.Lanes;

    /// <param name="stride">From a token's neurons to the next one's, as C#.</param>
    public static DeviceKernel Of(CodeWriter code, int neurons, string stride) => new(
        Name,
        Threads,
        "Counts a token's neurons that are not zero: they are added to the number of the token's place in a batch. A group a token.",
        [KernelParameter.Floats("activated"), KernelParameter.Longs("counts")],
        () =>
        {
            EmitStart(code, Warps);
            code.Line($"int start = Grid.IdxX * {stride};");
            code.Line("int ones = 0;");
            using (WarpCode.ForEach(code, "i", "thread", neurons, Threads))
            {
                code.Line("ones += activated[start + i] == 0f ? 0 : 1;");
            }

            code.Line();
            EmitEnd(code, Warps, "counts");
        });

    /// <summary>Declares what <see cref="EmitEnd"/> wants.</summary>
    public static void EmitStart(CodeWriter code, int warps)
    {
        code.Line($"ArrayView<int> onesOfWarps = SharedMemory.Allocate<int>({warps});");
        code.Lines(WarpCode.Place);
    }

    /// <summary>Writes that the threads' <c>ones</c> are added to the group's place of a count.</summary>
    public static void EmitEnd(CodeWriter code, int warps, string count)
    {
        code.Line("ones = Lanes.Sum(ones);");
        using (code.Block("if (lane == 0)"))
        {
            code.Line("onesOfWarps[warp] = ones;");
        }

        code.Line();
        code.Line("Group.Barrier();");
        using (code.Block("if (thread == 0)"))
        {
            if (warps > 1)
            {
                using (code.Block($"for (int other = 1; other < {warps}; other++)"))
                {
                    code.Line("ones += onesOfWarps[other];");
                }

                code.Line();
            }

            code.Line($"{count}[Grid.IdxX] += ones;");
        }
    }
}
