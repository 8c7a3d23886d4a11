using System.Globalization;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using SparseInfer.Files;

namespace SparseInfer.Cli.Compilation;

/// <summary>Reads what <c>--policy</c> takes: attributes as they stand in a C# attribute list, with its brackets or without.</summary>
internal static class PolicyText
{
    /// <summary>What takes such text.</summary>
    public const string Option = "--policy";

    /// <summary>Reads attributes. Whether there are such attributes is the compiler's to say.</summary>
    /// <param name="text"><c>SignBitPredictor(Alpha = 1.2f), Other(Keep = 0.5f)</c>.</param>
    /// <returns>Each attribute's text, spaced alike and without comments.</returns>
    /// <exception cref="CliException">It is no attribute list; the message says where it ceases to be one.</exception>
    public static IReadOnlyList<string> Parse(string text)
    {
        string trimmed = text.Trim();
        bool bracketed = trimmed.StartsWith('[');
        string lists = bracketed ? trimmed : $"[{trimmed}]";
        int before = text.Length - text.TrimStart().Length - (bracketed ? 0 : 1);
        var root = (CompilationUnitSyntax)CSharpSyntaxTree.ParseText($"{lists}\nclass Declared;", ModelCompiler.ParseOptions).GetRoot();
        if (root.GetDiagnostics().Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error).MinBy(Start) is { } error)
        {
            throw Wrong(Start(error), error.GetMessage(CultureInfo.InvariantCulture));
        }

        if (root.DescendantNodes().OfType<AttributeTargetSpecifierSyntax>().FirstOrDefault() is { } target)
        {
            throw Wrong(target.SpanStart, "an attribute of the model's class has no target");
        }

        // Something else may follow that is C# too.
        if (root is not { Usings.Count: 0, Externs.Count: 0, Members: [ClassDeclarationSyntax { AttributeLists: [.., var last] } declared] } || last.Span.End != lists.Length)
        {
            SyntaxNode? first = root.DescendantNodes().OfType<AttributeListSyntax>().FirstOrDefault();
            throw Wrong(first?.Span.End ?? 0, "only attributes may stand here");
        }

        return [.. declared.AttributeLists.SelectMany(list => list.Attributes).Select(Plain)];

        CliException Wrong(int position, string why) => new(
            $"{Option} '{FileText.Show(text)}' is no list of attributes, at character {Math.Clamp(before + position, 0, text.Length) + 1}: {why}. "
            + "Write it as in C#: SignBitPredictor(Alpha = 1.2f).");
    }

    private static int Start(Diagnostic diagnostic) => diagnostic.Location.SourceSpan.Start;

    private static string Plain(AttributeSyntax attribute) =>
        attribute.ReplaceTrivia(attribute.DescendantTrivia(), static (_, _) => default).NormalizeWhitespace(eol: " ").ToString();
}
