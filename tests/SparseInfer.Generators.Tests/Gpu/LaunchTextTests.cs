using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Ilgpu;
using SparseInfer.Generators.Tests.Execution;
using SparseInfer.Generators.Tests.Fixture;

namespace SparseInfer.Generators.Tests.Gpu;

/// <summary>What tables and comments say of launches, against what the text of every program launches.</summary>
public sealed partial class LaunchTextTests
{
    private static readonly SparsityMode[] Modes = Enum.GetValues<SparsityMode>();

    [Fact]
    public void A_token_launches_what_the_table_says()
    {
        foreach (var (model, plan, program) in Programs())
        {
            IReadOnlyList<KernelUse> table = KernelTable.Of(plan);
            foreach (SparsityMode mode in Modes)
            {
                IReadOnlyDictionary<string, int> counted = new LaunchCounter(program, "State", plan.Spec, mode, plan.Spec.Layers).Decode();
                Text(counted).ShouldBe(
                    Text(Counts(table, use => mode switch { SparsityMode.Dense => use.Dense, SparsityMode.Exact => use.Exact, _ => use.Predicted })), $"{model.Name} {mode}");
                DeviceCost.Of(plan, new(mode, 0.5, 17)).Launches.ShouldBe(counted.Values.Sum(), $"{model.Name} {mode}");
            }
        }
    }

    [Fact]
    public void A_step_of_sequences_launches_what_the_table_says()
    {
        int together = 0;
        foreach (var (model, plan, program) in Programs().Where(item => item.Plan.DecodesTogether))
        {
            together++;
            Text(new LaunchCounter(program, "Together", plan.Spec, SparsityMode.Dense, plan.Spec.Layers).Decode())
                .ShouldBe(Text(Counts(KernelTable.Of(plan), use => use.Together)), model.Name);
        }

        together.ShouldBeGreaterThan(20);
    }

    /// <summary>A row's padding is no head's, and read whatever heads are left out.</summary>
    [Theory]
    [InlineData(10, "skipped: (w.Output.ByteLength / 96 * 80) / 4 * (4 - kept)")]
    [InlineData(8, "skipped: (w.Output.ByteLength) / 4 * (4 - kept)")]
    public void Padding_is_not_among_the_bytes_that_heads_leave_out(int dimension, string expected)
    {
        DecoderCase model = new("Odd") { Heads = 8, KeyValueHeads = 4, DeclaredHeadDimension = dimension, HeadChoices = [new(0.5f), null, new(0.5f)], Weights = [WeightType.F16] };
        new IlgpuDecoderClass(IlgpuDecoderPlan.Of(Parsed.Model(model.Source, model.FullName).ShouldNotBeNull())).Emit().ShouldContain(expected);
    }

    /// <summary>What a file launches has a kernel there, or in a feed-forward's; what it holds is launched.</summary>
    [Fact]
    public void A_file_holds_the_kernels_that_it_launches()
    {
        foreach (var (model, plan, program) in Programs())
        {
            HashSet<string> launched = [.. program.DescendantNodes().OfType<InvocationExpressionSyntax>().Select(LaunchCounter.Launched).OfType<string>()];
            string[] held = [.. program.Members.OfType<MethodDeclarationSyntax>()
                .Where(method => method.Modifiers.ToString() == "internal static").Select(method => method.Identifier.Text)];
            held.ShouldBeSubsetOf(launched, model.Name);
            HashSet<string> table = [.. KernelTable.Of(plan).Select(use => use.Name)];
            launched.ShouldBeSubsetOf(table, model.Name);
            held.ShouldBeSubsetOf(table, model.Name);
        }
    }

    [Fact]
    public void The_head_comment_counts_launches()
    {
        foreach (var (model, plan, program) in Programs())
        {
            string head = program.SyntaxTree.GetText(TestContext.Current.CancellationToken).ToString().Split("#nullable")[0];
            head = Breaks().Replace(head, " ");
            string[] sessions = plan.DecodesTogether ? ["State", "Together"] : ["State"];
            MatchCollection told = Told().Matches(head);
            told.Count.ShouldBe(sessions.Length, model.Name);
            foreach ((Match match, string session) in told.Zip(sessions))
            {
                int layer = Number(match, "layer");
                match.Groups["what"].Value.Split(',').Length.ShouldBe(layer, $"{model.Name} {session}");
                int counted = new LaunchCounter(program, session, plan.Spec, SparsityMode.Dense, plan.Spec.Layers).Decode().Values.Sum();
                ((layer * plan.Spec.Layers) + Number(match, "more")).ShouldBe(counted, $"{model.Name} {session}");
            }
        }
    }

    [GeneratedRegex("(?<layer>[0-9]+) a layer[^:]*: (?<what>[^;]*); (?<more>[0-9]+) more a (token|step)")]
    private static partial Regex Told();

    [GeneratedRegex("\n// +")]
    private static partial Regex Breaks();

    private static int Number(Match match, string group) => int.Parse(match.Groups[group].Value, CultureInfo.InvariantCulture);

    private static IEnumerable<(DecoderCase Model, IlgpuDecoderPlan Plan, TypeDeclarationSyntax Program)> Programs()
    {
        foreach (DecoderCase model in GpuZoo.Models)
        {
            INamedTypeSymbol declared = GpuZoo.Complete.GetTypeByMetadataName(model.FullName).ShouldNotBeNull();
            IlgpuDecoderPlan plan = IlgpuDecoderPlan.Of(
                ModelParser.Read(Declaration.From(declared, DeclarationLanguage.Vocabulary, ProfileFiles.None, TestContext.Current.CancellationToken)!).ShouldNotBeNull(model.Name));
            SyntaxTree tree = GpuZoo.Trees.Single(tree => Path.GetFileName(tree.FilePath) == $"{model.FullName.Replace('+', '.')}.Ilgpu.g.cs");
            yield return (model, plan, tree.GetRoot(TestContext.Current.CancellationToken).DescendantNodes().OfType<TypeDeclarationSyntax>().First());
        }
    }

    /// <summary>Kernels of feed-forwards have one name in every weight type, and are launched in the first.</summary>
    private static Dictionary<string, int> Counts(IEnumerable<KernelUse> table, Func<KernelUse, int> count) => table
        .GroupBy(use => use.Name).Select(uses => (uses.Key, Count: uses.Sum(count))).Where(use => use.Count > 0)
        .ToDictionary(use => use.Key, use => use.Count);

    private static string Text(IReadOnlyDictionary<string, int> counts) =>
        string.Join(", ", counts.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => $"{pair.Key} {pair.Value}"));
}
