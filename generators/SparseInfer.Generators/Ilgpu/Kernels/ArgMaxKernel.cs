using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>Greedy sampling on the device, so that a token costs one small copy back.</summary>
internal static class ArgMaxKernel
{
    public const int Threads = 256;

    public static DeviceKernel Of(CodeWriter code) => new(
        "ArgMax",
        Threads,
        "The token with the largest logit, the lowest of equals; -1 where a logit is NaN or infinite upwards, or none is finite. A group a token.",
        [KernelParameter.Floats("logits"), KernelParameter.Int("vocabulary"), KernelParameter.Ints("greedy")],
        () =>
        {
            code.Lines($"""
                ArrayView<float> values = SharedMemory.Allocate<float>({Threads / 32});
                ArrayView<int> indices = SharedMemory.Allocate<int>({Threads / 32});
                """);
            code.Lines(WarpCode.Place);
            code.Line("int start = Grid.IdxX * vocabulary;");
            code.Line("int best = thread < vocabulary ? thread : 0;");
            code.Line("float most = logits[start + best];");
            code.Line("int wrong = most <= float.MaxValue ? 0 : 1;");
            using (code.Block($"for (int i = thread + {Threads}; i < vocabulary; i += {Threads})"))
            {
                code.Line("float logit = logits[start + i];");
                code.Line("wrong |= logit <= float.MaxValue ? 0 : 1;");
                using (code.Block("if (logit > most)"))
                {
                    code.Line("most = logit;");
                    code.Line("best = i;");
                }
            }

            code.Line();
            code.Line("Lanes.ArgMax(ref most, ref best);");
            code.Line("wrong = Lanes.Sum(wrong);");
            using (code.Block("if (lane == 0)"))
            {
                code.Line("values[warp] = most;");
                code.Line("indices[warp] = wrong == 0 ? best : -1;");
            }

            code.Line();
            code.Line("Group.Barrier();");
            using (code.Block("if (thread == 0)"))
            {
                using (code.Block($"for (int other = 1; other < {Threads / 32}; other++)"))
                {
                    code.Line("float value = values[other];");
                    code.Line("int index = indices[other];");
                    code.Line("wrong |= index < 0 ? 1 : 0;");
                    using (code.Block("if (value > most || (value == most && index < best))"))
                    {
                        code.Line("most = value;");
                        code.Line("best = index;");
                    }
                }

                code.Line();
                code.Line("greedy[Grid.IdxX] = wrong == 0 && most >= -float.MaxValue ? best : -1;");
            }
        });
}
