using System.Runtime.InteropServices;
using ILGPU;
using ILGPU.Runtime;
using SparseInfer.Kernels.Ilgpu;
using SparseInfer.Runtime;
using SparseInfer.SoftwareCuda.Counting;
using static SparseInfer.Ilgpu.Tests.GpuDecoderTests;

namespace SparseInfer.Ilgpu.Tests;

/// <summary>Sequences that are decoded together, against each of them alone.</summary>
[Collection(nameof(GpuModels))]
public sealed class SequenceTests(GpuModels models)
{
    /// <summary>Which sequences have a token in each step: they join and leave, one, two, three, nine and sixteen of them.</summary>
    private static readonly int[][] Steps =
    [
        [0], [0, 1], [2, 0, 1], [.. Enumerable.Range(0, 9)], [.. Enumerable.Range(0, 16)], [15, 3, 8, 1, 12, 5, 9, 7, 2], [4, 11], [6],
    ];

    /// <summary>Every form of a kernel that sequences share; those of block types take longest to compile, so that one model has both.</summary>
    public static TheoryData<string, SparsityMode> TogetherModels { get; } = new()
    {
        { "Plain", SparsityMode.Dense },
        { "Plain", SparsityMode.Exact },
        { "Plain", SparsityMode.Predicted },
        { "WideHeads", SparsityMode.Predicted },
        { "DoubleRelu", SparsityMode.Predicted },
        { "OddHead", SparsityMode.Exact },
        { "Biased", SparsityMode.Predicted },
        { "HalfSplitOdd", SparsityMode.Exact },
        { "FatThreshold", SparsityMode.Predicted },
        { "Thresholded", SparsityMode.Predicted },
        { "MixedBlocks", SparsityMode.Dense },
        { "Windows", SparsityMode.Dense },
        { "WindowsBetweenUnrotatedLayers", SparsityMode.Exact },
        { "NeverRotated", SparsityMode.Dense },
        { "NormedHeads", SparsityMode.Predicted },
        { "NormedOddHeads", SparsityMode.Dense },
        { "LearnedPositions", SparsityMode.Exact },
        { "LearnedPositionsMixed", SparsityMode.Dense },
        { "Falcon7B", SparsityMode.Predicted },
        { "Falcon40B", SparsityMode.Exact },
        { "BitNet", SparsityMode.Predicted },
        { "EveryBlock", SparsityMode.Predicted },
        { "BitNetWide", SparsityMode.Exact },
        { "BitNetMixed", SparsityMode.Exact },
        { "Mixtral", SparsityMode.Predicted },
        { "SmallThinker", SparsityMode.Exact },
        { "ThresholdedExperts", SparsityMode.Dense },
        { "Cut", SparsityMode.Predicted },
        { "CutOdd", SparsityMode.Exact },
        { "CutMixed", SparsityMode.Dense },
    };

    [Theory]
    [MemberData(nameof(TogetherModels))]
    public void Sequences_that_join_and_leave_have_the_bits_that_they_have_alone(string name, SparsityMode mode)
    {
        LanguageModel model = models.OnGpu(GpuDecoders.Find(name));
        var options = new SessionOptions { Mode = (UserMode)mode, CacheType = mode == SparsityMode.Exact ? KeyValueType.F32 : KeyValueType.F16 };
        using var alone = new Sequences(model, options);
        using var together = new Sequences(model, options);
        using SessionBatch batch = model.CreateBatch();
        int layers = model.Shape.Layers;
        for (int step = 0; step < Steps.Length; step++)
        {
            int[] members = Steps[step];
            int[] tokens = [.. members.Select(i => Token(model.Shape.Vocabulary, (5 * i) + step))];
            batch.Forward([.. members.Select(i => together.All[i])], tokens);
            for (int k = 0; k < members.Length; k++)
            {
                Session session = alone.All[members[k]];
                string where = $"{name}, {mode}, step {step}, sequence {members[k]}";
                ShouldHaveTheBitsOf(session.Forward([tokens[k]]).ToArray(), batch.Logits(k).ToArray(), where);
                StateOf(session).TryGreedy(model.Shape.Vocabulary, out int expected);
                StateOf(together.All[members[k]]).TryGreedy(model.Shape.Vocabulary, out int greedy);
                greedy.ShouldBe(expected, where);
            }
        }

        for (int i = 0; i < alone.All.Count; i++)
        {
            together.All[i].Position.ShouldBe(alone.All[i].Position);
            for (int layer = 0; layer < layers; layer++)
            {
                Cached(together.All[i], layer).SequenceEqual(Cached(alone.All[i], layer)).ShouldBeTrue($"{name}, {mode}, cache of {i}, layer {layer}");
            }
        }
    }

    [Theory]
    [InlineData("EvenSigns")]
    [InlineData("MixedBlocks")]
    public void Sixteen_sequences_read_the_weights_of_one_in_as_many_launches_as_two(string name)
    {
        LanguageModel model = models.OnGpu(GpuDecoders.Find(name));
        using var sequences = new Sequences(model, new SessionOptions { Mode = UserMode.Dense });
        using SessionBatch batch = model.CreateBatch();
        IReadOnlyList<LaunchCounters> one = TestDevice.Count(models.Gpu, () => sequences.All[0].Forward([1]));
        IReadOnlyList<LaunchCounters> two = Counted(2);
        IReadOnlyList<LaunchCounters> sixteen = Counted(16);

        ((double)WeightSectors(sixteen)).ShouldBeLessThanOrEqualTo(1.1 * WeightSectors(one));
        WeightSectors(one).ShouldBeGreaterThan(0);
        sixteen.Select(launch => launch.Kernel).ShouldBe(two.Select(launch => launch.Kernel));

        IReadOnlyList<LaunchCounters> Counted(int count) => TestDevice.Count(
            models.Gpu, () => batch.Forward([.. sequences.All.Take(count)], [.. Enumerable.Range(0, count)]));

        // Matrices alone: a token's row of the embedding is its own.
        static long WeightSectors(IReadOnlyList<LaunchCounters> launches) => launches
            .SelectMany(launch => launch.Memory.Where(part => part.Key is "words" or "scales" || part.Key.Split('+')[0] == "w"))
            .Sum(part => part.Value.LoadedSectors);
    }

    /// <summary>A session's keys and values of a layer, with what the cache has beyond them.</summary>
    private static ReadOnlySpan<byte> Cached(Session session, int layer)
    {
        var state = (IlgpuDecoderState)StateOf(session);
        ArrayView<Words4> view = state.KeyValues.ShouldNotBeNull().View(layer);
        var words = new Words4[view.Length];
        view.CopyToCPU(words);
        return MemoryMarshal.AsBytes<Words4>(words);
    }

    /// <summary>Sixteen sessions, each after another number of tokens.</summary>
    private sealed class Sequences : IDisposable
    {
        public Sequences(LanguageModel model, SessionOptions options)
        {
            All = [.. Enumerable.Range(0, DecoderBatch.MaxStates).Select(_ => model.CreateSession(options))];
            for (int i = 0; i < All.Count; i++)
            {
                if (i % 4 > 0)
                {
                    All[i].Forward([.. Enumerable.Range(0, i % 4).Select(token => Token(model.Shape.Vocabulary, (7 * i) + token))]);
                }
            }
        }

        public IReadOnlyList<Session> All { get; }

        public void Dispose()
        {
            foreach (Session session in All)
            {
                session.Dispose();
            }
        }
    }
}
