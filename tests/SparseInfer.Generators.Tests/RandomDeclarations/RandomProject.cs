using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using SparseInfer.Generators.Tests.Fixture;

namespace SparseInfer.Generators.Tests.RandomDeclarations;

/// <summary>A user's project as data, so that it can be made smaller.</summary>
/// <param name="Ilgpu">Whether it references the package that runs models on GPUs.</param>
internal sealed record RandomProject(LanguageVersion Language, NullableContextOptions Nullable, bool Ilgpu, ImmutableArray<RandomPiece> Pieces)
{
    /// <summary>Without a file: references are resolved once for each of the two, and not once a project.</summary>
    private static readonly CSharpCompilation Plain = Empty(UserCode.References);

    private static readonly CSharpCompilation WithIlgpu = Empty(UserCode.IlgpuReferences);

    private static readonly LanguageVersion[] Languages =
    [
        LanguageVersion.CSharp13, LanguageVersion.CSharp13, LanguageVersion.CSharp13, LanguageVersion.CSharp13, LanguageVersion.CSharp13,
        LanguageVersion.CSharp13, LanguageVersion.CSharp13, LanguageVersion.CSharp13, LanguageVersion.CSharp13, LanguageVersion.CSharp13,
        LanguageVersion.Preview, LanguageVersion.Preview, LanguageVersion.Preview, LanguageVersion.CSharp12, LanguageVersion.CSharp12,
        LanguageVersion.CSharp11, LanguageVersion.CSharp10, LanguageVersion.CSharp9, LanguageVersion.CSharp8, LanguageVersion.CSharp7_3,
    ];

    private const string Use = ".Use.cs";

    public static RandomProject Of(Chooser chooser, bool ilgpu)
    {
        var declarations = new DeclarationChooser(chooser);
        IEnumerable<RandomPiece> pieces = Enumerable.Range(0, chooser.Between(8, 24)).Select(_ => (RandomPiece)declarations.Declaration());
        IEnumerable<RandomPiece> surroundings = Enumerable.Range(0, chooser.Of(0, 0, 0, 1, 2)).Select(_ => Surrounding.Of(chooser));
        return new RandomProject(
            chooser.Of(Languages), chooser.Of(NullableContextOptions.Enable, NullableContextOptions.Disable), ilgpu, [.. pieces, .. surroundings]);
    }

    public CSharpParseOptions ParseOptions => new(Language, DocumentationMode.Diagnose);

    /// <summary>The files of each piece, and those that count on what is generated for it.</summary>
    public IEnumerable<(RandomPiece Piece, SyntaxTree[] Files, SyntaxTree[] Uses)> Parse() => Pieces.Select((piece, i) => (
        piece,
        piece.Files.Select((text, k) => CSharpSyntaxTree.ParseText(text, ParseOptions, $"Piece{i}.{k}.cs")).ToArray(),
        piece.Uses.Select((text, k) => CSharpSyntaxTree.ParseText(text, ParseOptions, $"Piece{i}.{k}{Use}")).ToArray()));

    /// <summary>Whether a file counts on what is generated.</summary>
    public static bool IsUse(SyntaxTree tree) => tree.FilePath.EndsWith(Use, StringComparison.Ordinal);

    public CSharpCompilation Compile(IEnumerable<SyntaxTree> trees)
    {
        CSharpCompilation empty = Ilgpu ? WithIlgpu : Plain;
        NullableContextOptions nullable = Language < LanguageVersion.CSharp8 ? NullableContextOptions.Disable : Nullable;
        return empty.WithOptions(empty.Options.WithNullableContextOptions(nullable)).AddSyntaxTrees(trees);
    }

    /// <summary>The same with something less.</summary>
    public IEnumerable<RandomProject> Smaller()
    {
        for (int half = Pieces.Length / 2; half > 1; half /= 2)
        {
            for (int first = 0; first < Pieces.Length; first += half)
            {
                yield return this with { Pieces = Pieces.RemoveRange(first, Math.Min(half, Pieces.Length - first)) };
            }
        }

        for (int i = 0; i < Pieces.Length; i++)
        {
            yield return this with { Pieces = Pieces.RemoveAt(i) };
        }

        if (Ilgpu)
        {
            yield return this with { Ilgpu = false };
        }

        if (Language != LanguageVersion.CSharp13)
        {
            yield return this with { Language = LanguageVersion.CSharp13 };
        }

        if (Nullable != NullableContextOptions.Enable)
        {
            yield return this with { Nullable = NullableContextOptions.Enable };
        }

        for (int i = 0; i < Pieces.Length; i++)
        {
            foreach (RandomPiece smaller in Pieces[i].Smaller())
            {
                yield return this with { Pieces = Pieces.SetItem(i, smaller) };
            }
        }
    }

    public override string ToString() =>
        $"C# {Language.ToDisplayString()}, nullable {Nullable}, {(Ilgpu ? "SparseInfer.Runtime.Ilgpu" : "SparseInfer.Runtime")}\n"
        + string.Join("", Parse().SelectMany(piece => piece.Files.Concat(piece.Uses)).Select(tree => $"--- {tree.FilePath}\n{tree}\n"));

    private static CSharpCompilation Empty(IEnumerable<MetadataReference> references) => CSharpCompilation.Create(
        "UserCode",
        [],
        references,
        UserCode.CompilationOptions.WithOptimizationLevel(OptimizationLevel.Release).WithWarningLevel(9999).WithAllowUnsafe(false));
}
