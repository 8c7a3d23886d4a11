namespace SparseInfer.Kernels.Cpu.Tests;

/// <summary>Sums of absolute values have one order, that of a warp whose lanes have four columns each.</summary>
public sealed class AbsoluteSumsTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(31)]
    [InlineData(128)]
    [InlineData(257)]
    [InlineData(4099)]
    public void An_input_is_added_up_as_a_warp_does(int width)
    {
        var random = new Random(width);
        float[] x = [.. Enumerable.Range(0, width + 64).Select(_ => (random.NextSingle() - 0.5f) * 100)];
        float[] lanes = new float[32];
        for (int lane = 0; lane < lanes.Length; lane++)
        {
            float[] sums = new float[4];
            for (int from = 4 * lane; from < width; from += 128)
            {
                for (int k = 0; k < 4 && from + k < width; k++)
                {
                    sums[k] += MathF.Abs(x[from + k]);
                }
            }

            lanes[lane] = (sums[0] + sums[1]) + (sums[2] + sums[3]);
        }

        for (int apart = 16; apart > 0; apart /= 2)
        {
            lanes = [.. lanes.Select((sum, lane) => sum + lanes[lane ^ apart])];
        }

        AbsoluteSums.Of(in x[0], width).ShouldBe(lanes[0]);
    }
}
