using SparseInfer.Generators.Program;

namespace SparseInfer.Generators.Policies.SignBit;

/// <summary>How the predictor goes through the signs of one row on a CPU. A pure function of the shape.</summary>
/// <param name="Words">64-bit words that hold the signs of one row.</param>
/// <param name="InRegisters">Whether the input's stay in general registers; else a primitive compares rows with vectors.</param>
internal readonly record struct SignBitPlan(int Words, bool InRegisters)
{
    /// <summary>Words of input signs that fit in general registers beside the loop's own variables.</summary>
    private const int RegisterWords = 8;

    public long RowBytes => Words * 8L;

    public static SignBitPlan Of(int hidden)
    {
        int words = (hidden + 63) / 64;
        return new SignBitPlan(words, words <= RegisterWords);
    }

    /// <summary>The matrices whose signs decide: the first, and with dReLU up as well.</summary>
    public static string[] Tested(KernelShape shape) => shape.Spec.Activation == Activation.DRelu ? ["Gate", "Up"] : [shape.First];

    /// <summary>Whether biases vote beside the signs: where neurons have them.</summary>
    public static bool HasBiases(KernelShape shape) => shape.Spec.Biases;

    /// <summary>
    /// The field of a matrix's rows that weighs their biases: the mean absolute value of each row.
    /// </summary>
    public static string Means(string matrix) => matrix + "Means";

    /// <summary>
    /// What a row's signs weigh against it, as C#: written so that backends compute the same bits. <c>inputSum</c> is the sum of the input's absolute values.
    /// </summary>
    /// <param name="disagreeing">How many signs disagree.</param>
    /// <param name="row">The row's number.</param>
    public static string Against(string matrix, string disagreeing, string row) =>
        $"({disagreeing} - threshold) * inputSum * w.{Means(matrix)}[{row}]";

    /// <summary>
    /// Condition under which signs and bias make the product of a row with the input negative, as C#: what is not a number skips nothing. <c>agreeing</c> is
    /// the input's width without the threshold.
    /// </summary>
    /// <param name="against">What <see cref="Against"/> gave.</param>
    /// <param name="row">The row's number.</param>
    public static string IsOutvoted(string matrix, string against, string row) => $"{against} > agreeing * w.{matrix}Bias[{row}]";

    /// <summary>What the kernels do, on any backend.</summary>
    public static string Summary(KernelShape shape) =>
        "Sign-bit predictor (arXiv 2411.12692): a neuron is left out, unread, where the signs of the input and of its row of "
        + $"{string.Join(" or of ", Tested(shape))} disagree in more than threshold of {shape.Hidden} columns"
        + (HasBiases(shape) ? ", or in more or fewer by what its bias weighs against the average product." : ".");
}
