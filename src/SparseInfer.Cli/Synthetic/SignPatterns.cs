using System.Numerics;

namespace SparseInfer.Cli.Synthetic;

/// <summary>
/// The signs that the hidden state has, all through a synthetic model: those of token t are pattern t mod <see cref="Groups"/>. Columns
/// come in runs of 16. Within a run, pattern g is a random sign a column times Walsh function g + 1 of the column's place; so any two
/// patterns agree in exactly half of every run, and what a row of weights does for one group of tokens says nothing to another.
/// </summary>
internal sealed class SignPatterns
{
    /// <summary>Number of patterns: of different sets of active neurons.</summary>
    public const int Groups = 8;

    /// <summary>Columns in a run.</summary>
    public const int Run = 16;

    /// <summary>
    /// Of a run's columns, those in which a weight has the sign that the prediction does not want, where truth and prediction differ. They
    /// are <see cref="WeightWriter.LargeRatio"/> times larger than the others: signs are counted 12 : 4, products weigh 12 : 24.
    /// </summary>
    private const int Contrary = 4;

    private readonly ushort[] _base;

    /// <summary>Patterns for a hidden width, a multiple of 16.</summary>
    public SignPatterns(int hidden, ulong seed)
    {
        var random = new SplitMix64(seed, stream: -1, row: 0);
        _base = new ushort[hidden / Run];
        for (int run = 0; run < _base.Length; run++)
        {
            _base[run] = (ushort)random.Next();
        }
    }

    public int Runs => _base.Length;

    /// <summary>A group's signs in a run, the first column's in the lowest bit; set: negative.</summary>
    public int Signs(int run, int group) => _base[run] ^ Walsh[group];

    /// <summary>Walsh functions 1 to 8 of 16 places; set: negative.</summary>
    private static readonly ushort[] Walsh = [.. Enumerable.Range(1, Groups).Select(g =>
        (ushort)Enumerable.Range(0, Run).Sum(c => (BitOperations.PopCount((uint)(c & g)) & 1) << c))];

    /// <summary>
    /// The contrary columns of a run: another quarter each time. Four runs of one group so have every column contrary once, and what is
    /// contrary adds up to nothing for the other groups, as what is not does.
    /// </summary>
    /// <param name="turn">Any number; one more for each run of the group.</param>
    public static int ContraryColumns(int turn) => ((1 << Contrary) - 1) << (Contrary * (turn & 3));
}
