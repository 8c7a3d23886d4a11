using System.Runtime.InteropServices;

namespace SparseInfer.Generators.Tests.Execution;

/// <summary>How tests run a decoder: always the same tokens, as a prompt or one by one.</summary>
internal static class DecoderRun
{
    /// <summary>More than a batch of prompt tokens.</summary>
    public const int Tokens = 70;

    /// <summary>Runs something with a model whose file has the weights.</summary>
    public static T With<T>(DecoderWeights weights, Func<string, LanguageModel> load, Func<LanguageModel, T> run)
    {
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName() + ".gguf");
        try
        {
            weights.Save(path);
            using LanguageModel model = load(path);
            return run(model);
        }
        finally
        {
            File.Delete(path);
        }
    }

    /// <summary>All tokens as a prompt.</summary>
    /// <returns>The logits of each.</returns>
    public static float[] Prompt(LanguageModel model, SparsityMode mode, bool sparsePrompt = true)
    {
        sparsePrompt &= mode != SparsityMode.Dense;
        using Session session = model.CreateSession(new SessionOptions { Mode = (UserMode)mode, SparsePrompt = sparsePrompt });
        float[] logits = new float[Tokens * model.Shape.Vocabulary];
        session.Forward([.. Enumerable.Range(0, Tokens).Select(i => Token(model.Shape.Vocabulary, i))], logits);
        return logits;
    }

    /// <summary>One token after the other.</summary>
    /// <returns>The logits of each.</returns>
    public static float[] Decode(LanguageModel model, SparsityMode mode, bool metering = false)
    {
        using Session session = model.CreateSession(new SessionOptions { Mode = (UserMode)mode, Metering = metering });
        var logits = new List<float>();
        for (int i = 0; i < Tokens; i++)
        {
            logits.AddRange(session.Forward([Token(model.Shape.Vocabulary, i)]));
        }

        return [.. logits];
    }

    /// <summary>Which of sixteen sequences have a token in each step of <see cref="Sequences"/>: they join and leave.</summary>
    private static readonly int[][] Steps =
    [
        [0], [0, 1], [2, 0, 1], [.. Enumerable.Range(0, 9)], [.. Enumerable.Range(0, 16)], [15, 3, 8, 1, 12, 5, 9, 7, 2], [4, 11], [6], [13, 14, 2, 0, 10],
    ];

    /// <summary>Sixteen sequences that join and leave, each after another number of tokens.</summary>
    /// <param name="together">Whether those of a step are decoded together, or each alone.</param>
    /// <returns>The logits of each step's, in their order.</returns>
    public static float[] Sequences(LanguageModel model, SparsityMode mode, bool together)
    {
        Session[] sessions = [.. Steps[4].Select(i => model.CreateSession(new SessionOptions { Mode = (UserMode)mode, Context = 9 + (i % 4) }))];
        using SessionBatch batch = model.CreateBatch();
        var logits = new List<float>();
        try
        {
            for (int i = 0; i < sessions.Length; i++)
            {
                if (i % 4 > 0)
                {
                    sessions[i].Forward([.. Enumerable.Range(0, i % 4).Select(token => Token(model.Shape.Vocabulary, (7 * i) + token))]);
                }
            }

            for (int step = 0; step < Steps.Length; step++)
            {
                int[] tokens = [.. Steps[step].Select(i => Token(model.Shape.Vocabulary, (5 * i) + step))];
                Session[] members = [.. Steps[step].Select(i => sessions[i])];
                if (together)
                {
                    batch.Forward(members, tokens);
                }

                for (int k = 0; k < members.Length; k++)
                {
                    logits.AddRange(together ? batch.Logits(k) : members[k].Forward([tokens[k]]));
                }
            }
        }
        finally
        {
            Array.ForEach(sessions, session => session.Dispose());
        }

        return [.. logits];
    }

    /// <summary>The token at a position.</summary>
    public static int Token(int vocabulary, int i) => ((i * i) + (3 * i) + 1) % vocabulary;

    /// <summary>
    /// Requires what a policy chooses to be the same with one thread and with many, in a sparse prompt, in a metered run and beside other sequences; and Exact, and
    /// prompts that are not sparse, to have the bits of Dense.
    /// </summary>
    /// <param name="name">For messages.</param>
    /// <param name="one">A device of one thread.</param>
    /// <param name="many">A device of several.</param>
    /// <param name="with">Calls something with a model of a device.</param>
    public static void ShouldHaveOneSetOfBits(string name, Device one, Device many, Action<Device, Action<LanguageModel>> with)
    {
        (float[] dense, float[] predicted, float[] alone) = ([], [], []);
        with(one, model => (dense, predicted, alone) = (
            Decode(model, SparsityMode.Dense), Decode(model, SparsityMode.Predicted), Sequences(model, SparsityMode.Predicted, together: false)));
        predicted.ShouldNotBe(dense);
        with(many, model =>
        {
            ShouldHaveTheBitsOf(dense, Decode(model, SparsityMode.Dense), $"{name}, dense");
            ShouldHaveTheBitsOf(dense, Decode(model, SparsityMode.Exact), $"{name}, exact");
            ShouldHaveTheBitsOf(dense, Prompt(model, SparsityMode.Dense), $"{name}, dense prompt");
            ShouldHaveTheBitsOf(dense, Prompt(model, SparsityMode.Predicted, sparsePrompt: false), $"{name}, prompt");
            ShouldHaveTheBitsOf(predicted, Decode(model, SparsityMode.Predicted), name);
            ShouldHaveTheBitsOf(predicted, Decode(model, SparsityMode.Predicted, metering: true), $"{name}, metered");
            ShouldHaveTheBitsOf(predicted, Prompt(model, SparsityMode.Predicted), $"{name}, sparse prompt");
            ShouldHaveTheBitsOf(alone, Sequences(model, SparsityMode.Predicted, together: true), $"{name}, together");
        });
    }

    /// <summary>Requires equal logits, bit for bit.</summary>
    public static void ShouldHaveTheBitsOf(float[] expected, float[] actual, string where)
    {
        ReadOnlySpan<int> a = MemoryMarshal.Cast<float, int>(expected);
        ReadOnlySpan<int> b = MemoryMarshal.Cast<float, int>(actual);
        int same = a.CommonPrefixLength(b);
        if (same != a.Length || same != b.Length)
        {
            Assert.Fail($"{where}: logit {same} of {expected.Length} is {actual[same]} for {expected[same]}");
        }
    }
}
