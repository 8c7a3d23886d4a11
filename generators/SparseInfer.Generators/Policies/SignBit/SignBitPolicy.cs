using System.Globalization;
using SparseInfer.Generators.Declare;

namespace SparseInfer.Generators.Policies.SignBit;

/// <param name="Alpha">The shortest decimal that reads back as the declared float: the alpha that exact arithmetic works with.</param>
internal sealed record SignBitSpec(string Alpha) : PolicySpec;

internal sealed class SignBitPolicy : SparsityPolicy
{
    public override string AttributeName => "SparseInfer.SignBitPredictorAttribute";

    public override IReadOnlyList<DeclarationRule> Rules { get; } =
        [new SignBitAlphaRule(), new SignBitAlphaEffectRule(), new SignBitNeedsZerosRule()];

    public override PolicySpec Parse(DeclaredAttribute attribute) => new SignBitSpec(attribute.Decimal("Alpha", "1"));

    public override bool Owns(PolicySpec spec) => spec is SignBitSpec;

    // At least two decimals, as alphas are written: 1.00, not 1.
    public override string Label(PolicySpec spec) =>
        "sign-bit " + decimal.Parse(((SignBitSpec)spec).Alpha, NumberStyles.Float, CultureInfo.InvariantCulture)
            .ToString("0.00######", CultureInfo.InvariantCulture);

    public override CpuKernelEmitter Cpu { get; } = new SignBitCpuKernel();

    public override IlgpuKernelEmitter Ilgpu { get; } = new SignBitIlgpuKernel(new SignBitCpuKernel());
}
