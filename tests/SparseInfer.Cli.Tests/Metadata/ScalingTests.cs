using SparseInfer.Cli.Compilation;
using SparseInfer.Files;

namespace SparseInfer.Cli.Tests.Metadata;

/// <summary>Rotary scaling that a declaration has and a file has otherwise, or not at all.</summary>
public sealed class ScalingTests : IDisposable
{
    private static readonly Lazy<IReadOnlyList<CompiledModel>> Compiled = new(() =>
    {
        string folder = Directory.CreateTempSubdirectory("sparseinfer-tests").FullName;
        try
        {
            ModelDeclaration factors = TinyDeclaration.Of(Factors, Factors.SaveGguf(Path.Combine(folder, "tiny.gguf")));
            TinyModel llama = TinyScalings.Config("Llama 3");
            string config = llama.SaveConfig(Directory.CreateDirectory(Path.Combine(folder, "config")).FullName);
            ModelDeclaration yarn = TinyDeclaration.Of(Yarn, Yarn.SaveGguf(Path.Combine(folder, "yarn.gguf")));
            return ModelCompiler.Compile(
                [
                    factors with { Name = "Factors" },
                    TinyDeclaration.Of(llama, config) with { Name = "Llama3" },
                    yarn with { Name = "Yarn" },
                    yarn with { Name = "Plain", FrequencyScaling = null },
                ],
                CancellationToken.None);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    });

    private readonly string _folder = Directory.CreateTempSubdirectory("sparseinfer-tests").FullName;

    private static TinyModel Factors => TinyScalings.Gguf("factors");

    private static TinyModel Yarn => TinyScalings.Gguf("YaRN");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void The_factors_of_a_gguf_file_agree_with_declared_numbers_of_llama_3_or_are_refused()
    {
        TinyModel llama = TinyScalings.Config("Llama 3");
        var scale = TinyScalings.Llama3(8, 64, 1, 4);
        double[] plain = [.. Enumerable.Range(0, 4).Select(pair => Math.Pow(100, -pair / 4.0))];
        TinyModel file = llama with { Keys = [("rope.freq_base", 100f)], FrequencyFactors = [.. plain.Select((frequency, pair) => (float)(frequency / scale(pair, frequency)))] };

        using (LanguageModel model = Load("Llama3", file))
        {
            Logits.ShouldBeThoseOf(new TinyReference(file, halfSplit: false), model);
        }

        Refused("Llama3", file with { FrequencyFactors = [1, 1.5f, 4, 8] }).ShouldContain("pair 1 by 1.5, but [Llama3Scaling(Factor = 8, OriginalContext = 64");
        Refused("Llama3", file with { FrequencyFactors = [1, 1.5f] }).ShouldContain("is not 4 numbers in single precision, half of [Attention] RopeDimensions = 8");
        Refused("Llama3", file with { FrequencyFactors = null }).ShouldContain("the file has no such rotary scaling as [Llama3Scaling(");
    }

    [Fact]
    public void Factors_are_declared_where_the_file_has_them_and_nowhere_else()
    {
        Refused("Plain", Yarn with { Keys = [("rope.freq_base", 100f)], FrequencyFactors = [1, 1.5f, 4, 8] })
            .ShouldContain("tensor 'rope_freqs.weight' scales the rotary frequencies one by one (Llama 3.1): declare [FrequencyFactors]");
        Refused("Factors", Factors with { FrequencyFactors = null }).ShouldContain("'rope_freqs.weight'");
        Refused("Factors", Factors with { FrequencyFactors = [1, 0, 4, 8] }).ShouldContain("by a number that is not finite and positive");
        Refused("Factors", Factors with { FrequencyFactors = [1, 2] }).ShouldContain("RopeDimensions / 2");
    }

    [Theory]
    [InlineData("rope.scaling.factor", 8f, "Factor = 8, but [YarnScaling] Factor = 4 is declared")]
    [InlineData("rope.scaling.original_context_length", 128u, "OriginalContext = 128, but [YarnScaling] OriginalContext = 256 is declared")]
    [InlineData("rope.scaling.yarn_beta_fast", 16f, "BetaFast = 16, but [YarnScaling] BetaFast = 32 is declared")]
    [InlineData("rope.scaling.yarn_beta_slow", 2f, "BetaSlow = 2, but [YarnScaling] BetaSlow = 1 is declared")]
    [InlineData("rope.scaling.yarn_attn_factor", 1f, "AttentionFactor = 1, but [YarnScaling] AttentionFactor = 1.1386294 is declared")]
    [InlineData("rope.scaling.yarn_log_multiplier", 1f, "AttentionFactor = 1, but [YarnScaling] AttentionFactor = 1.1386294 is declared")]
    [InlineData("rope.scaling.yarn_ext_factor", 0.5f, "extrapolation factor other than 1, which cannot be declared")]
    [InlineData("rope.scaling.yarn_beta_fast", "many", "must be a number")]
    [InlineData("rope.scaling.type", "none", "the file has no such rotary scaling as [YarnScaling(Factor = 4, OriginalContext = 256")]
    public void A_number_of_yarn_is_compared_with_the_declared_one(string key, object value, string fragment) =>
        Refused("Yarn", Yarn, ($"arcee.{key}", value)).ShouldContain(fragment);

    [Fact]
    public void Yarn_that_is_not_declared_is_refused_with_what_declares_it() => Refused("Plain", Yarn)
        .ShouldContain("'arcee.rope.scaling.type' is 'yarn': declare [YarnScaling(Factor = 4, OriginalContext = 256, BetaFast = 32, BetaSlow = 1, AttentionFactor = 1.1386294)]");

    [Theory]
    [InlineData("Yarn", "[YarnScaling(Factor = 4f, OriginalContext = 256)]")]
    [InlineData("Llama3", "[Llama3Scaling(Factor = 8f, OriginalContext = 64)]")]
    [InlineData("Factors", "[FrequencyFactors]")]
    public void What_is_printed_for_a_file_leaves_usual_numbers_out(string name, string attribute) =>
        Compiled.Value.Single(model => model.Declaration.Name == name).Declaration.ToText().ShouldContain($")]\n{attribute}\n[FeedForward(");

    private string Refused(string name, TinyModel file, params (string Key, object? Value)[] changes) =>
        Should.Throw<ModelFormatException>(() => Load(name, file, changes)).Message;

    private LanguageModel Load(string name, TinyModel file, params (string Key, object? Value)[] changes) =>
        Compiled.Value.Single(model => model.Declaration.Name == name)
            .Load(ModelFile.Open(file.SaveGguf(Path.Combine(_folder, "tiny.gguf"), changes)), Device.Cpu(1), new LoadOptions());
}
