using SparseInfer.Kernels.Cpu.Tests;

namespace SparseInfer.Models.Tests;

/// <summary>
/// The logits of the real models are those of model-bits.txt, bit for bit, in every mode: on x64 and on ARM, with vectors of every width.
/// </summary>
public sealed class ModelBitsTests(LoadedModels models)
{
    /// <summary>Tokens of the golden text that are decoded one by one.</summary>
    private const int Decoded = 8;

    /// <summary>As in <see cref="GoldenTests"/>.</summary>
    private const float Tolerance = 1e-3f;

    [Fact]
    public void Logits_of_a_prompt_and_of_the_tokens_after_it_have_the_bits_of_the_file_and_the_golden_values()
    {
        var bits = new GoldenBits();
        foreach ((Loaded model, string folder) in new[]
        {
            (Loaded.ReluF16, BundledFiles.ReluFolder),
            (Loaded.ReluF32, BundledFiles.ReluFolder),
            (Loaded.Stories260KF32, BundledFiles.Stories260KFolder),
        })
        {
            GoldenCase golden = GoldenCase.Read(folder)[0];
            foreach (SparsityMode mode in Enum.GetValues<SparsityMode>())
            {
                using Session session = models.Get(model).CreateSession(new SessionOptions { Mode = mode });
                float[] prompt = Logits.Batched(session, golden.Tokens);
                bits.Add($"{model}, {mode}, prompt of {golden.Tokens.Length}", prompt);
                bits.Add($"{model}, {mode}, {Decoded} tokens", Logits.OneByOne(session, golden.GreedyTokens.AsSpan(0, Decoded)));
                if (mode != SparsityMode.Predicted)
                {
                    Logits.MaxDifference(prompt, golden.Logits).ShouldBeLessThanOrEqualTo(Tolerance, $"{model}, {mode}");
                }
            }
        }

        bits.ShouldBeThoseOf("model-bits.txt");
    }
}
