using SparseInfer.Cli.Compilation;
using SparseInfer.Cli.Synthetic;
using SparseInfer.Files;

namespace SparseInfer.Cli.Tests;

public sealed class DeclarationTests
{
    public static TheoryData<string> Shapes => [.. SmallShapes.Names];

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Every_published_shape_compiles_at_its_full_size(string name)
    {
        ModelDeclaration declaration = NamedShape.Find(name).Declaration;
        CompiledModel compiled = ModelCompiler.Compile(declaration, TestContext.Current.CancellationToken);

        compiled.Generated.ShouldContain(file => file.Text.Contains($"{declaration.Layers} layers, hidden {declaration.Hidden}"));
    }

    [Fact]
    public void The_text_is_what_a_user_would_write() => NamedShape.Find("minicpm-s-1b").Declaration.ToText().ShouldBe("""
        using SparseInfer;

        /// <summary>minicpm-s-1b, weights F16.</summary>
        [DecoderModel(Hidden = 1536, Layers = 52, Vocabulary = 73440, Context = 4096)]
        [Attention(Heads = 24, KeyValueHeads = 8, RopeTheta = 10000f)]
        [FeedForward(Intermediate = 3840, Activation = Activation.FatRelu, Threshold = 0.03f, Gated = true)]
        [RmsNorm(Epsilon = 0.00001f)]
        [Embedding(Tied = true, Scale = 12f)]
        [Scales(Residual = 0.19414507f, Logits = 0.16666667f)]
        [SignBitPredictor(Alpha = 1f)]
        [Weights(WeightType.F16)]
        public sealed partial class MinicpmS1b;

        """.ReplaceLineEndings("\n"));

    [Theory]
    [InlineData("llama-2-7b", "Llama2_7b")]
    [InlineData("7b model", "Model7bModel")]
    [InlineData("TinyLlama 1.1B", "TinyLlama1_1B")]
    [InlineData("---", "Model")]
    public void A_name_becomes_an_identifier(string name, string identifier) =>
        (NamedShape.All[0].Declaration with { Name = name }).ClassName.ShouldBe(identifier);

    /// <summary>Case matters to no file system that counts.</summary>
    [Theory]
    [InlineData("Activation")]
    [InlineData("weight type")]
    [InlineData("dense")]
    [InlineData("Console")]
    [InlineData("PROGRAM")]
    [InlineData("system")]
    [InlineData("SparseInfer")]
    [InlineData("load")]
    public void A_class_is_called_as_nothing_else(string name)
    {
        ModelDeclaration declaration = NamedShape.All[0].Declaration with { Name = name };
        declaration.ClassName.ShouldEndWith("Model");
        TakenNames.Contains(declaration.ClassName).ShouldBeFalse();
    }

    [Fact]
    public void Public_types_that_a_program_sees_are_taken()
    {
        string[] seen = [.. TakenNames.Assemblies.SelectMany(assembly => assembly.GetExportedTypes())
            .Where(type => !type.IsNested && !type.IsGenericType && TakenNames.Namespaces.Contains(type.Namespace)).Select(type => type.Name)];

        seen.Length.ShouldBeGreaterThan(300);
        seen.Where(name => !TakenNames.Contains(name)).ShouldBeEmpty();
        seen.ShouldContain("GenerationOptions");
        seen.ShouldContain("Console");
    }

    /// <summary>In one compilation: those that would hide from all what generated code names, and a name that says something in XML.</summary>
    [Fact]
    public void Models_called_as_types_compile()
    {
        string[] names = ["SparseInfer", "System", "Activation", "Load", "</summary> & <b>"];
        ModelDeclaration[] declarations = [.. names.Select(name => SmallShapes.Of("llama-2-7b") with { Name = name })];

        ModelCompiler.Compile(declarations, TestContext.Current.CancellationToken).Count.ShouldBe(names.Length);
        declarations[^1].ToText().ShouldContain("/// <summary>&lt;/summary&gt; &amp; &lt;b&gt;, weights");
    }

    [Fact]
    public void A_shape_that_breaks_a_rule_is_refused_in_the_rules_words()
    {
        ModelDeclaration wrong = SmallShapes.Of("llama-2-7b") with { Heads = 7, KeyValueHeads = 7 };
        Should.Throw<CliException>(() => ModelCompiler.Compile(wrong, TestContext.Current.CancellationToken))
            .Message.ShouldContain("Heads");
    }

    [Fact]
    public void A_file_is_declared_from_its_metadata_and_its_tensors()
    {
        using ModelFile file = ModelFile.Open(ToolProgram.Gguf);
        ModelDeclaration read = FileDeclaration.Read(file, Activation.Relu, null, 1f);

        (read with { Name = "", Weights = [] }).ShouldBe(new ModelDeclaration
        {
            Name = "",
            Hidden = 256,
            Layers = 6,
            Vocabulary = 512,
            Context = 512,
            Heads = 8,
            KeyValueHeads = 4,
            Intermediate = 1024,
            Activation = Activation.Relu,
            TiedEmbedding = true,
            Weights = [],
        });
        read.Weights.ShouldBe([WeightType.F16]);
    }

    [Theory]
    [InlineData(Activation.FatRelu, null, "needs --threshold")]
    [InlineData(Activation.Relu, 0.5f, "goes with --activation fatrelu")]
    public void A_threshold_goes_with_fatrelu_and_fatrelu_with_one(Activation activation, float? threshold, string message)
    {
        using ModelFile file = ModelFile.Open(ToolProgram.Gguf);
        Should.Throw<CliException>(() => FileDeclaration.Read(file, activation, threshold, 1f)).Message.ShouldContain(message);
    }
}
