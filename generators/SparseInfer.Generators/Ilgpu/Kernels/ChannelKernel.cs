using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>Channels that projections leave out of their input become zero, an element for a thread: the projections read every row.</summary>
internal static class ChannelKernel
{
    private const int Threads = FeedForwardIlgpuClass.BatchThreads;

    /// <summary>Groups of a token.</summary>
    public static string Groups(int width) => $"{(width + Threads - 1) / Threads}";

    /// <param name="name">What it is called.</param>
    /// <param name="width">Channels of a token.</param>
    /// <param name="stride">From a token's to the next one's, as C#.</param>
    /// <param name="hasCentre">Whether they are measured from a centre, and become it, instead of zero: what follows reads every row, so that nothing is added for it.</param>
    public static DeviceKernel Of(CodeWriter code, string name, int width, string stride, bool hasCentre) => new(
        name,
        Threads,
        hasCentre ? "Channels that are not further from a centre than a threshold become the centre. An element for a thread."
            : "Channels that are not larger than a threshold become zero. An element for a thread.",
        [KernelParameter.Floats("values"), KernelParameter.Float("threshold"), .. hasCentre ? [KernelParameter.Float("centre")] : Array.Empty<KernelParameter>()],
        () =>
        {
            code.Line($"int i = (Grid.IdxX * {Threads}) + Group.IdxX;");
            using (width % Threads == 0 ? default(CodeWriter.Scope?) : code.Block($"if (i < {width})"))
            {
                code.Line($"int place = (Grid.IdxY * {stride}) + i;");
                using (code.Block(hasCentre ? "if (Math.Abs((double)values[place] - centre) <= threshold)" : "if (MathF.Abs(values[place]) <= threshold)"))
                {
                    code.Line($"values[place] = {(hasCentre ? "centre" : "0f")};");
                }
            }
        });
}
