using System.Globalization;
using Microsoft.CodeAnalysis;

namespace SparseInfer.Generators.Declare;

/// <summary>
/// One rule that a declaration must keep: one descriptor, one check, one page. The generator asks and reports the rules itself: the compiler
/// drops what analyzers say as soon as any declaration of the project is in error, and a user may turn them off.
/// </summary>
internal abstract class DeclarationRule
{
    protected const string Category = "SparseInfer";
    protected const string Pages = "https://github.com/sparseinfer/SparseInfer.Dsl/blob/main/docs/diagnostics/";

    public abstract DiagnosticDescriptor Descriptor { get; }

    /// <summary>Whether it is asked where the compiler rejects an attribute too, since what breaks it may be why.</summary>
    public virtual bool ExplainsRejection => false;

    /// <summary>Every place where <paramref name="declaration"/> breaks the rule. Never throws, whatever the user wrote.</summary>
    public abstract IEnumerable<Violation> Check(Declaration declaration);

    /// <summary>A number as messages show it, whatever the culture of the machine.</summary>
    protected static string Show(long number) => number.ToString(CultureInfo.InvariantCulture);
}
