using System.Collections.Immutable;
using System.Text;

namespace SparseInfer.Generators.Tests.RandomDeclarations;

/// <summary>A type around a declaration: modifiers and keyword, name, what follows the name.</summary>
internal sealed record Container(string Kind, string Name, string Tail);

/// <summary>A model or a layer, legal or not, in its surroundings.</summary>
/// <param name="Namespace">Empty: none.</param>
/// <param name="Containers">Outermost first.</param>
/// <param name="Attributes">The attributes in the order written.</param>
/// <param name="OnOtherPart">How many of the attributes, the last ones, stand on another part of the class.</param>
/// <param name="Head">Modifiers and keyword, or modifiers and type.</param>
/// <param name="Name">As written, <c>@</c> and escapes included.</param>
/// <param name="Tail">What follows the name; of a property the accessors.</param>
/// <param name="Members">The class's own members.</param>
internal sealed record RandomDeclaration(
    bool IsModel,
    string Namespace,
    ImmutableArray<Container> Containers,
    ImmutableArray<AttributeText> Attributes,
    int OnOtherPart,
    string Head,
    string Name,
    string Tail,
    ImmutableArray<string> Members) : RandomPiece
{
    private const string ModelHead = "public sealed partial class";
    private const string LayerHead = "public static partial FeedForwardKernel";

    public override IEnumerable<string> Files
    {
        get
        {
            int here = Attributes.Length - OnOtherPart;
            string text = Declaration(Attributes[..here], Members);
            yield return Surround(text);
            if (OnOtherPart > 0)
            {
                yield return Surround(Declaration(Attributes[here..], []));
            }
        }
    }

    public override IEnumerable<string> Uses
    {
        get
        {
            if (IsModel && Head.Contains("partial class", StringComparison.Ordinal) && Tail.Length == 0)
            {
                yield return Surround($$"""
                    {{Head}} {{Name}}
                    {
                        static global::SparseInfer.ModelShape UseOfShape() => DeclaredShape;
                        static global::SparseInfer.LanguageModel UseOfLoad() => Load("file");
                        static {{Name}} UseOfLoad(global::SparseInfer.Device device) => Load("file", device, null);
                        static {{Name}} UseOfLoad(global::SparseInfer.Files.ModelFile file) => Load(file, options: null);
                    }
                    """);
            }
        }
    }

    public override ImmutableArray<string> Path =>
        [.. Namespace.Split('.', StringSplitOptions.RemoveEmptyEntries), Containers.IsEmpty ? Name : Containers[0].Name];

    /// <summary>Without one thing each, the largest first; then as usual where it is unusual.</summary>
    public override IEnumerable<RandomPiece> Smaller()
    {
        for (int i = 0; i < Containers.Length; i++)
        {
            yield return this with { Containers = Containers.RemoveAt(i) };
        }

        for (int i = 0; i < Members.Length; i++)
        {
            yield return this with { Members = Members.RemoveAt(i) };
        }

        // Without any it would be no declaration.
        for (int i = 0; i < Attributes.Length && Attributes.Length > 1; i++)
        {
            yield return this with { Attributes = Attributes.RemoveAt(i), OnOtherPart = Math.Min(OnOtherPart, Attributes.Length - 1) };
        }

        for (int i = 0; i < Attributes.Length; i++)
        {
            foreach (AttributeText smaller in Attributes[i].Smaller())
            {
                yield return this with { Attributes = Attributes.SetItem(i, smaller) };
            }
        }

        RandomDeclaration[] usual =
        [
            this with { OnOtherPart = 0 },
            this with { Namespace = "" },
            this with { Head = IsModel ? ModelHead : LayerHead },
            this with { Tail = IsModel ? "" : "{ get; }" },
            this with { Name = "P" },
            this with { Containers = [.. Containers.Select(container => container with { Tail = "" })] },
            this with { Containers = [.. Containers.Select(container => container with { Kind = "public static partial class" })] },
            this with { Containers = [.. Containers.Select((container, i) => container with { Name = $"C{i}" })] },
        ];
        foreach (RandomDeclaration piece in usual)
        {
            if (!piece.Files.SequenceEqual(Files))
            {
                yield return piece;
            }
        }
    }

    private string Declaration(IEnumerable<AttributeText> attributes, ImmutableArray<string> members)
    {
        var text = new StringBuilder();
        foreach (AttributeText attribute in attributes)
        {
            text.Append(attribute.Text).Append('\n');
        }

        text.Append($"{Head} {Name}{(IsModel ? "" : " ")}{Tail}");
        if (IsModel)
        {
            text.Append("\n{\n").AppendJoin("", members.Select(member => $"    {member.Replace("$", Name, StringComparison.Ordinal)}\n")).Append('}');
        }

        return text.Append('\n').ToString();
    }

    private string Surround(string text)
    {
        foreach (Container container in Containers.Reverse())
        {
            text = $"{container.Kind} {container.Name}{container.Tail}\n{{\n{Indent(text)}}}\n";
        }

        return "using SparseInfer;\n" + (Namespace.Length == 0 ? text : $"namespace {Namespace}\n{{\n{Indent(text)}}}\n");
    }

    private static string Indent(string text) =>
        string.Concat(text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => $"    {line}\n"));
}
