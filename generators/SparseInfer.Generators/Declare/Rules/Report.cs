using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Declare;

/// <summary>
/// A diagnostic that compares by value. It holds a place, and with that a tree: it has a way of its own through the pipeline, beside the specs
/// that code is made from.
/// </summary>
/// <param name="Descriptor">Of the rule, or of the fault.</param>
/// <param name="Arguments">What the descriptor's message asks for.</param>
internal sealed record Report(DiagnosticDescriptor Descriptor, Location Location, EquatableArray<string> Arguments)
{
    public string Id => Descriptor.Id;

    /// <summary>Whether generation stops. A user who lowers a severity silences the report, not the rule.</summary>
    public bool IsError => Descriptor.DefaultSeverity == DiagnosticSeverity.Error;

    /// <summary>What a code fix needs to know beyond the place.</summary>
    public EquatableArray<KeyValuePair<string, string?>> Properties { get; init; }

    public static Report Of(DeclarationRule rule, Violation violation) =>
        new(rule.Descriptor, violation.Location, violation.Arguments.ToEquatableArray())
        {
            Properties = violation.Properties.OrderBy(pair => pair.Key, StringComparer.Ordinal).ToEquatableArray(),
        };

    public Diagnostic ToDiagnostic() =>
        Diagnostic.Create(Descriptor, Location, ImmutableDictionary.CreateRange(Properties), [.. Arguments]);

    /// <summary>The message, whatever the culture of the machine.</summary>
    public string Message => ToDiagnostic().GetMessage(System.Globalization.CultureInfo.InvariantCulture);
}
