using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>Tokens' inputs are copied for policies of later layers, four columns for a thread.</summary>
internal static class KeepKernel
{
    private const int Threads = FeedForwardIlgpuClass.BatchThreads;

    /// <summary>Groups of a token.</summary>
    public static string Groups(int width) => $"{((width / 4) + Threads - 1) / Threads}";

    /// <param name="name">What it is called.</param>
    /// <param name="width">Columns of a token, a multiple of four.</param>
    public static DeviceKernel Of(CodeWriter code, string name, int width) => new(
        name,
        Threads,
        "An input is kept for predictors of later layers. Four columns for a thread.",
        [KernelParameter.Quads("input"), KernelParameter.Quads("kept")],
        () =>
        {
            code.Line($"int i = (Grid.IdxX * {Threads}) + Group.IdxX;");
            using (width / 4 % Threads == 0 ? default(CodeWriter.Scope?) : code.Block($"if (i < {width / 4})"))
            {
                code.Line($"int place = (Grid.IdxY * {width / 4}) + i;");
                code.Line("kept[place] = input[place];");
            }
        });
}
