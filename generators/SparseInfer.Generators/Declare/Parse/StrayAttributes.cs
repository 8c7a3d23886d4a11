using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace SparseInfer.Generators.Declare;

/// <summary>
/// Finds what carries attributes of the vocabulary without the one that makes it a declaration. There are nearly none, and a dozen attributes to
/// look for: files are asked for their words once, all together, before anybody looks at their trees.
/// </summary>
internal sealed class StrayAttributes(Vocabulary vocabulary)
{
    private readonly string[] _words = [.. vocabulary.Names.Select(AttributeNames.Display)];

    private readonly HashSet<string> _names = [.. vocabulary.Names, .. vocabulary.Names.Select(AttributeNames.Display)];

    /// <summary>Whether a declaration is none of those that are found by their main attribute.</summary>
    public static bool IsStray(ISymbol symbol, string mainAttribute) =>
        mainAttribute != (symbol is IPropertySymbol ? AttributeNames.FeedForward : AttributeNames.DecoderModel);

    /// <summary>Members of a file that carry an attribute by a name of the vocabulary.</summary>
    public IEnumerable<MemberDeclarationSyntax> Candidates(SyntaxTree tree, CancellationToken token)
    {
        string text = tree.GetText(token).ToString();
        if (!_words.Any(word => text.Contains(word)))
        {
            return [];
        }

        return from member in tree.GetRoot(token).DescendantNodes(node => node is not (StatementSyntax or ExpressionSyntax))
                   .OfType<MemberDeclarationSyntax>()
               where member.AttributeLists.SelectMany(list => list.Attributes).Any(attribute => _names.Contains(Name(attribute.Name)))
               select member;
    }

    private static string Name(NameSyntax name) => name switch
    {
        QualifiedNameSyntax qualified => qualified.Right.Identifier.ValueText,
        AliasQualifiedNameSyntax qualified => qualified.Name.Identifier.ValueText,
        SimpleNameSyntax simple => simple.Identifier.ValueText,
        _ => "",
    };
}
