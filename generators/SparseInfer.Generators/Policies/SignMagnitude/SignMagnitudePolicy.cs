using System.Globalization;
using SparseInfer.Generators.Cpu;
using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Emit;
using SparseInfer.Generators.Ilgpu;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Policies.SignMagnitude;

/// <summary>Its numbers are the shortest decimals that read back as the declared floats: what exact arithmetic works with.</summary>
internal sealed record SignMagnitudeSpec(string Beta, string OutlierWeight, string OutlierSigmas) : PolicySpec, ICpuPolicy, IIlgpuPolicy
{
    private static readonly SignMagnitudeCpuKernel CpuKernel = new();

    private static readonly SignMagnitudeIlgpuKernel IlgpuKernel = new();

    internal override PolicySite Site => PolicySite.Neurons;

    // At least two decimals, as betas are written: 1.00, not 1.
    public override string Label() => "sign-magnitude " + decimal.Parse(Beta, NumberStyles.Float, CultureInfo.InvariantCulture)
        .ToString("0.00######", CultureInfo.InvariantCulture);

    public override string Describe() => $"sign-magnitude predictor, beta {Beta}, outliers beyond {OutlierSigmas} deviations weigh {OutlierWeight}";

    CpuKernelEmitter ICpuPolicy.Cpu => CpuKernel;

    IlgpuKernelEmitter IIlgpuPolicy.Ilgpu => IlgpuKernel;

    public override IReadOnlyList<string> Arguments(FeedForwardSpec shape) =>
        [Literal.OfDecimal(OutlierSigmas), VoteParameters.Hundredths(OutlierWeight), Least(Beta, shape.Hidden).ToString(CultureInfo.InvariantCulture)];

    /// <summary>
    /// The fewest votes, in hundredths, with which a neuron is computed: <c>round((1 - beta) * width / 2)</c> votes, from beta's decimal digits.
    /// </summary>
    public static int Least(string beta, int width)
    {
        ExactDecimal value = ExactDecimal.Parse(beta);
        return (int)(100 * VoteParameters.Round((value.Denominator - value.Numerator) * width, 2 * value.Denominator));
    }
}

internal sealed class SignMagnitudePolicy : SparsityPolicy
{
    /// <summary>What its kernels are called, and what they take beside what all that count votes do.</summary>
    public const string Kernel = "SignMagnitude";

    public static readonly PolicyParameter LeastVotes = new("int", "leastVotes");

    public override string AttributeName => "SparseInfer.SignMagnitudePredictorAttribute";

    public override bool LeavesGatesUnread => true;

    public override IReadOnlyList<DeclarationRule> Rules { get; } = [new SignMagnitudeNumberRule(), new SignMagnitudeActivationRule()];

    public override IReadOnlyList<string> Strengths { get; } = ["Beta", "OutlierWeight", "OutlierSigmas"];

    public override PolicySpec Parse(DeclaredAttribute attribute) => new SignMagnitudeSpec(
        attribute.Decimal("Beta", "1"), attribute.Decimal("OutlierWeight", "60"), attribute.Decimal("OutlierSigmas", "6"));

    /// <summary>The matrices that are voted on: the first, and with dReLU up as well.</summary>
    public static string[] Tested(KernelShape shape) => shape.Spec.Activation == Activation.DRelu ? ["Gate", "Up"] : [shape.First];

    /// <summary>What the kernels do, on any backend.</summary>
    public static string Summary(KernelShape shape) =>
        $"Sign-magnitude predictor (Grasp): a neuron is left out, unread, where the votes of signs and magnitudes of the input and of its row of "
        + $"{string.Join(" or of ", Tested(shape))} are fewer than leastVotes, in hundredths.";
}
