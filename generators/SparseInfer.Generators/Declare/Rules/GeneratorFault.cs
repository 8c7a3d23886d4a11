using Microsoft.CodeAnalysis;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Declare;

/// <summary>What is reported where the generator itself throws: the one diagnostic that is no rule.</summary>
internal static class GeneratorFault
{
    public static readonly DiagnosticDescriptor Descriptor = new(
        "SPI0042",
        "The generator failed",
        "'{0}' was not generated, because the generator threw {1}; this is a bug in SparseInfer, please report it with the declaration",
        "SparseInfer",
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: "https://github.com/sparseinfer/SparseInfer.Dsl/blob/main/docs/diagnostics/SPI0042.md");

    /// <summary>Whether an exception is a fault; what asks the generator to stop is none.</summary>
    public static bool IsFault(Exception exception) => exception is not OperationCanceledException;

    /// <param name="name">What was to be generated.</param>
    /// <param name="exception">What came instead.</param>
    /// <param name="location">Where it is declared; null: not known.</param>
    public static Report Report(string name, Exception exception, Location? location = null)
    {
        string where = exception.StackTrace?.Split('\n')[0].Trim() ?? "";
        string what = $"{exception.GetType().Name} ({exception.Message}) {where}".Replace('\r', ' ').Replace('\n', ' ').Trim();
        return new Report(Descriptor, location ?? Location.None, new[] { name, what }.ToEquatableArray());
    }
}
