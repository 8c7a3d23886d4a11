using Microsoft.CodeAnalysis;
using SparseInfer.Generators.Tests.Fixture;
using SparseInfer.Generators.Tests.Generation;

namespace SparseInfer.Generators.Tests.Rules;

/// <summary>SPI0065 to SPI0069, and what a profile gives where all is well. Models here have layers 0 to 7.</summary>
public sealed class ProfileRuleTests
{
    private const string Shape = """{ "hidden": 256, "layers": 8, "intermediate": 704, "activation": "Relu" }""";

    [Theory]
    [InlineData("m.sparsity.json", "/home/user/m.sparsity.json")]
    [InlineData("profiles/m.sparsity.json", "C:\\user\\profiles\\m.sparsity.json")]
    [InlineData("profiles\\m.sparsity.json", "profiles/m.sparsity.json")]
    public async Task A_file_is_known_by_its_name_or_by_the_end_of_its_path(string name, string path) => (await Diagnose.Expect(
        Declared.Model($"[SparsityProfile(@\"{name}\")]", "[SignBitPredictor]"),
        [new TextFile(path, Profile()), new TextFile("/home/user/more-m.sparsity.json", "no profile"), new TextFile("m.sparsity.txt", "nor this")])).ShouldBeEmpty();

    [Theory]
    [InlineData("m.sparsity.json")]
    [InlineData("m.sparsity.json", "other.json")]
    [InlineData("sparsity.json", "m.sparsity.json")]
    [InlineData("", "m.sparsity.json")]
    [InlineData("m.json", "a/m.json", "b/m.json")]
    public async Task A_file_is_there_once(string name, params string[] paths) => (await Diagnose.Expect(
        Declared.Model($"[SparsityProfile({{|SPI0065:\"{name}\"|}})]", "[ActivationThreshold]"), [.. paths.Select(path => new TextFile(path, Profile()))]))
        .ShouldHaveSingleItem().ShouldContain(paths.Length == 2 && name == "m.json" ? "write more of the path" : $"<AdditionalFiles Include=\"{name}\" />");

    [Theory]
    [InlineData("", 1, "a value is missing")]
    [InlineData("{\n\"version\": 1,\n}", 3, "a member's name is missing")]
    [InlineData("{\n\"version\": 2 }", 2, "its version is 2, and this generator reads 1")]
    [InlineData("{ \"version\": 1.5 }", 1, "'version' must be a whole number")]
    [InlineData("{\n \"version\": 1 } x", 2, "nothing may follow the value")]
    [InlineData("[1]", 1, "the profile is an array, and must be an object")]
    [InlineData("{ \"version\": 1 }", 1, "'model' is missing")]
    [InlineData("{ \"version\": 1,\n \"model\": \"Relu\" }", 2, "'model' is a string, and must be an object")]
    [InlineData("{ \"version\": 1,\n \"model\": {\"hidden\": 1e99} }", 2, "'hidden' must be a whole number")]
    [InlineData("{ \"a\": \"b\nc\" }", 1, "a string does not end in its line")]
    [InlineData("{ \"a\": \"\\q\" }", 1, "a string has an escape that JSON does not know")]
    [InlineData("{ \"a\": 1-2 }", 1, "'1-2' is no number")]
    [InlineData("{ \"a\" 1 }", 1, "':' is missing")]
    public async Task A_profile_is_what_calibrate_writes(string text, int line, string message) => (await Diagnose.Expect(
        Declared.Model("[SparsityProfile({|SPI0066:\"m.json\"|})]", "[ActivationThreshold]"), [new TextFile("m.json", text)]))
        .ShouldBe([$"'m.json', line {line}: {message}; let 'sparseinfer calibrate' write it again"]);

    [Theory]
    [InlineData("\"Alpha\": \"1.0\"", "'Alpha' is a string, and must be a number")]
    [InlineData("\"Alpha\": null", "'Alpha' is null, and must be a number")]
    public async Task Values_are_numbers(string value, string message) => (await Diagnose.Expect(
        Declared.Model("[SparsityProfile({|SPI0066:\"m.json\"|})]", "[SignBitPredictor]"), [new TextFile("m.json", Profile(_ => value))]))
        .ShouldHaveSingleItem().ShouldContain(message);

    /// <summary>A name that no policy has would be passed over, and its usual value baked in.</summary>
    [Theory]
    [InlineData("SignMagnitudePredictor", "\"Beta\": 1.6, \"OutlierWieght\": 51", "'OutlierWieght' is no value of [SignMagnitudePredictor], which takes Beta, OutlierWeight, OutlierSigmas")]
    [InlineData("SignBitPredictor", "\"alpha\": 1", "'alpha' is no value of [SignBitPredictor], which takes Alpha")]
    [InlineData("Dense", "\"Alpha\": 1", "'Alpha' is no value of [Dense], which takes none")]
    public async Task Values_are_what_the_policy_takes(string policy, string values, string message) => (await Diagnose.Expect(
        Declared.Model("[SparsityProfile({|SPI0066:\"m.json\"|})]", $"[{policy}]"),
        [new TextFile("m.json", Profile(_ => values).Replace("SignBitPredictor", policy, StringComparison.Ordinal))]))
        .ShouldHaveSingleItem().ShouldContain(message);

    /// <summary>Weight and beta were measured with the deviations that are beside them: one that is written stands for all.</summary>
    [Theory]
    [InlineData("[SignMagnitudePredictor]", "[SignMagnitudePredictor(Beta = 1.5f, OutlierWeight = 51f, OutlierSigmas = 4f)]")]
    [InlineData("[SignMagnitudePredictor(OutlierSigmas = 3f)]", "[SignMagnitudePredictor(OutlierSigmas = 3f)]")]
    public void What_was_measured_together_is_taken_together(string declared, string written)
    {
        AdditionalText[] files =
        [
            new TextFile("m.json", Profile(_ => "\"Beta\": 1.5, \"OutlierWeight\": 51, \"OutlierSigmas\": 4").Replace("SignBitPredictor", "SignMagnitudePredictor", StringComparison.Ordinal)),
        ];
        Texts(Declared.Model("[SparsityProfile(\"m.json\")]", declared), files).ShouldBe(Texts(Declared.Model(written), []));
    }

    /// <summary>SPI0036 is for what somebody wrote.</summary>
    [Fact]
    public async Task A_measured_alpha_may_decide_nothing() => (await Diagnose.Expect(
        Declared.Model("[SparsityProfile(\"m.json\")]", "[SignBitPredictor]"), [new TextFile("m.json", Profile(layer => $"\"Alpha\": {(layer < 4 ? "1.0" : "98")}"))])).ShouldBeEmpty();

    [Fact]
    public async Task What_contradicts_a_value_is_said_once()
    {
        string model = Declared.Model("[SparsityProfile(\"m.json\")]", "[ExactSparsity]", "[{|SPI0064:InputThreshold|}]");
        (await Diagnose.Expect(model, [new TextFile("m.json", Profile(_ => "\"FeedForward\": 0.1").Replace("SignBitPredictor", "InputThreshold", StringComparison.Ordinal))]))
            .ShouldHaveSingleItem().ShouldContain("FeedForward of [InputThreshold] computes every neuron");
    }

    [Fact]
    public async Task Nothing_nests_without_end() => (await Diagnose.Expect(
        Declared.Model("[SparsityProfile({|SPI0066:\"m.json\"|})]", "[SignBitPredictor]"), [new TextFile("m.json", new string('[', 100_000))]))
        .ShouldHaveSingleItem().ShouldContain("it is nested too deeply");

    [Theory]
    [InlineData("\"hidden\": 256", "\"hidden\": 257")]
    [InlineData("\"layers\": 8", "\"layers\": 9")]
    [InlineData("704", "705")]
    [InlineData("\"Relu\"", "\"FatRelu\"")]
    public async Task A_profile_is_of_the_declared_model(string old, string other) => (await Diagnose.Expect(
        Declared.Model("[SparsityProfile({|SPI0067:\"m.json\"|})]", "[SignBitPredictor]"),
        [new TextFile("m.json", Profile().Replace(old, other, StringComparison.Ordinal))])).ShouldHaveSingleItem().ShouldEndWith(
            "but declared are 8 layers of hidden size 256 and 704 neurons with Relu; calibrate this model, or name its own profile");

    [Theory]
    [InlineData("'m.json' has nothing of [ActivationThreshold]", "[SignBitPredictor(Layers = \"..6\")]", "[{|SPI0068:ActivationThreshold|}(Layers = \"7\")]")]
    [InlineData("'m.json' has nothing of [SignBitPredictor] for layer 6", "[{|SPI0068:SignBitPredictor|}]")]
    public async Task A_profile_has_what_is_asked_of_it(string message, params string[] policies) => (await Diagnose.Expect(
        Declared.Model(["[SparsityProfile(\"m.json\")]", .. policies]),
        [new TextFile("m.json", policies.Length == 2 ? Profile() : Profile().Replace("\"layer\": 6", "\"layer\": 66", StringComparison.Ordinal))]))
        .ShouldBe([message + "; calibrate with this policy and in all layers, or write the strength"]);

    [Theory]
    [InlineData("[SignBitPredictor(Alpha = 1.1f)]")]
    [InlineData("[ExactSparsity]")]
    public Task A_profile_gives_something(string policy) =>
        Diagnose.Expect(Declared.Model("[{|SPI0069:SparsityProfile|}(\"m.json\")]", policy), [new TextFile("m.json", Profile())]);

    /// <summary>By the policy's own rule, and of a fault in each layer once.</summary>
    [Fact]
    public async Task A_value_has_to_keep_the_policys_rules()
    {
        string model = Declared.Model("[SparsityProfile(\"m.json\")]", "[{|SPI0028:SignBitPredictor|}]");
        (await Diagnose.Expect(model, [new TextFile("m.json", Profile(layer => $"\"Alpha\": {(layer < 5 ? -1 : 1)}"))])).ShouldHaveSingleItem().ShouldContain("Alpha is -1");
        await Diagnose.Expect(
            Declared.Model("[FeedForward(Intermediate = 704, Activation = Activation.Silu)]", "[SparsityProfile(\"m.json\")]", "[{|SPI0029:SignBitPredictor|}]"),
            [new TextFile("m.json", Profile().Replace("\"Relu\"", "\"Silu\"", StringComparison.Ordinal))]);
    }

    /// <summary>The code is that of a class that has the strengths written, layers that are alike in one.</summary>
    [Fact]
    public void Strengths_are_baked_in_layer_by_layer()
    {
        AdditionalText[] files = [new TextFile("m.json", Profile(layer => $"\"Alpha\": {(layer < 3 ? "1.05" : "0.98")}"))];
        string[] written =
        [
            "[SignBitPredictor(Alpha = 1.05f, Layers = \"..2\")]", "[SignBitPredictor(Alpha = 0.98f, Layers = \"3..5\")]",
            "[SignBitPredictor(Alpha = 2f, Layers = \"6\")]", "[ExactSparsity(Layers = \"7\")]",
        ];
        string[] profiled =
        [
            "[SparsityProfile(\"m.json\")]", "[SignBitPredictor(Layers = \"0..5\")]", "[SignBitPredictor(Alpha = 2f, Layers = \"6\")]", "[ExactSparsity(Layers = \"7\")]",
        ];
        Texts(Declared.Model(profiled), files).ShouldBe(Texts(Declared.Model(written), []));
    }

    /// <summary>An input that the profile has no threshold for is read whole, as where none is written.</summary>
    [Theory]
    [InlineData("\"Heads\": 0.12, \"Output\": 0.05", "Heads = 0.12f, Output = 0.05f")]
    [InlineData("\"Output\": 0.05", "Output = 0.05f")]
    public void Inputs_without_a_threshold_are_read_whole(string values, string written)
    {
        AdditionalText[] files = [new TextFile("m.json", Profile(_ => values).Replace("SignBitPredictor", "InputThreshold", StringComparison.Ordinal))];
        Texts(Declared.Model("[SparsityProfile(\"m.json\")]", "[ExactSparsity]", "[InputThreshold]"), files)
            .ShouldBe(Texts(Declared.Model("[ExactSparsity]", $"[InputThreshold({written})]"), []));
    }

    [Fact]
    public void Layers_keep_heads_as_the_profile_says()
    {
        AdditionalText[] files = [new TextFile("m.json", Profile(layer => $"\"Keep\": {(layer < 3 ? "0.75" : "0.5")}").Replace("SignBitPredictor", "HeadSparsity", StringComparison.Ordinal))];
        Texts(Declared.Model("[SparsityProfile(\"m.json\")]", "[HeadSparsity(Router = true, Layers = \"1..\")]"), files).ShouldBe(Texts(
            Declared.Model("[HeadSparsity(Keep = 0.75f, Router = true, Layers = \"1..2\")]", "[HeadSparsity(Keep = 0.5f, Router = true, Layers = \"3..\")]"), []));
    }

    /// <summary>Beside a policy that takes its strengths from a profile.</summary>
    [Theory]
    [InlineData("Silu", "[ActivationThreshold(PerNeuron = true)]")]
    [InlineData("Silu", "[ActivationThreshold(Threshold = 0.1f)]")]
    [InlineData("Relu", "[LowRankPredictor(Rank = 64, Input = PredictorInput.Normed, Keep = 0.2f)]")]
    [InlineData("Relu", "[LowRankPredictor(Rank = 64, Input = PredictorInput.Normed, Count = 20)]")]
    [InlineData("Relu", "[LowRankPredictor(Rank = 64, Input = PredictorInput.Normed)]")]
    [InlineData("Silu", "[PromptNeurons]")]
    [InlineData("Silu", "[PromptNeurons(Keep = 0.25f)]")]
    [InlineData("Relu", "[TruncatedSvdPredictor(Rank = 64)]")]
    public async Task What_needs_no_strength_is_not_asked_for_one(string activation, string policy)
    {
        string profile = Profile(_ => "\"Heads\": 0.12").Replace("SignBitPredictor", "InputThreshold", StringComparison.Ordinal).Replace("Relu", activation, StringComparison.Ordinal);
        string[] lines = [$"[FeedForward(Intermediate = 704, Activation = Activation.{activation})]", "[SparsityProfile(\"m.json\")]", policy, "[InputThreshold]"];
        (await Diagnose.Expect(Declared.Model(lines), [new TextFile("m.json", profile)])).ShouldBeEmpty();
    }

    private static string[] Texts(string model, AdditionalText[] files) =>
    [
        .. GeneratedProject.Sources(GeneratedProject.Driver().AddAdditionalTexts([.. files]).RunGenerators(GeneratedProject.Compilation("using SparseInfer;\n" + model)))
            .Select(source => $"{source.HintName}\n{source.SourceText}"),
    ];

    private static string Profile(Func<int, string>? values = null) => $$"""
        {
          "version": 1, "model": {{Shape}}, "for people": [true, null, "\u0041\n"],
          "policies": [ { "attribute": "SignBitPredictor", "layers": [
            {{string.Join(",\n    ", Enumerable.Range(0, 8).Select(layer => $$"""{ "layer": {{layer}}, "values": { {{values?.Invoke(layer) ?? "\"Alpha\": 1.0e0"}} }, "curve": [] }"""))}}
          ] } ]
        }
        """;
}
