using System.Text;
using Microsoft.CodeAnalysis.Text;

namespace SparseInfer.Generators.Tests.Fixture;

/// <summary>Source with the diagnostics expected of it: <c>{|SPI0001:span|}</c>, nested where one place breaks several rules.</summary>
internal sealed record Markup(string Source, IReadOnlyList<(string Id, TextSpan Span)> Expected)
{
    public static Markup Parse(string text)
    {
        var source = new StringBuilder();
        var open = new Stack<(string Id, int Start)>();
        var expected = new List<(string, TextSpan)>();
        for (int i = 0; i < text.Length; i++)
        {
            if (text.AsSpan(i).StartsWith("{|"))
            {
                int colon = text.IndexOf(':', i);
                open.Push((text[(i + 2)..colon], source.Length));
                i = colon;
            }
            else if (text.AsSpan(i).StartsWith("|}"))
            {
                (string id, int start) = open.Pop();
                expected.Add((id, TextSpan.FromBounds(start, source.Length)));
                i++;
            }
            else
            {
                source.Append(text[i]);
            }
        }

        return new Markup(source.ToString(), expected);
    }
}
