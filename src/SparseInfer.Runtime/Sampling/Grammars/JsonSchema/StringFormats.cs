using static SparseInfer.Sampling.GrammarExpression;

namespace SparseInfer.Sampling;

/// <summary>Texts of the formats that schemas name: dates that there are, times of RFC 3339.</summary>
internal static class StringFormats
{
    /// <summary>The formats, as errors list them.</summary>
    public const string Known = "date, time, date-time, uuid, email, ipv4 and uri";

    /// <summary>A name of the domain name system, with a top level that is none of digits.</summary>
    private const string Host = "(?:[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?\\.){1,4}[a-z]{2,24}";

    private const string Byte = "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";

    /// <summary>A format's texts, without quotes, of addresses the usual ones; null: it is none of <see cref="Known"/>.</summary>
    public static GrammarExpression? Of(string format, JsonRules json) => format switch
    {
        "email" => PatternReader.Read($"^[A-Za-z0-9_+-]{{1,32}}(?:\\.[A-Za-z0-9_+-]{{1,16}}){{0,1}}@{Host}$", json),
        "ipv4" => PatternReader.Read($"^{Byte}(?:\\.{Byte}){{3}}$", json),
        "uri" => PatternReader.Read($"^https?://{Host}(?:/[A-Za-z0-9._~-]{{1,64}}){{0,16}}/?$", json),
        "date" => Date(),
        "time" => Time(),
        "date-time" => Sequence(Date(), Literal("T"), Time()),
        "uuid" => Uuid(),
        _ => null,
    };

    private static GrammarExpression Date()
    {
        GrammarExpression century = Sequence(Range('1', '9'), JsonRules.Digit);
        GrammarExpression day28 = Choice(Sequence(Literal("0"), Range('1', '9')), Sequence(Literal("1"), JsonRules.Digit), Sequence(Literal("2"), Range('0', '8')));
        GrammarExpression day30 = Choice(day28, Literal("29"), Literal("30"));
        GrammarExpression month31 = Choice([.. new[] { "01", "03", "05", "07", "08", "10", "12" }.Select(Literal)]);
        GrammarExpression month30 = Choice([.. new[] { "04", "06", "09", "11" }.Select(Literal)]);
        GrammarExpression day = Choice(
            Sequence(month31, Literal("-"), Choice(day30, Literal("31"))),
            Sequence(month30, Literal("-"), day30),
            Sequence(Literal("02-"), day28));

        // 29 February: the year's last two digits are a multiple of 4, or, where they are 00, the first two.
        GrammarExpression by4 = Choice(Sequence(AnyOf("2468"), AnyOf("048")), Sequence(AnyOf("13579"), AnyOf("26")));
        GrammarExpression leap = Choice(
            Sequence(century, Choice(by4, Sequence(Literal("0"), AnyOf("48")))),
            Sequence(by4, Literal("00")));
        return Choice(Sequence(century, Repeat(JsonRules.Digit, 2, 2), Literal("-"), day), Sequence(leap, Literal("-02-29")));
    }

    private static GrammarExpression Time()
    {
        GrammarExpression sixty = Sequence(Range('0', '5'), JsonRules.Digit);
        GrammarExpression hour = Choice(Sequence(AnyOf("01"), JsonRules.Digit), Sequence(Literal("2"), Range('0', '3')));

        // No place on Earth is further from UTC than 14 hours, nor does .NET read one.
        GrammarExpression offset = Choice(Sequence(Choice(Sequence(Literal("0"), JsonRules.Digit), Sequence(Literal("1"), Range('0', '3'))), Literal(":"), sixty), Literal("14:00"));
        return Sequence(
            hour, Literal(":"), sixty, Literal(":"), sixty,
            Optional(Sequence(Literal("."), Repeat(JsonRules.Digit, 1, 7))),
            Choice(Literal("Z"), Sequence(AnyOf("+-"), offset)));
    }

    private static GrammarExpression Uuid()
    {
        GrammarExpression digit = Class(CodePointSet.Of(('0', '9'), ('a', 'f'), ('A', 'F')));
        GrammarExpression Digits(int count) => Repeat(digit, count, count);
        return Sequence(Digits(8), Literal("-"), Digits(4), Literal("-"), Digits(4), Literal("-"), Digits(4), Literal("-"), Digits(12));
    }
}
