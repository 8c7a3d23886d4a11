using System.Globalization;

namespace SparseInfer.Cli.Synthetic;

/// <summary>What synthetic weights shall make of every token: how many neurons are inactive, and how well their signs tell which.</summary>
/// <param name="Sparsity">Share of neurons whose activation is zero.</param>
/// <param name="Precision">Of the neurons predicted inactive, the share that is.</param>
/// <param name="Recall">Of the inactive neurons, the share that is predicted.</param>
internal sealed record ActivityTarget(double Sparsity, double Precision, double Recall)
{
    /// <summary>Probability that an active neuron is predicted inactive: what the precision leaves.</summary>
    public double Mistaken => Sparsity == 0 ? 0 : Recall * Sparsity * (1 - Precision) / (Precision * (1 - Sparsity));

    /// <summary>Probability that a factor of dReLU is inactive; the two are independent, and either ends the neuron.</summary>
    public double FactorSparsity => 1 - Math.Sqrt(1 - Sparsity);

    /// <summary>Checks that there are such weights.</summary>
    /// <exception cref="CliException">A share is none, or the three contradict each other.</exception>
    public void Validate()
    {
        Require(Sparsity is >= 0 and < 1, "--sparsity takes a share from 0 to less than 1");
        Require(Precision is > 0 and <= 1, "--precision takes a share above 0, at most 1");
        Require(Recall is >= 0 and <= 1, "--recall takes a share from 0 to 1");
        Require(Mistaken <= 1, string.Create(
            CultureInfo.InvariantCulture,
            $"--precision {Precision} is too low for --sparsity {Sparsity} and --recall {Recall}: too few neurons are active"));
    }

    /// <summary>Draws one neuron for one group of tokens.</summary>
    public (bool Inactive, bool Predicted) Draw(ref SplitMix64 random)
    {
        bool inactive = random.NextUnit() < Sparsity;
        return (inactive, random.NextUnit() < (inactive ? Recall : Mistaken));
    }

    /// <summary>Draws which of dReLU's factors end an inactive neuron: gate, up, or both, as likely as independent factors do.</summary>
    public (bool Gate, bool Up) DrawFactors(ref SplitMix64 random)
    {
        double q = FactorSparsity;
        double either = q * (2 - q);
        double at = random.NextUnit() * either;
        return at < q * q ? (true, true) : at < q ? (true, false) : (false, true);
    }

    private static void Require(bool condition, string otherwise)
    {
        if (!condition)
        {
            throw new CliException(otherwise + ".");
        }
    }
}
