using Microsoft.CodeAnalysis;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Declare;

/// <summary>What is reported of a declaration that breaks no rule, and that a backend cannot compute all the same.</summary>
internal static class GeneratorLimit
{
    public static readonly DiagnosticDescriptor Descriptor = new(
        "SPI0043",
        "Declaration cannot be computed",
        "Nothing is generated for '{0}': {1}",
        "SparseInfer",
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: "https://github.com/sparseinfer/SparseInfer.Dsl/blob/main/docs/diagnostics/SPI0043.md");

    /// <param name="declaration">What is declared.</param>
    /// <param name="limit">What cannot be computed, and what to change.</param>
    public static Report Report(Declaration declaration, string limit) =>
        new(Descriptor, declaration.NameLocation, new[] { declaration.Symbol.Name, limit }.ToEquatableArray());
}
