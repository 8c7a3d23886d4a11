using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using SparseInfer.Generators.Formats;

namespace SparseInfer.Generators.Tests.Formats;

/// <summary>What is known of a weight type is a file in the generator's <c>Formats</c>, and every type has one.</summary>
public sealed class FormatTests
{
    private static readonly string Generator =
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(Here())!, "..", "..", "..", "generators", "SparseInfer.Generators"));

    /// <summary>Where a type as such is meant, whatever weights are stored in. By file: what it says.</summary>
    private static readonly Dictionary<string, string[]> Meant = new()
    {
        ["Ilgpu/Plan/CachePlan.cs"] = ["WeightType.F16", "WeightType.F32"], // keys and values: what a session may ask for
        ["Program/Tensor.cs"] = ["WeightType.F32"], // routers, whatever files have
        ["Ilgpu/Products/MatrixKernels.cs"] = ["WeightType.F16"], // kernels for halves, on tensor cores
    };

    /// <summary>The same, in text: examples for the user, halves that are no weights, the type of a cache, what is F32 whatever files have.</summary>
    private static readonly string[] MeantInText =
        ["[Weights(WeightType.F16)]", "such as F16", "F16.Narrow(", "F16.Widen", "KeyValueType.F16", "a position in F16, twice that in F32", "[WeightType.F32]", "<F32>(in ", " bytes in F32"];

    [Fact]
    public void Every_type_has_a_format_in_the_vocabularys_order() =>
        Format.All.Select(format => format.Type).ShouldBe(Enum.GetValues<WeightType>());

    [Fact]
    public void A_format_is_a_file_that_is_called_as_the_type()
    {
        foreach (Format format in Format.All)
        {
            format.GetType().Name.ShouldBe(format.Type.ToString());
            File.Exists(Path.Combine(Generator, "Formats", $"{format.Type}.cs")).ShouldBeTrue();
        }
    }

    [Fact]
    public void A_formats_numbers_agree()
    {
        foreach (Format format in Format.All)
        {
            (format.Blocks is not null).ShouldBe(format.IsBlock, $"{format.Type}");
            KernelRegisters registers = format.Registers;
            foreach (int[] measured in new[] { registers.Fused, registers.FusedDense, registers.Heads, registers.Rows })
            {
                measured.Length.ShouldBe(KernelRegisters.Widths.Count, $"{format.Type}");
            }

            // Two words of rounded inputs meet a load of a block type.
            (format.ColumnsPerLoad * (format.Blocks?.RoundedBytes ?? 0)).ShouldBe(format.IsBlock ? 32 : 0, $"{format.Type}");
        }
    }

    [Theory]
    [InlineData(WeightType.F32, 128)]
    [InlineData(WeightType.BF16, 64)]
    [InlineData(WeightType.Q8_0, 34)]
    [InlineData(WeightType.Q4_0, 18)]
    [InlineData(WeightType.Q5_1, 24)]
    public void A_row_takes_the_bytes_of_its_blocks(WeightType type, long bytes) => Format.Of(type).Bytes(64).ShouldBe(2 * bytes);

    [Theory]
    [InlineData(WeightType.Q4_K, 144)]
    [InlineData(WeightType.Q6_K, 210)]
    public void A_row_takes_the_bytes_of_its_super_blocks(WeightType type, long bytes) => Format.Of(type).Bytes(512).ShouldBe(2 * bytes);

    [Fact]
    public void A_weight_type_is_named_only_in_its_folder()
    {
        string[] types = Enum.GetNames<WeightType>();
        IEnumerable<string> named =
            from source in Sources()
            from access in source.Root.DescendantNodes().OfType<MemberAccessExpressionSyntax>()
            where access.Expression.ToString().EndsWith("WeightType", StringComparison.Ordinal) && types.Contains(access.Name.ToString())
            where !Meant.GetValueOrDefault(source.File, []).Contains(access.ToString())
            select Describe(source.File, access, access.ToString());
        named.ShouldBeEmpty();
    }

    [Fact]
    public void No_text_of_a_weight_type_is_written_outside_its_folder()
    {
        var word = new Regex($@"(?<!\w)({string.Join('|', Enum.GetNames<WeightType>())})(?!\w)");
        IEnumerable<string> written =
            from source in Sources()
            from token in source.Root.DescendantTokens()
            where token.Kind() is SyntaxKind.StringLiteralToken or SyntaxKind.InterpolatedStringTextToken
                or SyntaxKind.MultiLineRawStringLiteralToken or SyntaxKind.SingleLineRawStringLiteralToken
            from Match match in word.Matches(MeantInText.Aggregate(token.Text, (text, meant) => text.Replace(meant, "", StringComparison.Ordinal)))
            select Describe(source.File, token.Parent!, match.Value);
        written.ShouldBeEmpty();
    }

    private static IEnumerable<(string File, SyntaxNode Root)> Sources() =>
        from path in Directory.EnumerateFiles(Generator, "*.cs", SearchOption.AllDirectories)
        let file = Path.GetRelativePath(Generator, path).Replace('\\', '/')
        where file.Split('/')[0] is not ("bin" or "obj" or "Formats")
        select (file, CSharpSyntaxTree.ParseText(File.ReadAllText(path)).GetRoot());

    private static string Describe(string file, SyntaxNode node, string name) =>
        $"{file}({node.GetLocation().GetLineSpan().StartLinePosition.Line + 1}) names {name}: what differs from type to type is a member of Format";

    private static string Here([CallerFilePath] string path = "") => path;
}
