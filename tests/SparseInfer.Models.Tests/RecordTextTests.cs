using System.Globalization;
using System.Reflection;
using SparseInfer.Runtime;
using SparseInfer.Serving;

namespace SparseInfer.Models.Tests;

/// <summary>What is printed does not depend on the thread's culture, and lists print what they hold.</summary>
public sealed class RecordTextTests(LoadedModels models)
{
    private static readonly CultureInfo Foreign = new("")
    {
        NumberFormat = new NumberFormatInfo { NumberDecimalSeparator = ",", NegativeSign = "~", PercentDecimalSeparator = ",", NaNSymbol = "?" },
    };

    /// <summary>Records of names and whole numbers of at least 0, and of nothing that has a culture.</summary>
    private static readonly Type[] Plain =
    [
        typeof(PreparationOptions), typeof(PreparationReport), typeof(TensorName), typeof(RotaryOrder), typeof(StepOptions), typeof(ChatToolCall), typeof(ChatTool),
    ];

    [Fact]
    public async Task Every_public_record_prints_the_same_in_every_culture()
    {
        using Session session = models.Get(Loaded.ReluF16).CreateSession(new SessionOptions { Metering = true });
        await session.GenerateAsync("Zoo", new() { MaxTokens = 20, Temperature = 0 }).TextAsync();
        var scored = new TokenLogProb(new TokenProbability(5, "a"u8.ToArray(), -0.5), [new TokenProbability(6, "b"u8.ToArray(), -1.5)]);
        object[] records =
        [
            new GenerationOptions { Temperature = 0.7, StopStrings = ["\n", "User:"] },
            session.LastGeneration!,
            session.ReadMetrics()[0],
            session.ReadMetrics()[1],
            session.ReadVocabularyMetrics(),
            new SessionOptions { Context = 100 },
            new SchedulerOptions { PromptSlice = 16 },
            models.Get(Loaded.ReluF16).LoadReport with { Notes = ["One.", "Two."] },
            new LoadOptions { TokenizerPath = "a.gguf" },
            new LoadProgress("output.weight", 5, 100),
            new ChatTurn("assistant", "It is sunny.") { ToolCalls = [new ChatToolCall("weather", "{}")] },
            new ChatTemplateOptions { Tools = [new ChatTool("weather", null, "{}")], Variables = new Dictionary<string, object?> { ["temperature"] = 0.5 } },
            models.Get(Loaded.ReluF16).Shape,
            models.Get(Loaded.ReluF16).Shape.Policies[0],
            new DeclaredTrait("Scales", "Residual", 0.25f),
            new LayerWindow(0, 5, 4096),
            new ModelServiceOptions { TimeLimit = TimeSpan.FromSeconds(1.5) },
            new CompletionRequest([1, 2]) { Options = new() { StopStrings = ["\n"] }, TimeLimit = TimeSpan.FromSeconds(1.5) },
            new EmbeddingRequest(["a"]) { Options = new() { Dimensions = 5 } },
            new EmbeddingOptions { Pooling = EmbeddingPooling.Last },
            new ChatRequest([new ChatTurn("user", "Hello.")]) { Options = new() { StopStrings = ["\n"] }, Tools = [new ChatTool("weather", null, "{}")] },
            new ServicePiece("Hello.", [scored], new ChatToolCall("weather", "{}"), new ServiceReport(FinishReason.Stop) { TotalTime = TimeSpan.FromSeconds(1.5) }),
            scored,
            scored.Chosen,
            new ServiceReport(FinishReason.Stop) { TotalTime = TimeSpan.FromSeconds(1.5) },
            new ServiceCounts { Layers = session.ReadMetrics() },
            new FeedForwardShape
            {
                Hidden = 8, Intermediate = 16, Activation = Activation.FatRelu, Threshold = 0.5f, Gated = true, Biases = false,
            },
            new FeedForwardWeights { Up = new float[128], Down = WeightTensor.From(WeightType.F16, new byte[256]), UpBias = new float[16] },
        ];

        // A new record must be in the list above, or must have nothing in it that depends on the culture.
        IEnumerable<Type> all = typeof(Session).Assembly.GetExportedTypes()
            .Where(type => !type.IsAbstract && type.GetMethod("PrintMembers", BindingFlags.Instance | BindingFlags.NonPublic) is not null);
        all.Except(records.Select(record => record.GetType())).ShouldBe(Plain, ignoreOrder: true);

        foreach (object record in records)
        {
            string text = record.ToString()!;
            text.ShouldNotContain("`");
            text.ShouldNotContain("System.");
            text.ShouldNotContain("[]");
            InForeignCulture(record.ToString).ShouldBe(text);
        }
    }

    [Fact]
    public void Options_and_reports_read_well()
    {
        new GenerationOptions { Temperature = 0.5, Seed = 7, StopStrings = ["\n", "User:"] }.ToString().ShouldBe(
            "GenerationOptions { MaxTokens = 256, Temperature = 0.5, TopK = 40, TopP = 0.95, MinP = 0.05, RepetitionPenalty = 1, "
            + "PresencePenalty = 0, FrequencyPenalty = 0, RepetitionWindow = 64, Seed = 7, StopStrings = ['\\u000a', 'User:'], IgnoreEndOfSequence = False }");
        new LoadReport("m.gguf", 12, 3456, ["One.", "Two."]).ToString().ShouldBe("m.gguf: 12 tensors, 3456 bytes of weights\nOne.\nTwo.");
        new GenerationReport(5, 40, 39, TimeSpan.FromMilliseconds(3.125), TimeSpan.FromMilliseconds(20), StopReason.MaxTokens).ToString()
            .ShouldBe("5 prompt tokens in 3.1 ms; 40 generated, 39 decoded in 20.0 ms (1950.0 a second); ended by MaxTokens");
        new DeclaredTrait("Scales", "Residual", 0.25f).ToString().ShouldBe("[Scales] Residual = 0.25");
        new LayerPolicy(0, 5, "sign-bit 1.03").ToString().ShouldBe("layers 0 to 5: sign-bit 1.03");
        using Session session = models.Get(Loaded.ReluF16).CreateSession();
        session.ReadMetrics()[3].ToString().ShouldBe("layer 3: nothing was counted");
        models.Get(Loaded.ReluF16).Shape.ToString().ShouldContain("Policies = [layer 0: sign-bit ");
    }

    private static string InForeignCulture(Func<string?> print)
    {
        CultureInfo before = CultureInfo.CurrentCulture;
        CultureInfo.CurrentCulture = Foreign;
        try
        {
            $"{0.5}".ShouldBe("0,5");
            return print()!;
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }
}
