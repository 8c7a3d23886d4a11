using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Declare;

/// <summary>One partial type that generated code reopens: <c>Keyword Name</c>, for example <c>partial class Layers</c>.</summary>
/// <param name="Declaration">
/// Modifiers that must be repeated, keyword, name and type parameters: <c>partial class Layers</c>, <c>partial record struct R&lt;T></c>.
/// </param>
internal sealed record TypeSpec(string Declaration, string Name);

/// <summary>Where generated code goes.</summary>
/// <param name="Namespace">Empty: the global namespace.</param>
/// <param name="ContainingTypes">Outermost first; without the type itself.</param>
/// <param name="Accessibility">As written in C#: <c>public</c>, <c>internal</c>, ...</param>
internal sealed record TargetSpec(string Namespace, EquatableArray<TypeSpec> ContainingTypes, string Name, string Accessibility)
{
    /// <summary>Whether it is a property, not a type.</summary>
    public bool IsProperty { get; init; }

    /// <summary>A type's own type parameters, as in <c>&lt;T></c>; mostly empty.</summary>
    public string TypeParameters { get; init; } = "";

    /// <summary><c>Namespace.Outer.Name</c>, without <c>@</c>: what people read.</summary>
    public string FullName => Join(ContainingTypes.Select(type => type.Name).Append(Name), ".").Replace("@", "");

    /// <summary>Tells any two declarations of a compilation apart.</summary>
    public string Identity =>
        (IsProperty ? "P:" : "T:") + Join(ContainingTypes.Select(type => type.Declaration).Append(Name + TypeParameters), "|");

    private string Join(IEnumerable<string> names, string separator)
    {
        string text = string.Join(separator, names);
        return Namespace.Length == 0 ? text : Namespace + separator + text;
    }
}
