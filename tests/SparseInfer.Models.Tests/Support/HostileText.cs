using System.Globalization;

namespace SparseInfer.Models.Tests;

/// <summary>Text that a file may hold to harm who reads a message: and what every message must be like all the same.</summary>
internal static class HostileText
{
    /// <summary>Some hundred problems of a line each would be a message nobody reads.</summary>
    private const int MaxMessageLength = 6000;

    /// <summary>Colours, new lines, a turned direction of writing, and 60,000 letters.</summary>
    public static string Long { get; } = "\u001b[31mred\r\n\u202egpj\u2028" + new string('x', 60_000);

    public static string Short { get; } = "\u001b[2Jx\r\n\u202ey";

    public static void ShouldBeHarmless(string message, string? about = null)
    {
        message.Length.ShouldBeLessThan(MaxMessageLength, about);
        foreach (char c in message)
        {
            bool obeyed = char.GetUnicodeCategory(c) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator
                or UnicodeCategory.ParagraphSeparator or UnicodeCategory.Surrogate;

            // Problems are listed on lines of their own.
            (obeyed && c != '\n').ShouldBeFalse($"U+{(int)c:X4} in: {message} {about}");
        }

        message.ShouldNotContain("\nred");
    }
}
