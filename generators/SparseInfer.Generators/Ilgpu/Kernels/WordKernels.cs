using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>Which words get a logit. Scores are where logits go, so that a word's own says it.</summary>
internal static class WordKernels
{
    private const int Threads = ArgMaxKernel.Threads;

    /// <summary>How many words of a token score high enough, of which head kernels want to know whether there are any.</summary>
    public static DeviceKernel Count(CodeWriter code, WordChoice words) => new(
        "CountWords",
        Threads,
        $"How many words of a token score above {words.Threshold}. A group a token.",
        [KernelParameter.Floats("scores"), KernelParameter.Int("vocabulary"), KernelParameter.Ints("chosen")],
        () =>
        {
            code.Line($"ArrayView<int> counts = SharedMemory.Allocate<int>({Threads / RowPlan.Lanes});");
            code.Lines(WarpCode.Place);
            code.Line("int start = Grid.IdxX * vocabulary;");
            code.Line("int count = 0;");
            using (code.Block($"for (int i = thread; i < vocabulary; i += {Threads})"))
            {
                code.Line($"count += scores[start + i] > {words.Threshold} ? 1 : 0;");
            }

            code.Line();
            code.Line("count = Lanes.Sum(count);");
            using (code.Block("if (lane == 0)"))
            {
                code.Line("counts[warp] = count;");
            }

            code.Line();
            code.Line("Group.Barrier();");
            using (code.Block("if (thread == 0)"))
            {
                using (code.Block($"for (int other = 1; other < {Threads / RowPlan.Lanes}; other++)"))
                {
                    code.Line("count += counts[other];");
                }

                code.Line();
                code.Line("chosen[Grid.IdxX] = count;");
            }
        });

    /// <summary>Writes whether a word is computed: it scores high enough, or none does. Without a branch, as what follows is of all lanes together.</summary>
    /// <param name="wants">1 or 0: a variable that is there.</param>
    /// <param name="score">Where the word's score is.</param>
    /// <param name="token">The token.</param>
    public static void EmitWants(CodeWriter code, WordChoice words, string wants, string score, string token)
    {
        code.Line($"{wants} = {score} > {words.Threshold} ? 1u : 0u;");
        code.Line($"{wants} |= chosen[{token}] == 0 ? 1u : 0u;");
    }
}
