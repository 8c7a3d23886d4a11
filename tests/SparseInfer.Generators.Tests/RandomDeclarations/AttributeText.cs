using System.Collections.Immutable;

namespace SparseInfer.Generators.Tests.RandomDeclarations;

/// <summary>An attribute as it is written.</summary>
internal sealed record AttributeText(string Name, ImmutableArray<string> Arguments)
{
    public string Text => Arguments.IsEmpty ? $"[{Name}]" : $"[{Name}({string.Join(", ", Arguments)})]";

    /// <summary>The attribute with an argument less.</summary>
    public IEnumerable<AttributeText> Smaller() => Arguments.Select((_, i) => this with { Arguments = Arguments.RemoveAt(i) });
}
