using System.Globalization;
using static SparseInfer.Sampling.GrammarExpression;

namespace SparseInfer.Sampling;

/// <summary>Whole numbers between two, digit by digit.</summary>
internal static class IntegerRange
{
    /// <summary>The most digits where no bound is given: what a double holds exactly, nearly.</summary>
    private static readonly Int128 Usual = 9_999_999_999_999_999;

    /// <summary>Numbers from one to another.</summary>
    /// <param name="least">The least; null: none.</param>
    /// <param name="most">The greatest, not below that; null: none.</param>
    public static GrammarExpression Of(Int128? least, Int128? most)
    {
        Int128 from = least ?? (most < -Usual ? most.Value * 10 : -Usual);
        Int128 to = most ?? (least > Usual ? least.Value * 10 : Usual);
        List<GrammarExpression> ranges = [];
        if (from < 0)
        {
            ranges.Add(Sequence(Literal("-"), Positive(to < 0 ? -to : 1, -from)));
        }

        if (to >= 0)
        {
            ranges.Add(Positive(from > 0 ? from : 0, to));
        }

        return Choice(ranges);
    }

    private static GrammarExpression Positive(Int128 least, Int128 most)
    {
        List<GrammarExpression> ranges = [];
        string last = Text(most);
        for (string first = Text(least); ; first = "1" + new string('0', first.Length))
        {
            if (first.Length == last.Length)
            {
                ranges.Add(Digits(first, last));
                return Choice(ranges);
            }

            ranges.Add(Digits(first, new string('9', first.Length)));
        }
    }

    /// <summary>Digits between others of the same length.</summary>
    private static GrammarExpression Digits(string first, string last)
    {
        int length = first.Length;
        if (first == last)
        {
            return Literal(first);
        }

        if (first.All(digit => digit == '0') && last.All(digit => digit == '9'))
        {
            return Repeat(JsonRules.Digit, length, length);
        }

        if (first[0] == last[0])
        {
            return Sequence(Literal(first[..1]), Digits(first[1..], last[1..]));
        }

        if (length == 1)
        {
            return Range(first[0], last[0]);
        }

        bool isFirstWhole = first.AsSpan(1).TrimStart('0').IsEmpty;
        bool isLastWhole = last.AsSpan(1).TrimStart('9').IsEmpty;
        char from = isFirstWhole ? first[0] : (char)(first[0] + 1);
        char to = isLastWhole ? last[0] : (char)(last[0] - 1);
        List<GrammarExpression> ranges = [];
        if (!isFirstWhole)
        {
            ranges.Add(Sequence(Literal(first[..1]), Digits(first[1..], new string('9', length - 1))));
        }

        if (from <= to)
        {
            ranges.Add(Sequence(Range(from, to), Repeat(JsonRules.Digit, length - 1, length - 1)));
        }

        if (!isLastWhole)
        {
            ranges.Add(Sequence(Literal(last[..1]), Digits(new string('0', length - 1), last[1..])));
        }

        return Choice(ranges);
    }

    private static string Text(Int128 number) => number.ToString(CultureInfo.InvariantCulture);
}
