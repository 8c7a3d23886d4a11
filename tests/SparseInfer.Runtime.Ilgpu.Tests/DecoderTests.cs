using SparseInfer.Sampling;

namespace SparseInfer.Runtime.Ilgpu.Tests;

/// <summary>Sessions on a device: what goes there, what comes back, and what of it is shared.</summary>
public sealed class DecoderTests
{
    private const int Count = TinyDecoder.Vocabulary * TinyDecoder.Hidden;
    private static readonly float[] Embedding = Numbers.Random(Count, 11);
    private static readonly float[] Head = Numbers.Random(Count, 12);

    [Fact]
    public void Logits_are_those_of_double_precision_whether_tokens_come_alone_or_in_batches()
    {
        using TinyModel model = TinyDecoder.Load(TestDevice.Shared, Embedding, Head);
        using Session session = model.CreateSession();
        int[] tokens = [5, 36, 0, 5, 17, 8, 1]; // two batches and a rest
        float[] all = new float[tokens.Length * TinyDecoder.Vocabulary];
        session.Forward(tokens, all);
        for (int i = 0; i < tokens.Length; i++)
        {
            ShouldBeLogitsOf(tokens[i], all.AsSpan(i * TinyDecoder.Vocabulary, TinyDecoder.Vocabulary));
        }

        session.Rewind(0);
        ShouldBeLogitsOf(1, session.Forward(tokens));
        session.Position.ShouldBe(7);
        ShouldBeLogitsOf(9, session.Forward([9]));
        ShouldBeLogitsOf(12, session.Forward([12]));
    }

    [Fact]
    public void Sessions_share_the_weights_and_disposing_gives_everything_back()
    {
        using IlgpuDevice device = TestDevice.Open();
        TinyModel model = TinyDecoder.Load(device, Embedding, Head);
        long weights = device.AllocatedBytes;
        weights.ShouldBe(2 * TinyDecoder.Vocabulary * 64 * sizeof(float)); // rows of 40 are padded to 64
        Session first = model.CreateSession();
        long session = device.AllocatedBytes - weights;
        session.ShouldBeInRange(1, weights / 8);
        Session second = model.CreateSession();
        device.AllocatedBytes.ShouldBe(weights + (2 * session));
        ShouldBeLogitsOf(3, first.Forward([3]));
        ShouldBeLogitsOf(4, second.Forward([4]));
        first.Dispose();
        model.Dispose();
        ShouldBeLogitsOf(6, second.Forward([6])); // the last user frees the weights
        second.Dispose();
        device.AllocatedBytes.ShouldBe(0);
    }

    [Fact]
    public void The_greedy_token_is_the_samplers_on_ties_too()
    {
        float[] head = [.. Head];
        for (int j = 0; j < TinyDecoder.Hidden; j++)
        {
            head[(7 * TinyDecoder.Hidden) + j] = 10 * Embedding[(3 * TinyDecoder.Hidden) + j]; // the greatest for token 3
        }

        for (int row = 20; row < TinyDecoder.Vocabulary; row++)
        {
            head.AsSpan(7 * TinyDecoder.Hidden, TinyDecoder.Hidden).CopyTo(head.AsSpan(row * TinyDecoder.Hidden));
        }

        using TinyModel model = TinyDecoder.Load(TestDevice.Shared, Embedding, head);
        using DecoderState state = model.Loaded.Program.CreateState(TinyDecoder.Vocabulary, KeyValueType.F32);
        state.TryGreedy(TinyDecoder.Vocabulary, out _).ShouldBeFalse("no token was run");
        var seen = new HashSet<int>();
        for (int token = 0; token < TinyDecoder.Vocabulary; token++)
        {
            Run(state, token);
            foreach (int vocabulary in (int[])[TinyDecoder.Vocabulary, 8, 1])
            {
                // The greatest of all is the greatest of a part that it belongs to; of another the device knows nothing.
                int expected = Greedy(TinyDecoder.Vocabulary).Sample(state.LastLogits);
                state.TryGreedy(vocabulary, out int greedy).ShouldBe(expected < vocabulary);
                if (expected < vocabulary)
                {
                    greedy.ShouldBe(expected);
                    greedy.ShouldBe(Greedy(vocabulary).Sample(state.LastLogits[..vocabulary]));
                }

                seen.Add(expected);
            }
        }

        seen.ShouldContain(7, "where the tied rows are the greatest");
        seen.ShouldNotContain(token => token >= 20);
    }

    [Fact]
    public void Where_a_logit_is_no_number_the_device_names_no_token_and_the_sampler_says_why()
    {
        float[] head = [.. Head];
        float[] embedding = [.. Embedding];
        Array.Fill(embedding, 1e30f, 2 * TinyDecoder.Hidden, TinyDecoder.Hidden);
        Array.Fill(head, 1e30f, 3 * TinyDecoder.Hidden, TinyDecoder.Hidden);
        using TinyModel model = TinyDecoder.Load(TestDevice.Shared, embedding, head);
        using DecoderState state = model.Loaded.Program.CreateState(4, KeyValueType.F32);
        Run(state, 2);
        state.TryGreedy(TinyDecoder.Vocabulary, out _).ShouldBeFalse();
        Should.Throw<InvalidOperationException>(() => Greedy(TinyDecoder.Vocabulary).Sample(state.LastLogits)).Message.ShouldContain("token 3 is infinite");
    }

    [Fact]
    public void Meters_are_added_up_over_warps_and_tokens()
    {
        using TinyModel model = TinyDecoder.Load(TestDevice.Shared, Embedding, Head);
        using Session session = model.CreateSession(new SessionOptions { Metering = true });
        session.Forward([1]);
        session.Forward([2]);
        LayerMetrics layer = session.ReadMetrics().Single();
        layer.Tokens.ShouldBe(2);
        layer.ActualSparsity.ShouldBe(12.0 / 32);
        layer.PredictedSparsity.ShouldBe(8.0 / 32);
        layer.Precision.ShouldBe(0.5);
        layer.Recall.ShouldBe(4.0 / 12);

        // A token: 16 - 4 first rows, and 8 of the matrices after the first.
        layer.BytesPerToken.ShouldBe((100 * (12 + 8)) + 7);
        session.Metering = false;
        session.Forward([3]);
        session.ReadMetrics().Single().Tokens.ShouldBe(2);
        session.ResetMetrics();
        session.ReadMetrics().Single().Tokens.ShouldBe(0);
    }

    [Fact]
    public void Sessions_on_several_threads_take_turns()
    {
        using TinyModel model = TinyDecoder.Load(TestDevice.Shared, Embedding, Head);
        Parallel.For(0, 4, worker =>
        {
            using Session session = model.CreateSession();
            for (int i = 0; i < 5; i++)
            {
                int token = (worker * 7) + i;
                ShouldBeLogitsOf(token, session.Forward([token]));
            }
        });
    }

    private static Sampler Greedy(int vocabulary) => new(new GenerationOptions { Temperature = 0 }, vocabulary);

    private static void Run(DecoderState state, int token) =>
        state.Run([token], new StepOptions(SparsityMode.Dense, IsPrompt: false, SparsePrompt: false, Metering: false, Timing: false), []);

    private static void ShouldBeLogitsOf(int token, ReadOnlySpan<float> logits)
    {
        for (int row = 0; row < TinyDecoder.Vocabulary; row++)
        {
            double expected = 0;
            for (int j = 0; j < TinyDecoder.Hidden; j++)
            {
                expected += (double)Embedding[(token * TinyDecoder.Hidden) + j] * Head[(row * TinyDecoder.Hidden) + j];
            }

            ((double)logits[row]).ShouldBe(expected, 1e-5);
        }
    }
}
