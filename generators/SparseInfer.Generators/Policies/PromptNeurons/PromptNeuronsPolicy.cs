using System.Globalization;
using SparseInfer.Generators.Cpu;
using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Ilgpu;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Policies.PromptNeurons;

/// <param name="Keep">The share of neurons that is kept: the shortest decimal that reads back as the declared float.</param>
internal sealed record PromptNeuronsSpec(string Keep) : PolicySpec, IMemoryPolicy, ICpuPolicy, IIlgpuPolicy
{
    private static readonly PromptNeuronsCpuKernel CpuKernel = new();

    private static readonly PromptNeuronsIlgpuKernel IlgpuKernel = new();

    internal override PolicySite Site => PolicySite.Neurons;

    public override string Label() => $"prompt neurons {Keep}";

    public override string Describe() => $"prompt neurons, the {Keep} of the neurons that prompts of the sequence used most";

    CpuKernelEmitter ICpuPolicy.Cpu => CpuKernel;

    IlgpuKernelEmitter IIlgpuPolicy.Ilgpu => IlgpuKernel;

    /// <summary>What is chosen, a bit for each neuron.</summary>
    public static Slot Chosen(Dimension intermediate) => new("PromptNeurons", intermediate, SlotElement.Bit);

    PolicyMemory IMemoryPolicy.Remember(Operation site, Dimensions sizes)
    {
        Slot squares = new("TokenSquares", Element: SlotElement.OfToken);
        Slot shares = new("NeuronShares", sizes.Intermediate, SlotElement.Sum);
        Slot chosen = Chosen(sizes.Intermediate);
        return new(
            "shares of each neuron in the prompts' tokens",
            new Operation[] { new SumOfSquares(site.Writes, squares), new AddShares(site.Writes, squares, shares) }.ToEquatableArray(),
            new Operation[] { new ChooseLargest(shares, chosen) }.ToEquatableArray())
        {
            Kept = ShareOf(sizes.Intermediate.Size),
        };
    }

    /// <summary>The share of so many, rounded up: in decimal digits, so that it is the same wherever the generator runs.</summary>
    private int ShareOf(int neurons) => Math.Max(1, (int)Math.Ceiling(decimal.Parse(Keep, NumberStyles.Float, CultureInfo.InvariantCulture) * neurons));
}

internal sealed class PromptNeuronsPolicy : SparsityPolicy
{
    public override string AttributeName => "SparseInfer.PromptNeuronsAttribute";

    public override bool LeavesGatesUnread => true;

    public override IReadOnlyList<string> Strengths { get; } = ["Keep"];

    // Half is what GRIFFIN was published with.
    public override bool HasUsualStrength => true;

    public override IReadOnlyList<DeclarationRule> Rules { get; } = [new PromptNeuronsKeepRule()];

    public override PolicySpec Parse(DeclaredAttribute attribute) => new PromptNeuronsSpec(attribute.Decimal("Keep", "0.5"));
}
