using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using SparseInfer.Generators.Tests.Generation;
using static SparseInfer.Generators.Tests.Execution.DecoderRun;

namespace SparseInfer.Generators.Tests.Execution;

/// <summary>What decoders of experts have beside what all decoders are tested for: their meters, their memory, and what they have not.</summary>
public sealed class ExpertDecoderTests
{
    public static TheoryData<string> Models { get; } = [.. DecoderZoo.OfExperts.Select(model => model.Name)];

    [Theory]
    [MemberData(nameof(Models))]
    public void Any_number_of_threads_gives_the_bits_of_one(string name)
    {
        DecoderCase declared = Of(name);
        var weights = new DecoderWeights(declared);
        float[] expected = With(declared, weights, 1, model => Decode(model, SparsityMode.Predicted));
        foreach (int threads in new[] { 2, 3, 5 })
        {
            ShouldHaveTheBitsOf(expected, With(declared, weights, threads, model => Decode(model, SparsityMode.Predicted)), $"{threads} threads");
        }
    }

    /// <summary>A prompt of one token, of as many as a batch, and of more: groups of every size, experts without a token among them.</summary>
    [Theory]
    [MemberData(nameof(Models))]
    public void A_batch_of_any_size_has_the_bits_of_its_tokens_one_by_one(string name)
    {
        DecoderCase declared = Of(name);
        float[][] logits = With(declared, new DecoderWeights(declared), 2, model =>
        {
            float[] decoded = Decode(model, SparsityMode.Dense);
            return new[] { decoded }.Concat(new[] { 1, 2, 5, 64, 65 }.Select(count =>
            {
                using Session session = model.CreateSession(new SessionOptions { Mode = UserMode.Dense });
                float[] all = new float[count * declared.Vocabulary];
                session.Forward([.. Enumerable.Range(0, count).Select(i => Token(declared.Vocabulary, i))], all);
                return all;
            })).ToArray();
        });
        foreach (float[] batch in logits[1..])
        {
            ShouldHaveTheBitsOf(logits[0][..batch.Length], batch, $"{batch.Length / declared.Vocabulary} tokens");
        }
    }

    [Fact]
    public void Meters_count_the_chosen_experts_neurons()
    {
        DecoderCase declared = Of("SmallThinker");
        IReadOnlyList<LayerMetrics> metrics = With(declared, new DecoderWeights(declared), 3, model =>
        {
            using Session session = model.CreateSession(new SessionOptions { Metering = true, Mode = UserMode.Dense });
            for (int i = 0; i < Tokens; i++)
            {
                session.Forward([Token(declared.Vocabulary, i)]);
            }

            return session.ReadMetrics();
        });

        long bytes = (long)declared.ActiveExperts * declared.Intermediate * 3 * declared.Hidden * sizeof(float);
        metrics.ShouldAllBe(layer => layer.Tokens == Tokens && layer.BytesPerToken == bytes && layer.ActualSparsity > 0.3 && layer.ActualSparsity < 0.7);
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void A_step_and_a_prompt_allocate_nothing(string name)
    {
        DecoderCase declared = Of(name);
        int[] prompt = [.. Enumerable.Range(0, 9).Select(i => Token(declared.Vocabulary, i))];
        (long Step, long Prompt) allocated = With(declared, new DecoderWeights(declared), 1, model =>
        {
            using Session session = model.CreateSession(new SessionOptions { Mode = UserMode.Predicted });
            return (Least(session, prompt[..1]), Least(session, prompt));
        });
        allocated.ShouldBe((0, 0));
    }

    [Fact]
    public void Experts_have_no_norm_before_down_and_say_so()
    {
        Diagnostic refused = Refused(GeneratedProject.Compilation((Of("Mixtral") with { Traits = ["[SubNorms]"] }).Source));
        refused.Id.ShouldBe("SPI0043");
        refused.GetMessage().ShouldBe(
            "Nothing is generated for 'Mixtral': the experts' neurons have no norm before down, which [SubNorms] declares; remove [SubNorms] or [Experts]");
    }

    private static Diagnostic Refused(CSharpCompilation project) => GeneratedProject.Driver()
        .RunGenerators(project, TestContext.Current.CancellationToken).GetRunResult().Diagnostics.ShouldHaveSingleItem();

    /// <summary>The least of several runs: once in a while the runtime allocates for itself.</summary>
    private static long Least(Session session, int[] tokens)
    {
        long least = long.MaxValue;
        for (int i = 0; i < 12; i++)
        {
            session.Rewind(0);
            long before = GC.GetAllocatedBytesForCurrentThread();
            session.Forward(tokens);
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        return least;
    }

    private static DecoderCase Of(string name) => DecoderZoo.OfExperts.Single(model => model.Name == name);

    private static T With<T>(DecoderCase declared, DecoderWeights weights, int threads, Func<LanguageModel, T> run)
    {
        using var device = Device.Cpu(threads);
        return DecoderRun.With(weights, path => DecoderZoo.Load(declared, path, device), run);
    }
}
