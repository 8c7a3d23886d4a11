using SparseInfer.Generators.Policies.SignMagnitude;
using SparseInfer.Generators.Tests.Generation;

namespace SparseInfer.Generators.Tests.Execution;

/// <summary>
/// Which neurons a generated sign-magnitude predictor computes, read off the output itself as in <see cref="SignDecisionTests"/>: every computed neuron
/// contributes 1, and down gives neuron i the weight 2^i.
/// </summary>
public sealed class VoteDecisionTests
{
    private const int Neurons = 24;

    /// <summary>Odd widths and weights of outliers that are no whole number of votes; a gate, none, and both factors.</summary>
    private static readonly (int Width, decimal Beta, float Sigmas, decimal OutlierWeight, string Form)[] Layers =
    [
        (1, 1m, 6f, 60m, "Relu"), (2, 1.1m, 1f, 60m, "Relu"), (31, 0.97m, 2f, 38.25m, "Relu"), (64, 1m, 3f, 30m, "Relu"), (65, 1m, 3f, 30m, "DRelu"),
        (256, 1.164m, 2.5f, 111.13m, "DRelu"), (257, 0.833m, 6f, 0m, "Relu"), (513, 1m, 3f, 60m, "Up"), (1000, 1.02m, 6f, 60m, "Up"),
        (2048, 0.9m, 3.5f, 27.5m, "DRelu"), (4096, 1.003m, 6f, 111m, "Relu"),
    ];

    private static readonly Lazy<GeneratedAssembly> Assembly = new(() => GeneratedProject.Build($$"""
        #pragma warning disable CS1591 // the declarations need no comments; what is generated does
        using SparseInfer;

        public static partial class Layers
        {
        {{string.Join("\n\n", Layers.Select((_, i) => Source(i)))}}
        }
        """));

    public static TheoryData<int> Numbers { get; } = [.. Enumerable.Range(0, Layers.Length)];

    [Theory]
    [MemberData(nameof(Numbers))]
    public void Decisions_are_those_of_naive_votes_and_meters_count_them(int number)
    {
        (int width, decimal beta, float sigmas, decimal outlierWeight, string form) = Layers[number];
        var reference = new VoteReference(sigmas, outlierWeight);
        var random = new Random(width);
        using FeedForwardKernel kernel = Assembly.Value.Layer("Layers", "L" + number);
        kernel.Mode = UserMode.Predicted;
        float[] y = new float[width];
        int decided = 0;
        for (int draw = 0; draw < 4; draw++)
        {
            float[] x = Normal(width, 1, random);
            for (int outlier = random.Next(7); outlier < width; outlier += 97)
            {
                x[outlier] *= 12;
            }

            float[][] matrices =
            [
                .. Enumerable.Range(0, form == "DRelu" ? 2 : 1).Select(_ => draw == 0
                    ? Normal(width * Neurons, 1e-30f, random)
                    : NearTheThreshold(reference, x, beta, random)),
            ];
            float[] down = new float[width * Neurons];
            for (int i = 0; i < Neurons; i++)
            {
                down[i] = 1 << i;
            }

            // Gates come out at their bias, 1, since the products are too small to change it; up at 1 as well.
            float[] ones = [.. Enumerable.Repeat(1f, Neurons)];
            kernel.Load(new FeedForwardWeights
            {
                Gate = form == "Up" ? null : WeightTensor.From(matrices[0]),
                Up = form == "Relu" ? new float[width * Neurons] : matrices[^1],
                Down = down,
                GateBias = form == "Up" ? null : ones,
                UpBias = ones,
                DownBias = new float[width],
            });
            kernel.Metering = draw == 3;
            kernel.Forward(x, y);

            int mask = 0;
            for (int i = 0; i < Neurons; i++)
            {
                bool inactive = matrices.Any(rows => reference.IsPredictedInactive(rows.AsSpan(i * width, width), x, beta));
                mask |= inactive ? 0 : 1 << i;
            }

            ((int)y[0]).ShouldBe(mask, $"{Layers[number]}, draw {draw}");
            decided |= mask is 0 or (1 << Neurons) - 1 ? 0 : 1;
            if (draw == 3)
            {
                LayerMetrics metrics = kernel.ReadMetrics();
                int computed = int.PopCount(mask);
                metrics.PredictedSparsity.ShouldBe((double)(Neurons - computed) / Neurons);
                int row = 4 * ((width + 31) / 32 * 32);
                int planes = 2 * matrices.Length * 8 * ((width + 63) / 64) * Neurons;
                metrics.BytesPerToken.ShouldBe(planes + ((double)computed * row * (form == "Up" ? 2 : 3)));
            }
        }

        decided.ShouldBe(1, "some inputs leave some neurons out, and not all");
    }

    /// <summary>The integer that is baked in is round((1 - beta) * width / 2), in hundredths: halves away from zero, from decimal digits.</summary>
    [Theory]
    [InlineData("1", 4096, 0)]
    [InlineData("1.001", 1000, -100)]
    [InlineData("0.999", 1000, 100)]
    [InlineData("1.02", 4096, -4100)]
    [InlineData("0.833", 4096, 34200)]
    [InlineData("10", 1048576, -471859200)]
    public void The_threshold_is_rounded_exactly(string beta, int width, int expected) => SignMagnitudeSpec.Least(beta, width).ShouldBe(expected);

    private static string Source(int number)
    {
        (int width, decimal beta, float sigmas, decimal outlierWeight, string form) = Layers[number];
        string activation = form == "DRelu" ? "DRelu" : "Relu";
        return FormattableString.Invariant($$"""
                [FeedForward(Hidden = {{width}}, Intermediate = {{Neurons}}, Activation = Activation.{{activation}}, Gated = {{(form == "Up" ? "false" : "true")}}, Biases = true)]
                [SignMagnitudePredictor(Beta = {{beta}}f, OutlierWeight = {{outlierWeight}}f, OutlierSigmas = {{sigmas}}f)]
                [Weights(WeightType.F32)]
                public static partial FeedForwardKernel L{{number}} { get; }
            """);
    }

    /// <summary>Rows whose signs are turned, one after the other, until their votes are as near the threshold as they come.</summary>
    private static float[] NearTheThreshold(VoteReference reference, float[] x, decimal beta, Random random)
    {
        int width = x.Length;
        decimal threshold = Math.Round((1 - beta) * width / 2, MidpointRounding.AwayFromZero);
        float[] rows = Normal(width * Neurons, 1e-30f, random);
        for (int i = 0; i < Neurons; i++)
        {
            Span<float> row = rows.AsSpan(i * width, width);
            decimal votes = reference.Votes(row, x);
            for (int turn = 0; turn < 12; turn++)
            {
                int column = random.Next(width);
                row[column] = -row[column];
                decimal turned = reference.Votes(row, x);
                if (Math.Abs(turned - threshold) <= Math.Abs(votes - threshold))
                {
                    votes = turned;
                }
                else
                {
                    row[column] = -row[column];
                }
            }
        }

        return rows;
    }

    /// <summary>Normally distributed, with zeros of both signs.</summary>
    private static float[] Normal(int length, float deviation, Random random)
    {
        float[] values = new float[length];
        for (int i = 0; i < length; i++)
        {
            double radius = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble()));
            values[i] = (float)(radius * Math.Cos(2 * Math.PI * random.NextDouble())) * deviation * (random.Next(8) == 0 ? 0f : 1f);
        }

        return values;
    }
}
