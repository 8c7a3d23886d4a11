using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Text;
using SparseInfer.Generators.Tests.Fixture;

namespace SparseInfer.Generators.Tests.Generation;

/// <summary>What an edit costs in a project of 300 files, two models and a layer among them.</summary>
public sealed class IncrementalityTests
{
    private const string First = "First.cs";
    private const string Second = "Second.cs";
    private const string Layer = "Layer.cs";
    private const string Kernel = "FeedForward_64x96_Relu_F16.Cpu.g.cs";

    private readonly CSharpCompilation _project;
    private readonly GeneratorDriver _driver;

    public IncrementalityTests()
    {
        string layer = """
            public static partial class Layers
            {
                [FeedForward(Hidden = 40, Intermediate = 50)]
                [Weights(WeightType.F32)]
                public static partial FeedForwardKernel Mlp { get; }
            }
            """;
        _project = GeneratedProject.Compilation().AddSyntaxTrees(
        [
            GeneratedProject.Tree(Model("First", "1.00f"), First),
            GeneratedProject.Tree(Model("Second", "1.05f"), Second),
            GeneratedProject.Tree("using SparseInfer;\n" + layer, Layer),
            .. Enumerable.Range(0, 297).Select(i => GeneratedProject.Tree(
                $"[System.Obsolete] class Unrelated{i} {{ [System.Obsolete] public int Value => {i}; }}", $"Unrelated{i}.cs")),
        ]);
        _driver = GeneratedProject.Driver().RunGenerators(_project);
    }

    [Fact]
    public void Each_declaration_has_its_files_and_models_of_one_shape_share_its_kernels() => Names(_driver).ShouldBe(
    [
        "FeedForward_40x50_Relu_F32.Cpu.g.cs", Kernel,
        "First.Cpu.g.cs", "First.g.cs", "Layers.Mlp.Cpu.g.cs", "Layers.Mlp.g.cs", "Second.Cpu.g.cs", "Second.g.cs",
    ]);

    [Theory]
    [InlineData(First, "// a comment\n")]
    [InlineData(Second, "\n\n\n")]
    [InlineData(Layer, "/* another */ ")]
    [InlineData("Unrelated7.cs", "namespace Elsewhere; class More { int _field = 1; }")]
    public void An_edit_that_declares_nothing_new_writes_nothing_again(string file, string inserted) =>
        Pipeline.ShouldBeCached(Edit(file, text => inserted + text));

    [Theory]
    [InlineData(First, "// a comment\n")]
    [InlineData("Unrelated7.cs", "namespace Elsewhere; class More { int _field = 1; }")]
    public void Nor_does_it_write_gpu_programs_again(string file, string inserted)
    {
        CSharpCompilation project = _project.WithIlgpu();
        GeneratorDriver driver = GeneratedProject.Driver().RunGenerators(project);
        Names(driver).ShouldContain("First.Ilgpu.g.cs");
        SyntaxTree tree = Tree(file);
        SyntaxTree edited = tree.WithChangedText(SourceText.From(inserted + tree));

        GeneratorDriver again = driver.RunGenerators(project.ReplaceSyntaxTree(tree, edited));

        Pipeline.ShouldBeCached(again);
        foreach (string step in new[] { "FindIlgpu", "PlanIlgpuModel", "PlanIlgpuKernels" })
        {
            again.GetRunResult().Results.Single().TrackedSteps.Keys.ShouldContain(step);
        }
    }

    /// <summary>A class that names a file waits for the project's files; others do not.</summary>
    [Fact]
    public void Another_strength_in_a_profile_writes_its_model_again_and_another_file_nothing()
    {
        CSharpCompilation project = _project.ReplaceSyntaxTree(
            Tree(First), GeneratedProject.Tree(Model("First", "1.00f").Replace("Alpha = 1.00f", "", StringComparison.Ordinal)
                .Replace("[SignBit", "[SparsityProfile(\"first.json\")]\n[SignBit", StringComparison.Ordinal), First));
        var profile = new TextFile("first.json", Profile("1.20"));
        var other = new TextFile("other.json", "{}");
        GeneratorDriver driver = GeneratedProject.Driver().AddAdditionalTexts([profile, other]).RunGenerators(project);
        Text(driver, "First.Cpu.g.cs").ShouldContain("sign-bit predictor, alpha 1.2\n");

        Pipeline.ShouldBeCached(driver.RunGenerators(project.Clone()));
        SyntaxTree unrelated = Tree("Unrelated7.cs");
        Pipeline.ShouldBeCached(driver.RunGenerators(project.ReplaceSyntaxTree(unrelated, GeneratedProject.Tree("class Other;", "Unrelated7.cs"))));
        Pipeline.ShouldBeCached(driver.ReplaceAdditionalText(profile, new TextFile("first.json", Profile("1.2e0") + "\n")).RunGenerators(project));
        Pipeline.ShouldBeCached(driver.ReplaceAdditionalText(other, new TextFile("other.json", "[]")).RunGenerators(project));
        Rewritten(driver, driver.ReplaceAdditionalText(profile, new TextFile("first.json", Profile("1.25"))).RunGenerators(project))
            .ShouldBe(["First.Cpu.g.cs", "First.g.cs"], ignoreOrder: true);

        static string Profile(string alpha) => $$"""
            { "version": 1, "model": { "hidden": 64, "layers": 2, "intermediate": 96, "activation": "Relu" }, "policies": [ { "attribute": "SignBitPredictor", "layers": [
                { "layer": 0, "values": { "Alpha": {{alpha}} } }, { "layer": 1, "values": { "Alpha": {{alpha}} } } ] } ] }
            """;
    }

    [Fact]
    public void Another_alpha_writes_its_model_again_but_no_kernel()
    {
        GeneratorDriver edited = Edit(First, text => text.Replace("1.00f", "1.10f", StringComparison.Ordinal));

        Rewritten(edited).ShouldBe(["First.Cpu.g.cs", "First.g.cs"], ignoreOrder: true);
        Pipeline.OutputReasons(edited.GetRunResult().Results.Single())
            .Count(reason => reason == IncrementalStepRunReason.Modified)
            .ShouldBe(2);
        Text(edited, "First.Cpu.g.cs").ShouldContain("sign-bit predictor, alpha 1.1\n");
    }

    [Fact]
    public void Another_shape_has_kernels_of_its_own()
    {
        GeneratorDriver edited = Edit(First, text => text.Replace("Intermediate = 96", "Intermediate = 128", StringComparison.Ordinal));

        Names(edited).ShouldContain("FeedForward_64x128_Relu_F16.Cpu.g.cs");
        Text(edited, Kernel).ShouldBe(Text(_driver, Kernel));
        Rewritten(edited).ShouldNotContain("Second.Cpu.g.cs");
    }

    [Fact]
    public void A_broken_declaration_has_no_program_and_leaves_the_others_alone()
    {
        GeneratorDriver broken = Edit(First, text => text.Replace("Heads = 4", "Heads = 7", StringComparison.Ordinal));

        Names(broken).ShouldBe(Names(_driver).Except(["First.Cpu.g.cs"]));
        Rewritten(broken).ShouldBe(["First.g.cs"]);
        Text(broken, "First.g.cs").ShouldContain("\"SPI0012: Hidden = 64 is not a multiple of Heads = 7; ");
    }

    [Theory]
    [InlineData("Unrelated7.cs", "namespace Elsewhere; class More { int _field = 1; }", 0)]
    [InlineData(First, "// a comment\n", 1)]
    public void A_broken_declaration_is_told_again_only_where_it_moved(string file, string inserted, int told)
    {
        SyntaxTree tree = Tree(First);
        CSharpCompilation project = _project.ReplaceSyntaxTree(
            tree, tree.WithChangedText(SourceText.From(tree.ToString().Replace("Heads = 4", "Heads = 7", StringComparison.Ordinal))));
        GeneratorDriver broken = GeneratedProject.Driver().RunGenerators(project);
        SyntaxTree edited = project.SyntaxTrees.Single(candidate => candidate.FilePath == file);

        GeneratorDriver again = broken.RunGenerators(
            project.ReplaceSyntaxTree(edited, edited.WithChangedText(SourceText.From(inserted + edited))));

        GeneratorRunResult result = again.GetRunResult().Results.Single();
        Pipeline.OutputReasons(result).Count(reason => reason != IncrementalStepRunReason.Cached).ShouldBe(told);
        result.Diagnostics.ShouldHaveSingleItem().Location.GetLineSpan().StartLinePosition.Line.ShouldBe(4 + told);
    }

    [Fact]
    public void A_removed_declaration_takes_its_files_with_it_and_comes_back()
    {
        SyntaxTree tree = Tree(First);
        GeneratorDriver removed = _driver.RunGenerators(_project.RemoveSyntaxTrees(tree));
        GeneratorDriver back = removed.RunGenerators(_project);

        Names(removed).ShouldBe(Names(_driver).Except(["First.Cpu.g.cs", "First.g.cs"]));
        Names(back).ShouldBe(Names(_driver));
        Text(back, "First.Cpu.g.cs").ShouldBe(Text(_driver, "First.Cpu.g.cs"));

        Names(removed.RunGenerators(_project.RemoveSyntaxTrees(tree, Tree(Second), Tree(Layer)))).ShouldBeEmpty();
    }

    private static string Model(string name, string alpha) =>
        $"""
        using SparseInfer;

        /// <summary>A model.</summary>
        [DecoderModel(Hidden = 64, Layers = 2, Vocabulary = 100, Context = 64)]
        [Attention(Heads = 4)]
        [FeedForward(Intermediate = 96)]
        [RmsNorm]
        [SignBitPredictor(Alpha = {alpha})]
        [Weights(WeightType.F16)]
        public sealed partial class {name};
        """;

    private SyntaxTree Tree(string file) => _project.SyntaxTrees.Single(tree => tree.FilePath == file);

    private GeneratorDriver Edit(string file, Func<string, string> edit)
    {
        SyntaxTree tree = Tree(file);
        SyntaxTree edited = tree.WithChangedText(SourceText.From(edit(tree.ToString())));
        edited.ToString().ShouldNotBe(tree.ToString());
        return _driver.RunGenerators(_project.ReplaceSyntaxTree(tree, edited));
    }

    private static IEnumerable<string> Names(GeneratorDriver driver) => GeneratedProject.Sources(driver).Select(source => source.HintName);

    private static string Text(GeneratorDriver driver, string name) =>
        GeneratedProject.Sources(driver).Single(source => source.HintName == name).SourceText.ToString();

    /// <summary>Files that are not the very objects of the first run.</summary>
    private IEnumerable<string> Rewritten(GeneratorDriver driver) => Rewritten(_driver, driver);

    private static IEnumerable<string> Rewritten(GeneratorDriver before, GeneratorDriver after) => GeneratedProject.Sources(after)
        .Where(source => !GeneratedProject.Sources(before).Any(old => ReferenceEquals(old.SourceText, source.SourceText)))
        .Select(source => source.HintName);
}
