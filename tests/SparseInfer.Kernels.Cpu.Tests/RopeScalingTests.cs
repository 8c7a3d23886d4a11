using System.Runtime.CompilerServices;

namespace SparseInfer.Kernels.Cpu.Tests;

/// <summary>Scaled rotary frequencies of published models against their definitions, in plain double precision.</summary>
public sealed class RopeScalingTests
{
    [Fact]
    public void Linear_scaling_divides_positions()
    {
        double[] frequencies = new LinearScaling(4).Frequencies(64, 10000);
        frequencies.Length.ShouldBe(32);
        frequencies[5].ShouldBe(Math.Pow(10000, -10.0 / 64) / 4, 1e-15);
    }

    /// <summary>The numbers of AFM-4.5B, and bounds that cut the ramp at both ends.</summary>
    [Theory]
    [InlineData(128, 10000, 20, 4096, 32, 1)]
    [InlineData(128, 1e6, 4, 32768, 32, 1)]
    [InlineData(64, 10000, 8, 64, 32, 1)]
    [InlineData(64, 500, 8, 1 << 20, 32, 1)]
    [InlineData(96, 10000, 16, 2048, 8, 4)]
    public void Yarn_keeps_what_turns_often_and_interpolates_what_turns_rarely(int dimensions, double theta, double factor, int original, double fast, double slow)
    {
        double[] frequencies = new YarnScaling(factor, original, fast, slow, AttentionFactor: 1).Frequencies(dimensions, theta);
        double low = Math.Max(0, Math.Floor(Pair(fast)));
        double high = Math.Min(dimensions - 1, Math.Ceiling(Pair(slow)));
        for (int pair = 0; pair < dimensions / 2; pair++)
        {
            double plain = 1 / Math.Pow(theta, 2.0 * pair / dimensions);
            double ramp = pair <= low ? 0 : pair >= high ? 1 : (pair - low) / (high - low);
            frequencies[pair].ShouldBe((plain * (1 - ramp)) + (plain / factor * ramp), 1e-14 * plain, $"pair {pair}");
        }

        double Pair(double turns) => dimensions * Math.Log(original / (turns * 2 * Math.PI)) / (2 * Math.Log(theta));
    }

    [Fact]
    public void Yarns_attention_factor_is_in_cosines_and_sines()
    {
        YarnScaling.UsualAttentionFactor(1).ShouldBe(1);
        YarnScaling.UsualAttentionFactor(20).ShouldBe(1.2995732273553991, 1e-15);
        var table = new RopeTable(context: 8, dimensions: 4, theta: 10000, new YarnScaling(2, 4096, 32, 1, AttentionFactor: 1.5));
        Unsafe.AsRef(in table.Cos(3)).ShouldBe((float)(1.5 * Math.Cos(3)));
        Unsafe.AsRef(in table.Sin(3)).ShouldBe((float)(1.5 * Math.Sin(3)));
    }

    /// <summary>The numbers of Llama 3.1 and 3.2.</summary>
    [Theory]
    [InlineData(128, 8)]
    [InlineData(64, 32)]
    public void Llama_3_stretches_long_waves(int dimensions, double factor)
    {
        double[] frequencies = new Llama3Scaling(factor, 8192, 1, 4).Frequencies(dimensions, 500000);
        for (int pair = 0; pair < dimensions / 2; pair++)
        {
            double plain = 1 / Math.Pow(500000, 2.0 * pair / dimensions);
            double length = 2 * Math.PI / plain;
            double smooth = ((8192 / length) - 1) / (4 - 1);
            double expected = length < 8192 / 4 ? plain : length > 8192 / 1 ? plain / factor : ((1 - smooth) * plain / factor) + (smooth * plain);
            frequencies[pair].ShouldBe(expected, 1e-14 * plain, $"pair {pair}");
        }
    }

    [Fact]
    public void Factors_divide_frequencies_one_by_one() =>
        new FrequencyFactors([1, 2, 8]).Frequencies(6, 1000).ShouldBe([1, 0.1 / 2, 0.01 / 8], 1e-16);
}
