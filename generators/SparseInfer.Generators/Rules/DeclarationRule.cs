using System.Collections.Immutable;
using System.Globalization;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
using SparseInfer.Generators.Parse;

namespace SparseInfer.Generators.Rules;

/// <summary>
/// One rule that a declaration must keep: one descriptor, one check, one page. The generator asks the same rules through
/// <see cref="DeclarationRules"/>, so what is reported and what stops generation cannot differ.
/// </summary>
internal abstract class DeclarationRule : DiagnosticAnalyzer
{
    protected const string Category = "SparseInfer";
    protected const string Pages = "https://github.com/sparseinfer/SparseInfer.Dsl/blob/main/docs/diagnostics/";

    public abstract DiagnosticDescriptor Descriptor { get; }

    public sealed override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics => [Descriptor];

    /// <summary>Every place where <paramref name="declaration"/> breaks the rule. Never throws, whatever the user wrote.</summary>
    public abstract IEnumerable<Violation> Check(Declaration declaration);

    /// <summary>A number as messages show it, whatever the culture of the machine.</summary>
    protected static string Show(long number) => number.ToString(CultureInfo.InvariantCulture);

    public sealed override void Initialize(AnalysisContext context)
    {
        context.EnableConcurrentExecution();
        context.ConfigureGeneratedCodeAnalysis(GeneratedCodeAnalysisFlags.None);
        context.RegisterCompilationStartAction(start =>
        {
            if (start.Compilation.GetTypeByMetadataName(AttributeNames.FeedForward) is not null)
            {
                start.RegisterSymbolAction(Analyze, SymbolKind.NamedType, SymbolKind.Property);
            }
        });
    }

    private void Analyze(SymbolAnalysisContext context)
    {
        // What the compiler rejects cannot be read; its own error comes first and ours after that is mended.
        if (Declaration.From(context.Symbol, context.CancellationToken) is not { HasErrors: false } declaration)
        {
            return;
        }

        foreach (Violation violation in Check(declaration))
        {
            context.ReportDiagnostic(Diagnostic.Create(Descriptor, violation.Location, violation.Properties, violation.Arguments));
        }
    }
}
