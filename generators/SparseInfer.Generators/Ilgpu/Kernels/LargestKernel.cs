using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>Which of a token's scores are the largest: a group a token.</summary>
internal static class LargestKernel
{
    /// <summary>Threads of a group: a digit's values, as the device function has it.</summary>
    private const int Threads = 256;

    /// <param name="scores">The scores: as many go to where the answer is.</param>
    public static DeviceKernel Of(CodeWriter code, Slot scores) => new(
        $"KeepLargest{scores.Width!.Size}",
        Threads,
        $"0 for the largest of {scores.Width.Size} scores, -1 for the others; of equals the first are taken. A group a token.",
        [KernelParameter.Floats("scores"), KernelParameter.Int("count"), KernelParameter.Floats("kept")],
        () => code.Line($"Largest.Keep(scores, Grid.IdxX * {LaunchCode.PolicyStride(scores)}, {scores.Width.Size}, count, kept);"));
}
