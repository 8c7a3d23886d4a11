using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace SparseInfer.Kernels.Cpu.Tests;

/// <summary>A name in one file that another declares.</summary>
/// <param name="File">Path of the file that uses the name, in the project.</param>
/// <param name="Line">Where, from 1.</param>
/// <param name="Name">The type or member.</param>
/// <param name="Declarations">The files that declare it: several for a partial type.</param>
internal sealed record NameUse(string File, int Line, string Name, IReadOnlyList<string> Declarations);

/// <summary>
/// Which files of a project use what others declare, as the compiler binds their names. A member belongs to the file that declares it, also
/// where its type is spread over several. Documentation comments may point anywhere.
/// </summary>
internal static class FolderArrows
{
    private static readonly string[] ImplicitUsings =
        ["System", "System.Collections.Generic", "System.IO", "System.Linq", "System.Net.Http", "System.Threading", "System.Threading.Tasks"];

    /// <summary>Every use of a name that another file declares.</summary>
    /// <param name="sources">The project's files: paths in the project, with slashes, and texts.</param>
    /// <param name="libraries">What they reference beside the base library: types of these, whose assemblies are taken.</param>
    /// <exception cref="InvalidOperationException">A name cannot be bound: it would be an arrow that is not seen.</exception>
    public static IReadOnlyList<NameUse> Of(IEnumerable<(string File, string Text)> sources, params Type[] libraries)
    {
        var options = new CSharpParseOptions(LanguageVersion.Preview);
        string usings = string.Concat(ImplicitUsings.Select(name => $"global using {name};\n"));
        CSharpCompilation compilation = CSharpCompilation.Create(
            "Sources",
            [
                .. sources.Select(source => CSharpSyntaxTree.ParseText(source.Text, options, source.File)),
                CSharpSyntaxTree.ParseText(usings, options),
            ],
            [.. BaseLibrary(), .. libraries.Select(type => MetadataReference.CreateFromFile(type.Assembly.Location))],
            // Whether something may be null changes no name, and takes as long to find out as the names.
            new CSharpCompilationOptions(
                OutputKind.DynamicallyLinkedLibrary, allowUnsafe: true, nullableContextOptions: NullableContextOptions.Disable));

        return [.. compilation.SyntaxTrees.Where(tree => tree.FilePath != "").SelectMany(tree => Uses(tree, compilation.GetSemanticModel(tree)))];
    }

    private static IEnumerable<NameUse> Uses(SyntaxTree tree, SemanticModel model)
    {
        foreach (SimpleNameSyntax name in tree.GetRoot().DescendantNodes().OfType<SimpleNameSyntax>())
        {
            int line = name.GetLocation().GetLineSpan().StartLinePosition.Line + 1;
            SymbolInfo bound = model.GetSymbolInfo(name);
            ISymbol? symbol = bound.Symbol ?? bound.CandidateSymbols.FirstOrDefault();
            if (symbol is null && name.Identifier.Text is not ("nameof" or "unmanaged" or "notnull" or "_"))
            {
                throw new InvalidOperationException($"{tree.FilePath}({line}): '{name}' is no name that the sources or their references declare.");
            }

            if (symbol is null or INamespaceSymbol)
            {
                continue;
            }

            string[] declarations =
                [.. symbol.OriginalDefinition.DeclaringSyntaxReferences.Select(reference => reference.SyntaxTree.FilePath).Distinct()];
            if (declarations.Length > 0 && !declarations.Contains(tree.FilePath))
            {
                yield return new NameUse(tree.FilePath, line, symbol.Name, declarations);
            }
        }
    }

    private static IEnumerable<MetadataReference> BaseLibrary()
    {
        string folder = Path.GetDirectoryName(typeof(object).Assembly.Location)!;
        return ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(path => Path.GetDirectoryName(path) == folder)
            .Select(path => MetadataReference.CreateFromFile(path));
    }
}
