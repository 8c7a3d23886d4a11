using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Text;

namespace SparseInfer.CodeFixes;

/// <summary>Edits of attributes as text.</summary>
internal static class AttributeText
{
    /// <summary><c>SparseInfer.</c> where the attribute is written with its namespace, so that what is added is found as well.</summary>
    public static string Qualifier(NameSyntax name) => name is QualifiedNameSyntax qualified ? qualified.Left + "." : "";

    /// <summary>The same of a declaration: as the first of SparseInfer's attributes on it that is written with its namespace.</summary>
    public static string Qualifier(SyntaxList<AttributeListSyntax> lists) =>
        lists.SelectMany(list => list.Attributes)
            .Select(attribute => Qualifier(attribute.Name))
            .FirstOrDefault(text => text.EndsWith("SparseInfer.", System.StringComparison.Ordinal)) ?? "";

    /// <summary>Adds a list on a line of its own below <paramref name="list"/>.</summary>
    public static TextChange Below(AttributeListSyntax list, string attribute, SourceText text) =>
        new(new TextSpan(list.Span.End, 0), LineEnd(text) + Indentation(list, text) + "[" + attribute + "]");

    /// <summary>Adds a list on a line of its own above <paramref name="list"/>.</summary>
    public static TextChange Above(AttributeListSyntax list, string attribute, SourceText text) =>
        new(new TextSpan(list.SpanStart, 0), "[" + attribute + "]" + LineEnd(text) + Indentation(list, text));

    /// <summary>Removes an argument with its comma, and the parentheses with the last one.</summary>
    public static TextChange Remove(AttributeArgumentSyntax argument)
    {
        var list = (AttributeArgumentListSyntax)argument.Parent!;
        int index = list.Arguments.IndexOf(argument);
        TextSpan span = list.Arguments.Count == 1 ? list.Span
            : index == 0 ? TextSpan.FromBounds(argument.SpanStart, list.Arguments[1].SpanStart)
            : TextSpan.FromBounds(list.Arguments[index - 1].Span.End, argument.Span.End);
        return new TextChange(span, "");
    }

    /// <summary>Removes an attribute with its comma, and its whole line where nothing else is on it.</summary>
    public static TextChange Remove(AttributeSyntax attribute, SourceText text)
    {
        var list = (AttributeListSyntax)attribute.Parent!;
        int index = list.Attributes.IndexOf(attribute);
        if (list.Attributes.Count > 1)
        {
            TextSpan span = index == 0 ? TextSpan.FromBounds(attribute.SpanStart, list.Attributes[1].SpanStart)
                : TextSpan.FromBounds(list.Attributes[index - 1].Span.End, attribute.Span.End);
            return new TextChange(span, "");
        }

        TextLine line = text.Lines.GetLineFromPosition(list.SpanStart);
        if (text.ToString(line.Span).Trim().Length == list.Span.Length)
        {
            return new TextChange(line.SpanIncludingLineBreak, "");
        }

        bool isFirst = text.ToString(TextSpan.FromBounds(line.Start, list.SpanStart)).Trim().Length == 0;
        int start = isFirst ? list.SpanStart : list.GetFirstToken().GetPreviousToken().Span.End;
        int end = isFirst ? list.GetLastToken().GetNextToken().SpanStart : list.Span.End;
        return new TextChange(TextSpan.FromBounds(start, end), "");
    }

    private static string LineEnd(SourceText text)
    {
        TextLine first = text.Lines[0];
        return first.EndIncludingLineBreak > first.End ? text.ToString(TextSpan.FromBounds(first.End, first.EndIncludingLineBreak)) : "\n";
    }

    private static string Indentation(SyntaxNode node, SourceText text)
    {
        string line = text.Lines.GetLineFromPosition(node.SpanStart).ToString();
        return line.Substring(0, line.Length - line.TrimStart().Length);
    }
}
