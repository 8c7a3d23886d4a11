using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>What policies remember of prompts, and what each token gets of that.</summary>
internal static class MemoryKernels
{
    private const int Threads = 128;

    /// <summary>Threads that add up a token's squares.</summary>
    private const int SquareThreads = 256;

    /// <summary>Sums past this are of tokens that are no finite numbers.</summary>
    private const string Largest = "1e300";

    /// <summary>What sequences keep, and the layers that it is of.</summary>
    public static IEnumerable<(Slot Slot, LayerSet Layers)> Kept(ModelProgram program) =>
        program.Memories.SelectMany(use => use.Memory.Slots.Distinct().Select(slot => (slot, use.Use.Layers)));

    /// <summary>Of that, what is chosen.</summary>
    public static IEnumerable<(Slot Slot, LayerSet Layers)> Chosen(ModelProgram program) => Kept(program).Where(kept => kept.Slot.Element == SlotElement.Bit);

    /// <summary>Layers from the first that has something to the last.</summary>
    public static int Span(LayerSet layers) => layers.All.Last() - layers.First + 1;

    /// <summary>Elements of a layer.</summary>
    public static int Elements(Slot slot) => slot.Element == SlotElement.Bit ? LaunchCode.ChosenWords(slot) : LaunchCode.PolicyStride(slot);

    /// <summary>Bytes that a sequence keeps.</summary>
    public static long KeptBytes(ModelProgram program) =>
        Kept(program).Sum(kept => (long)Span(kept.Layers) * Elements(kept.Slot) * (kept.Slot.Element == SlotElement.Bit ? sizeof(uint) : sizeof(double)));

    /// <summary>A layer's bits of each token's sequence.</summary>
    public static DeviceKernel Bring(CodeWriter code, Slot chosen)
    {
        int words = LaunchCode.ChosenWords(chosen);
        return new(
            $"Bring{chosen.Name}",
            Threads,
            "What a token's sequence has chosen in a layer, 32 neurons a word. A word for a thread.",
            [KernelParameter.UInts("kept"), KernelParameter.Int("ofLayer"), KernelParameter.Int("stride"), KernelParameter.UInts("rows")],
            () =>
            {
                code.Line($"int word = (Grid.IdxX * {Threads}) + Group.IdxX;");
                using (words % Threads == 0 ? default(CodeWriter.Scope?) : code.Block($"if (word < {words})"))
                {
                    code.Line($"rows[(Grid.IdxY * {words}) + word] = kept[(Grid.IdxY * stride) + ofLayer + word];");
                }
            });
    }

    /// <summary>The sum of the squares of each token's neurons.</summary>
    public static DeviceKernel Squares(CodeWriter code, int neurons, string stride) => new(
        "SquareNeurons",
        SquareThreads,
        "The sum of the squares of a token's neurons, in double precision. A group a token.",
        [KernelParameter.Floats("h"), KernelParameter.Doubles("squares")],
        () =>
        {
            code.Lines($$"""
                ArrayView<double> sums = SharedMemory.Allocate<double>({{SquareThreads}});
                int thread = Group.IdxX;
                int start = Grid.IdxX * {{stride}};
                double sum = 0.0;
                for (int i = thread; i < {{neurons}}; i += {{SquareThreads}})
                {
                    double value = h[start + i];
                    sum += value * value;
                }

                sums[thread] = sum;
                Group.Barrier();
                if (thread == 0)
                {
                    for (int other = 1; other < {{SquareThreads}}; other++)
                    {
                        sum += sums[other];
                    }

                    squares[Grid.IdxX] = sum;
                }
                """);
        });

    /// <summary>Adds tokens' shares of each neuron to those of the tokens before them.</summary>
    public static DeviceKernel Add(CodeWriter code, int neurons, string stride) => new(
        "AddShares",
        Threads,
        "Adds tokens' shares, (h / |h|)^2, to each neuron's sum: token by token, so that the sum is the same however a prompt is cut. A neuron for a thread.",
        [
            KernelParameter.Floats("h"), KernelParameter.Doubles("squares"), KernelParameter.Int("from"), KernelParameter.Int("to"),
            KernelParameter.Doubles("shares"), KernelParameter.Int("ofLayer"),
        ],
        () =>
        {
            code.Line($"int neuron = (Grid.IdxX * {Threads}) + Group.IdxX;");
            using (neurons % Threads == 0 ? default(CodeWriter.Scope?) : code.Block($"if (neuron < {neurons})"))
            {
                code.Lines($$"""
                    double sum = shares[ofLayer + neuron];
                    for (int token = from; token < to; token++)
                    {
                        double all = squares[token];
                        double value = h[(token * {{stride}}) + neuron];
                        sum += all > 0.0 && all < {{Largest}} ? value * value / all : 0.0;
                    }

                    shares[ofLayer + neuron] = sum;
                    """);
            }
        });
}
