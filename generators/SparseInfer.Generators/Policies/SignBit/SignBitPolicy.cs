using System.Globalization;
using SparseInfer.Generators.Cpu;
using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Ilgpu;

namespace SparseInfer.Generators.Policies.SignBit;

/// <param name="Alpha">The shortest decimal that reads back as the declared float: the alpha that exact arithmetic works with.</param>
internal sealed record SignBitSpec(string Alpha) : PolicySpec, ICpuPolicy, IIlgpuPolicy
{
    private static readonly SignBitCpuKernel CpuKernel = new();

    private static readonly SignBitIlgpuKernel IlgpuKernel = new();

    internal override PolicySite Site => PolicySite.Neurons;

    // At least two decimals, as alphas are written: 1.00, not 1.
    public override string Label() => "sign-bit " + decimal.Parse(Alpha, NumberStyles.Float, CultureInfo.InvariantCulture)
        .ToString("0.00######", CultureInfo.InvariantCulture);

    public override string Describe() => $"sign-bit predictor, alpha {Alpha}";

    CpuKernelEmitter ICpuPolicy.Cpu => CpuKernel;

    IlgpuKernelEmitter IIlgpuPolicy.Ilgpu => IlgpuKernel;

    public override IReadOnlyList<string> Arguments(FeedForwardSpec shape) =>
        [SignBitThreshold.Of(Alpha, shape.Hidden).ToString(CultureInfo.InvariantCulture)];
}

internal sealed class SignBitPolicy : SparsityPolicy
{
    /// <summary>What its kernels are called, and what they take.</summary>
    public const string Kernel = "SignBit";

    public static readonly PolicyParameter Threshold = new("int", "threshold");

    public override string AttributeName => "SparseInfer.SignBitPredictorAttribute";

    public override bool LeavesGatesUnread => true;

    public override IReadOnlyList<DeclarationRule> Rules { get; } =
        [new SignBitAlphaRule(), new SignBitAlphaEffectRule(), new SignBitNeedsZerosRule()];

    public override IReadOnlyList<string> Strengths { get; } = ["Alpha"];

    public override PolicySpec Parse(DeclaredAttribute attribute) => new SignBitSpec(attribute.Decimal("Alpha", "1"));
}
