using ILGPU;

namespace SparseInfer.Kernels.Ilgpu;

/// <summary>
/// The votes of signs and magnitudes (Grasp), in hundredths: 1 where input and weight are small, 3.92 where one is large, 15.3 where both are, for a neuron where their signs
/// agree and against it where they do not; an outlier of the input votes once more with a weight of its own.
/// </summary>
public static class Votes
{
    private const int Small = 100;
    private const int Mixed = 392;
    private const int Large = 1530;

    /// <summary>
    /// What 128 columns of a row add to the votes of an input for a row of small weights with the input's own signs: 100 a column, and
    /// <see cref="Outliers"/>.
    /// </summary>
    /// <param name="signs">The input's signs.</param>
    /// <param name="large">Which of its elements are large.</param>
    /// <param name="outliers">Which are outliers.</param>
    /// <param name="rowSigns">The row's signs.</param>
    /// <param name="rowLarge">Which of its weights are large.</param>
    /// <param name="outlierWeight">Hundredths of an outlier's vote.</param>
    public static int Of(Words4 signs, Words4 large, Words4 outliers, Words4 rowSigns, Words4 rowLarge, int outlierWeight)
    {
        Words4 differ = Xor(signs, rowSigns);
        Words4 mixed = Xor(large, rowLarge);
        Words4 both = And(large, rowLarge);
        int differing = Count(differ);
        int mixedDiffer = Count(And(differ, mixed));
        int bothDiffer = Count(And(differ, both));
        int ofMixed = Count(mixed);
        int ofBoth = Count(both);
        int small = (2 * (bothDiffer + mixedDiffer - differing)) - ofBoth - ofMixed;
        return (Large * (ofBoth - (2 * bothDiffer))) + (Mixed * (ofMixed - (2 * mixedDiffer))) + (Small * small)
            - (2 * outlierWeight * Count(And(differ, outliers)));
    }

    /// <summary>The same of four rows and one input, which gives its outliers' votes, too.</summary>
    /// <param name="signs">The input's signs.</param>
    /// <param name="large">Which of its elements are large.</param>
    /// <param name="outliers">Which are outliers.</param>
    /// <param name="a">The first row's signs.</param>
    /// <param name="largeA">Which of its weights are large.</param>
    /// <param name="b">The second row's.</param>
    /// <param name="largeB">Which of its weights are large.</param>
    /// <param name="c">The third row's.</param>
    /// <param name="largeC">Which of its weights are large.</param>
    /// <param name="d">The fourth row's.</param>
    /// <param name="largeD">Which of its weights are large.</param>
    /// <param name="outlierWeight">Hundredths of an outlier's vote.</param>
    /// <param name="votes">What is added to: a sum for each row.</param>
    public static Int4 OfFour(
        Words4 signs,
        Words4 large,
        Words4 outliers,
        Words4 a,
        Words4 largeA,
        Words4 b,
        Words4 largeB,
        Words4 c,
        Words4 largeC,
        Words4 d,
        Words4 largeD,
        int outlierWeight,
        Int4 votes)
    {
        int start = Outliers(outliers, outlierWeight);
        return new Int4(
            votes.X + start + Of(signs, large, outliers, a, largeA, outlierWeight),
            votes.Y + start + Of(signs, large, outliers, b, largeB, outlierWeight),
            votes.Z + start + Of(signs, large, outliers, c, largeC, outlierWeight),
            votes.W + start + Of(signs, large, outliers, d, largeD, outlierWeight));
    }

    /// <summary>The votes of 128 columns' outliers where all signs agree.</summary>
    /// <param name="outliers">Which columns are outliers.</param>
    /// <param name="outlierWeight">Hundredths of an outlier's vote.</param>
    public static int Outliers(Words4 outliers, int outlierWeight) => outlierWeight * Count(outliers);

    private static int Count(Words4 bits) =>
        IntrinsicMath.PopCount(bits.X) + IntrinsicMath.PopCount(bits.Y) + IntrinsicMath.PopCount(bits.Z) + IntrinsicMath.PopCount(bits.W);

    private static Words4 Xor(Words4 a, Words4 b) => new(a.X ^ b.X, a.Y ^ b.Y, a.Z ^ b.Z, a.W ^ b.W);

    private static Words4 And(Words4 a, Words4 b) => new(a.X & b.X, a.Y & b.Y, a.Z & b.Z, a.W & b.W);
}
