using System.Collections.Immutable;
using Microsoft.CodeAnalysis;

namespace SparseInfer.Generators.Declare;

/// <summary>One place where a declaration breaks a rule.</summary>
/// <param name="location">The value, name or keyword that is wrong, and nothing around it.</param>
/// <param name="arguments">What the rule's message format asks for; numbers as invariant text.</param>
internal sealed class Violation(Location location, params string[] arguments)
{
    public Location Location => location;

    public IReadOnlyList<string> Arguments => arguments;

    /// <summary>What a code fix needs to know beyond the place.</summary>
    public ImmutableDictionary<string, string?> Properties { get; private set; } = ImmutableDictionary<string, string?>.Empty;

    public Violation With(string key, string? value)
    {
        Properties = Properties.SetItem(key, value);
        return this;
    }
}
