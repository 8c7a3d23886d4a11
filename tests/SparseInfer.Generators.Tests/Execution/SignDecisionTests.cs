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

    private static LayerCase Layer(int width, decimal alpha) =>
        new(width, Neurons, Activation.Relu, WeightType.F32, Gated: true, Biases: true, LayerPolicy.SignBit) { Alpha = alpha };

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
            float[] gate = draw == 0 ? Signs(width * Neurons, 1e-30f, random) : NearTheThreshold(x, alpha, random);
            float[] down = new float[width * Neurons];
            for (int i = 0; i < Neurons; i++)
            {
                down[i] = 1 << i;
            }

            // Gates come out at their bias, 1, since the products are too small to change it; up at 1 as well.
            float[] ones = [.. Enumerable.Repeat(1f, Neurons)];
            kernel.Load(new FeedForwardWeights
            {
                Gate = gate,
                Up = new float[width * Neurons],
                Down = down,
                GateBias = ones,
                UpBias = ones,
                DownBias = new float[width],
            });
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
    /// Rows that disagree with the input in a few signs fewer and a few more than the policy bears, a tie among them where there can be.
    /// </summary>
    private static float[] NearTheThreshold(float[] x, decimal alpha, Random random)
    {
        int bound = (int)(alpha * x.Length / (1 + alpha));
        float[] gate = new float[x.Length * Neurons];
        int[] columns = [.. Enumerable.Range(0, x.Length)];
        for (int i = 0; i < Neurons; i++)
        {
            random.Shuffle(columns);
            int disagreeing = Math.Clamp(bound - (Neurons / 2) + i, 0, x.Length);
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
