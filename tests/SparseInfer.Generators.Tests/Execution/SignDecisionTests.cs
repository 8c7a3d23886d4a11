using FsCheck;
using FsCheck.Fluent;
using SparseInfer.Generators.Policies.SignBit;
using SparseInfer.Generators.Tests.Generation;

namespace SparseInfer.Generators.Tests.Execution;

/// <summary>
/// Which neurons a generated predictor computes, read off the output itself: every computed neuron contributes exactly 1, and down
/// gives neuron i the weight 2^i, so that the first output is a mask of 24 decisions.
/// </summary>
public sealed class SignDecisionTests
{
    /// <summary>As many as a single-precision number has bits.</summary>
    private const int Neurons = 24;

    private static readonly decimal[] Alphas = [1m, 0.97m, 1.03m, 1.1m];

    private static readonly int[] Widths = [1, 31, 32, 33, 63, 64, 100, 256, 768, 1536, 3584, 4096];

    private static readonly Lazy<GeneratedAssembly> Assembly =
        new(() => Build(from width in Widths from alpha in Alphas select (width, alpha)));

    public static MatrixTheoryData<int, decimal> Declared { get; } = new(Widths, Alphas);

    [Theory]
    [MemberData(nameof(Declared))]
    public void Decisions_are_those_of_a_naive_count(int width, decimal alpha) => ShouldDecideAsANaiveCount(Assembly.Value, width, alpha);

    [Fact]
    public void Decisions_are_those_of_a_naive_count_for_any_width_and_alpha()
    {
        Gen<(int, decimal)> layer =
            from width in Gen.Choose(1, 5000)
            from percent in Gen.Choose(1, 300)
            select (width, percent / 100m);
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(2).WithReplay(20241119, 1), Prop.ForAll(Arb.From(Gen.ArrayOf(layer, 12)), layers =>
        {
            GeneratedAssembly assembly = Build([.. layers.Distinct()]);
            foreach ((int width, decimal alpha) in layers)
            {
                ShouldDecideAsANaiveCount(assembly, width, alpha);
            }
        }));
    }

    /// <summary>The integer that is baked in says what the definition says, at every count of disagreeing signs.</summary>
    [Fact]
    public void The_threshold_is_that_of_the_definition_for_any_width_and_alpha() => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(300),
        Prop.ForAll(
            Arb.From(Gen.Choose(1, 6000)),
            Arb.From(Gen.Choose(1, 10000)),
            (width, tenThousandths) =>
            {
                decimal alpha = tenThousandths / 1000m;
                int threshold = SignBitThreshold.Of(FormattableString.Invariant($"{alpha}"), width);
                for (int disagreeing = 0; disagreeing <= width; disagreeing++)
                {
                    bool inactive = disagreeing > alpha * (width - disagreeing);
                    (disagreeing > threshold).ShouldBe(inactive, $"width {width}, alpha {alpha}, {disagreeing}");
                }
            }));

    /// <summary>The same where biases vote, beside rows and inputs of zeros, and biases that outweigh everything.</summary>
    [Theory]
    [InlineData(32, 1.03)]
    [InlineData(100, 0.97)]
    [InlineData(512, 1)]
    [InlineData(600, 1.1)]
    [InlineData(1601, 1.03)]
    public void Decisions_with_biases_are_those_of_the_definition(int width, double declared)
    {
        decimal alpha = (decimal)declared;
        var random = new Random(width);
        LayerCase layer = Layer(width, alpha) with { Biases = true };
        GeneratedAssembly assembly = GeneratedProject.Build(LayerCase.File([layer]));
        using FeedForwardKernel kernel = assembly.Layer("Layers", layer.Name);
        int bound = (int)(alpha * width / (1 + alpha));
        float[] down = new float[width * Neurons];
        for (int i = 0; i < Neurons; i++)
        {
            down[(i * Neurons) + i] = 1;
        }

        for (int draw = 0; draw < 24; draw++)
        {
            float[] x = [.. Signs(width, 1f, random).Select(sign => sign * (0.5f + random.NextSingle()))];
            float[] gate = [.. NearTheThreshold(x, alpha, random).Select(sign => MathF.CopySign(0.2f * random.NextSingle(), sign))];
            float[] bias = new float[Neurons];
            for (int i = 0; i < Neurons; i++)
            {
                // The first product outweighs the rest, so that what is computed is seen.
                Span<float> row = gate.AsSpan(i * width, width);
                row[0] = MathF.CopySign(100f + width, x[0]);
                float product = row.ToArray().Average(MathF.Abs) * x.Average(MathF.Abs) * width / (width - bound);
                bias[i] = i switch
                {
                    0 => 1e30f,
                    1 => -1e30f,
                    2 => 0f,
                    3 => -0f,
                    _ => product * ((random.NextSingle() * 24) - 12),
                };
                if (draw % 4 == 1 && i % 3 == 0)
                {
                    row.Clear();
                }
            }

            if (draw % 8 == 2)
            {
                Array.Clear(x);
            }

            kernel.Load(new FeedForwardWeights
            {
                Gate = gate,
                Up = new float[width * Neurons],
                Down = down,
                GateBias = bias,
                UpBias = [.. Enumerable.Repeat(1f, Neurons)],
                DownBias = new float[width],
            });
            kernel.Mode = UserMode.Predicted;
            kernel.Metering = true;
            kernel.ResetMetrics();
            float[] y = new float[width];
            kernel.Forward(x, y);

            bool[] skipped = [.. Enumerable.Range(0, Neurons).Select(i => LayerReference.IsPredictedInactive(gate.AsSpan(i * width, width), bias[i], x, alpha))];
            kernel.ReadMetrics().PredictedSparsity.ShouldBe((double)skipped.Count(isSkipped => isSkipped) / Neurons, $"width {width}, draw {draw}");
            for (int i = 0; i < Neurons; i++)
            {
                double z = (double)bias[i] + Enumerable.Range(0, width).Sum(j => (double)gate[(i * width) + j] * x[j]);
                (y[i] > 0).ShouldBe(!skipped[i] && z > 0, $"width {width}, draw {draw}, neuron {i}");
            }
        }
    }

    private static LayerCase Layer(int width, decimal alpha) =>
        new(width, Neurons, Activation.Relu, WeightType.F32, Gated: true, Biases: false, LayerPolicy.SignBit) { Alpha = alpha };

    private static GeneratedAssembly Build(IEnumerable<(int Width, decimal Alpha)> layers) =>
        GeneratedProject.Build(LayerCase.File(layers.Select(layer => Layer(layer.Width, layer.Alpha))));

    private static void ShouldDecideAsANaiveCount(GeneratedAssembly assembly, int width, decimal alpha)
    {
        var random = new Random(width);
        using FeedForwardKernel kernel = assembly.Layer("Layers", Layer(width, alpha).Name);
        kernel.Mode = UserMode.Predicted;
        float[] y = new float[width];
        for (int draw = 0; draw < 4; draw++)
        {
            float[] x = Signs(width, 1f, random);
            x[0] = MathF.CopySign(1f, x[0]);
            float[] gate = draw == 0 ? Signs(width * Neurons, 1e-30f, random) : NearTheThreshold(x, alpha, random);
            float[] up = new float[width * Neurons];
            float[] down = new float[width * Neurons];
            for (int i = 0; i < Neurons; i++)
            {
                // Gates and ups come out at 1, their first column's product: the other products are too small to change it.
                gate[i * width] = x[0];
                up[i * width] = x[0];
                down[i] = 1 << i;
            }

            kernel.Load(new FeedForwardWeights { Gate = gate, Up = up, Down = down });
            kernel.Forward(x, y);

            ((int)y[0]).ShouldBe(NaiveMask(gate, x, alpha), $"width {width}, alpha {alpha}, draw {draw}");
        }
    }

    private static int NaiveMask(float[] gate, float[] x, decimal alpha)
    {
        int mask = 0;
        for (int i = 0; i < Neurons; i++)
        {
            int negative = 0;
            for (int j = 0; j < x.Length; j++)
            {
                negative += float.IsNegative(gate[(i * x.Length) + j]) != float.IsNegative(x[j]) ? 1 : 0;
            }

            bool inactive = negative > alpha * (x.Length - negative);
            mask |= inactive ? 0 : 1 << i;
        }

        return mask;
    }

    /// <summary>
    /// Rows that disagree with the input in a few signs fewer and a few more than the policy bears, a tie among them where there can be; in the first
    /// column all agree.
    /// </summary>
    private static float[] NearTheThreshold(float[] x, decimal alpha, Random random)
    {
        int bound = (int)(alpha * x.Length / (1 + alpha));
        float[] gate = new float[x.Length * Neurons];
        int[] columns = [.. Enumerable.Range(1, x.Length - 1), 0];
        for (int i = 0; i < Neurons; i++)
        {
            random.Shuffle(columns.AsSpan(0, x.Length - 1));
            int disagreeing = Math.Clamp(bound - (Neurons / 2) + i, 0, x.Length - 1);
            for (int k = 0; k < x.Length; k++)
            {
                float magnitude = random.Next(4) == 0 ? 0f : 1e-30f;
                bool negative = float.IsNegative(x[columns[k]]) != k < disagreeing;
                gate[(i * x.Length) + columns[k]] = negative ? -magnitude : magnitude;
            }
        }

        return gate;
    }

    /// <summary>Random signs, of zeros too.</summary>
    private static float[] Signs(int length, float magnitude, Random random)
    {
        float[] values = new float[length];
        for (int i = 0; i < length; i++)
        {
            values[i] = (random.Next(2) == 0 ? 1f : -1f) * (random.Next(4) == 0 ? 0f : magnitude);
        }

        return values;
    }
}
