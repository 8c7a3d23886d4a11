namespace SparseInfer.Models.Tests;

/// <summary>Logits and greedy text of both real models, against another implementation in double precision on the stored weights.</summary>
public sealed class GoldenTests(LoadedModels models)
{
    private const float AsStored = 1e-3f;

    /// <summary>What rounding stories260K's F32 weights to F16 costs: 0.0113 measured.</summary>
    private const float Narrowed = 0.015f;

    /// <summary>Models, and the largest logit difference allowed.</summary>
    public static TheoryData<Loaded, float> All => new()
    {
        { Loaded.ReluF16, AsStored },
        { Loaded.ReluF32, AsStored },
        { Loaded.ReluF16Safetensors, AsStored },
        { Loaded.ReluF32Safetensors, AsStored },
        { Loaded.ReluSeveralTypes, AsStored },
        { Loaded.Stories260KF32, AsStored },
        { Loaded.Stories260KF16, Narrowed },
    };

    [Theory]
    [MemberData(nameof(All))]
    public void Logits_match_whether_the_prompt_is_one_batch_or_token_by_token(Loaded model, float tolerance)
    {
        LanguageModel loaded = models.Get(model);
        foreach (GoldenCase golden in Cases(model))
        {
            using Session session = loaded.CreateSession(new SessionOptions { Mode = SparsityMode.Dense });
            float batched = Logits.MaxDifference(Logits.Batched(session, golden.Tokens), golden.Logits);
            session.Rewind(0);
            float oneByOne = Logits.MaxDifference(Logits.OneByOne(session, golden.Tokens), golden.Logits);
            TestContext.Current.TestOutputHelper!.WriteLine($"{model} '{golden.Prompt}': largest difference {batched:E3}, {oneByOne:E3}");
            batched.ShouldBeLessThanOrEqualTo(tolerance, golden.Prompt);
            oneByOne.ShouldBeLessThanOrEqualTo(tolerance, golden.Prompt);
        }
    }

    [Theory]
    [InlineData(Loaded.ReluF16)]
    [InlineData(Loaded.ReluF32)]
    [InlineData(Loaded.ReluF16Safetensors)]
    [InlineData(Loaded.Stories260KF32)]
    [InlineData(Loaded.Stories260KF16)]
    public async Task Greedy_text_matches_word_for_word(Loaded model)
    {
        LanguageModel loaded = models.Get(model);
        foreach (GoldenCase golden in Cases(model))
        {
            using Session session = loaded.CreateSession(new SessionOptions { Mode = SparsityMode.Dense });
            var options = new GenerationOptions { MaxTokens = golden.GreedyTokens.Length, Temperature = 0, IgnoreEndOfSequence = true };
            string text = await session.GenerateAsync(golden.Prompt, options).TextAsync();
            (golden.Prompt + text).ShouldBe(golden.GreedyText);
            session.LastGeneration!.PromptTokens.ShouldBe(golden.Tokens.Length);
            session.LastGeneration.GeneratedTokens.ShouldBe(golden.GreedyTokens.Length);
        }
    }

    [Theory]
    [InlineData(Loaded.ReluF16Safetensors, Loaded.ReluF16)]
    [InlineData(Loaded.ReluF32Safetensors, Loaded.ReluF32)]
    [InlineData(Loaded.ReluSeveralTypes, Loaded.ReluF16)]
    public void The_same_weights_by_another_way_give_the_same_bits(Loaded model, Loaded other)
    {
        foreach (GoldenCase golden in Cases(model))
        {
            using Session session = models.Get(model).CreateSession(new SessionOptions { Mode = SparsityMode.Exact });
            using Session expected = models.Get(other).CreateSession(new SessionOptions { Mode = SparsityMode.Exact });
            int[] tokens = [.. golden.Tokens, .. golden.GreedyTokens];
            Logits.ShouldBeBitIdentical(Logits.Batched(session, tokens), Logits.Batched(expected, tokens), golden.Prompt);
        }
    }

    [Theory]
    [InlineData(Loaded.ReluF16)]
    [InlineData(Loaded.Stories260KF32)]
    public void Prompts_become_the_golden_tokens(Loaded model)
    {
        foreach (GoldenCase golden in Cases(model))
        {
            models.Get(model).Tokenizer.Encode(golden.Prompt, addBeginOfSequence: true).ShouldBe(golden.Tokens);
        }
    }

    [Fact]
    public void A_file_of_mixed_types_computes_what_its_weights_widened_to_f32_do()
    {
        using LanguageModel widened = models.Load(Loaded.ReluMixedFileWidened, threads: 1);
        float largest = 0;
        float toSource = 0;
        foreach (GoldenCase golden in Cases(Loaded.ReluMixedFile))
        {
            using Session session = models.Get(Loaded.ReluMixedFile).CreateSession(new SessionOptions { Mode = SparsityMode.Dense });
            using Session reference = widened.CreateSession(new SessionOptions { Mode = SparsityMode.Dense });
            float[] logits = Logits.Batched(session, golden.Tokens);
            largest = Math.Max(largest, Logits.MaxDifference(logits, Logits.Batched(reference, golden.Tokens)));
            toSource = Math.Max(toSource, Logits.MaxDifference(logits, golden.Logits));
        }

        TestContext.Current.TestOutputHelper!.WriteLine($"largest difference {largest:E3}, to the file before rounding {toSource:E3}");
        largest.ShouldBeLessThanOrEqualTo(AsStored);

        // Q8_0 rounds to one part in 254 of a block's largest weight: 0.1997 measured on these prompts.
        toSource.ShouldBeInRange(0.01f, 0.25f);
    }

    private static GoldenCase[] Cases(Loaded model) => GoldenCase.Read(
        model is Loaded.Stories260KF32 or Loaded.Stories260KF16 ? BundledFiles.Stories260KFolder : BundledFiles.ReluFolder);
}
