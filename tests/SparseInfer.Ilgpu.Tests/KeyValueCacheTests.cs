#if STANDIN
using System.Runtime.InteropServices;
using SparseInfer.Generators.Tests.Execution;
using SparseInfer.Ilgpu.StandIn;
using SparseInfer.Runtime;

namespace SparseInfer.Ilgpu.Tests;

/// <summary>Sessions' key-value caches on a GPU: their two types, and their pages.</summary>
public sealed class KeyValueCacheTests : IDisposable
{
    private const int Page = KeyValueCache.PagePositions;

    /// <summary>Some hundred roundings in single precision.</summary>
    private const double SingleBound = 2e-5;

    private readonly Device _cpu = Device.Cpu(1);
    private readonly IlgpuDevice _gpu = TestDevice.Open();

    public static MatrixTheoryData<string, KeyValueType> ShapesAndTypes { get; } =
        new(CacheDecoders.Shapes.Select(model => model.Name), Enum.GetValues<KeyValueType>());

    [Theory]
    [MemberData(nameof(ShapesAndTypes))]
    public void HeadsOfEverySizeHaveTheLogitsOfTheCpu(string name, KeyValueType type)
    {
        DecoderCase declared = CacheDecoders.Shapes.Single(model => model.Name == name);
        ShouldBeClose(declared, type, session =>
        {
            float[] prompt = Prompt(session, declared, 0, 41);
            return [.. prompt, .. OneByOne(session, declared, 41, 46)];
        });
    }

    [Theory]
    [InlineData(KeyValueType.F32)]
    [InlineData(KeyValueType.F16)]
    public void APromptOf300TokensAndWhatFollowsAcrossPagesHaveTheLogitsOfTheCpu(KeyValueType type) =>
        ShouldBeClose(CacheDecoders.Paged, type, session =>
        {
            float[] prompt = Prompt(session, CacheDecoders.Paged, 0, 300);
            float[] decoded = OneByOne(session, CacheDecoders.Paged, 300, 304);
            float[] second = Prompt(session, CacheDecoders.Paged, 304, 511);
            return [.. prompt, .. decoded, .. second, .. OneByOne(session, CacheDecoders.Paged, 511, 515)];
        });

    [Theory]
    [InlineData(KeyValueType.F32)]
    [InlineData(KeyValueType.F16)]
    public void WhenTheCacheGrowsAndHowAPromptIsCutChangeNoBit(KeyValueType type) => WithPaged(model =>
    {
        using Session grown = Session(model, type);
        Fill(grown, CacheDecoders.Paged, 0, 600);
        grown.Rewind(0);
        float[] expected = [.. Prompt(grown, CacheDecoders.Paged, 0, 300), .. OneByOne(grown, CacheDecoders.Paged, 300, 303)];
        foreach (int[] cuts in (int[][])[[300], [256, 300], [2, 255, 258, 300]])
        {
            using Session session = Session(model, type);
            var actual = new List<float>();
            int from = 0;
            foreach (int cut in cuts)
            {
                actual.AddRange(Prompt(session, CacheDecoders.Paged, from, cut));
                from = cut;
            }

            actual.AddRange(OneByOne(session, CacheDecoders.Paged, 300, 303));
            ShouldHaveTheBitsOf(expected, [.. actual], string.Join(", ", cuts));
        }

        grown.Rewind(250);
        using Session decoded = Session(model, type);
        Fill(decoded, CacheDecoders.Paged, 0, 250);
        ShouldHaveTheBitsOf(OneByOne(grown, CacheDecoders.Paged, 250, 260), OneByOne(decoded, CacheDecoders.Paged, 250, 260), "one by one");
        return 0;
    });

    [Fact]
    public void ARewoundSessionHasTheBitsOfANewOne() => WithPaged(model =>
    {
        using Session session = Session(model, null);
        Fill(session, CacheDecoders.Paged, 0, 520);
        session.Rewind(255);
        float[] actual = [.. Prompt(session, CacheDecoders.Paged, 300, 310), .. OneByOne(session, CacheDecoders.Paged, 20, 22)];

        using Session anew = Session(model, null);
        Fill(anew, CacheDecoders.Paged, 0, 255);
        float[] expected = [.. Prompt(anew, CacheDecoders.Paged, 300, 310), .. OneByOne(anew, CacheDecoders.Paged, 20, 22)];
        ShouldHaveTheBitsOf(expected, actual, "rewound into the first page");
        return 0;
    });

    [Fact]
    public void ExactIsDenseBitForBitInHalvesToo() => WithPaged(model =>
    {
        float[] Run(SparsityMode mode)
        {
            using Session session = Session(model, KeyValueType.F16, mode);
            return [.. OneByOne(session, CacheDecoders.Paged, 0, 12), .. Prompt(session, CacheDecoders.Paged, 12, 90)];
        }

        ShouldHaveTheBitsOf(Run(SparsityMode.Dense), Run(SparsityMode.Exact), "exact");
        return 0;
    });

    [Theory]
    [InlineData(null, 2)]
    [InlineData(KeyValueType.F16, 2)]
    [InlineData(KeyValueType.F32, 4)]
    public void ASessionTakesMemoryByPagesAsItGrowsAndGivesAllBack(KeyValueType? type, int bytes) => WithPaged(model =>
    {
        DecoderCase declared = CacheDecoders.Paged;
        long before = _gpu.AllocatedBytes;
        Session session = Session(model, type);
        session.CacheType.ShouldBe(type ?? KeyValueType.F16);
        long opened = _gpu.AllocatedBytes;
        long position = declared.Layers * 2L * declared.KeyValueHeads * declared.HeadDimension * bytes;

        // What attention leaves of a split: a weighted sum, a maximum and a total for each head of a batch's 64 tokens.
        long split = 64L * declared.Heads * (declared.HeadDimension + 2) * sizeof(float);
        Fill(session, declared, 0, Page - 1);
        session.Forward([1]);
        _gpu.AllocatedBytes.ShouldBe(opened, "a page has room for 256 tokens");
        session.Forward([1]);
        _gpu.AllocatedBytes.ShouldBe(opened + (Page * position) + split, "the second page");
        Fill(session, declared, Page + 1, declared.Context);
        _gpu.AllocatedBytes.ShouldBe(opened + ((declared.Context - Page) * position) + (2 * split), "the last page ends with the context");
        session.Rewind(0);
        session.Dispose();
        _gpu.AllocatedBytes.ShouldBe(before);

        using Session small = model.CreateSession(new SessionOptions { Context = 10, CacheType = type });
        _gpu.AllocatedBytes.ShouldBe(opened - ((Page - 10) * position) - RopeBytes(declared, declared.Context - 10), "a short context is a short page");
        return 0;
    });

    [Theory]
    [InlineData(1)] // not even one layer
    [InlineData(40_000)]
    [InlineData(70_000)] // one layer, and not the other
    [InlineData(98_000)]
    public void ASessionThatCannotGrowSaysSoAndGoesOnAtItsLength(int room) => WithPaged(model =>
    {
        DecoderCase declared = CacheDecoders.Paged;
        using Session undisturbed = Session(model, null);
        Fill(undisturbed, declared, 0, Page);
        float[] expected = OneByOne(undisturbed, declared, Page, Page + 2);
        long before = _gpu.AllocatedBytes;

        using (Session session = Session(model, null))
        {
            Fill(session, declared, 0, Page);
            StandInControl memory = _gpu.Accelerator.StandIn();
            memory.MemoryLimit = memory.AllocatedBytes + room;
            for (int attempt = 0; attempt < 2; attempt++)
            {
                InsufficientDeviceMemoryException failure =
                    Should.Throw<InsufficientDeviceMemoryException>(() => session.Forward([Token(declared, Page)]));
                failure.Message.ShouldStartWith($"A session at position {Page} of {declared.Context} cannot take 1 more tokens.");
                session.Position.ShouldBe(Page);
            }

            session.Rewind(Page - 1);
            float[] last = session.Forward([Token(declared, Page - 1)]).ToArray();
            session.Rewind(Page - 1);
            undisturbed.Rewind(Page - 1);
            ShouldHaveTheBitsOf(undisturbed.Forward([Token(declared, Page - 1)]).ToArray(), last, "at its old length");

            memory.MemoryLimit = long.MaxValue;
            Prompt(session, declared, Page - 1, Page + 1).Length.ShouldBe(2 * declared.Vocabulary);
            session.Rewind(0);
            Fill(session, declared, 0, Page);
            ShouldHaveTheBitsOf(expected, OneByOne(session, declared, Page, Page + 2), "once there is room");
        }

        _gpu.AllocatedBytes.ShouldBe(before);
        return 0;
    });

    [Fact]
    public void ASessionThatCannotOpenLeavesNothingBehind() => WithPaged(model =>
    {
        long before = _gpu.AllocatedBytes;
        StandInControl memory = _gpu.Accelerator.StandIn();
        long needed;
        using (Session(model, null))
        {
            needed = _gpu.AllocatedBytes - before;
        }

        for (int room = 1; room < needed; room += (int)(needed / 9))
        {
            memory.MemoryLimit = memory.AllocatedBytes + room;
            Should.Throw<InsufficientDeviceMemoryException>(() => Session(model, null)).Message.ShouldContain("SessionOptions.Context");
            _gpu.AllocatedBytes.ShouldBe(before, $"{room} bytes");
        }

        return 0;
    });

    [Theory]
    [InlineData("attn_k")]
    [InlineData("attn_v")]
    public void NumbersBeyondTheLargestHalfLeaveLogitsFinite(string matrix)
    {
        DecoderCase declared = CacheDecoders.Usual;
        var weights = new DecoderWeights(declared);
        foreach (int layer in (int[])[0, 1])
        {
            weights.Scale($"blk.{layer}.{matrix}.weight", 1e6f);
        }

        CacheDecoders.With(declared, weights, _gpu, model =>
        {
            using Session halves = Session(model, KeyValueType.F16);
            using Session floats = Session(model, KeyValueType.F32);
            Prompt(halves, declared, 0, 5).ShouldAllBe(logit => float.IsFinite(logit));
            Prompt(floats, declared, 0, 5).ShouldAllBe(logit => float.IsFinite(logit));
            OneByOne(halves, declared, 5, 7).ShouldAllBe(logit => float.IsFinite(logit));
            return 0;
        });
    }

    [Fact]
    public void ACpuHasNoHalves()
    {
        DecoderCase declared = CacheDecoders.Usual;
        CacheDecoders.With(declared, new DecoderWeights(declared), _cpu, model =>
        {
            NotSupportedException refused = Should.Throw<NotSupportedException>(() => Session(model, KeyValueType.F16));
            refused.Message.ShouldContain("SessionOptions.CacheType = F16");
            refused.Message.ShouldContain("stored in F32 only");
            Should.Throw<ArgumentOutOfRangeException>(() => Session(model, (KeyValueType)7)).Message.ShouldContain("F32, F16");
            using Session asked = Session(model, KeyValueType.F32);
            using Session chosen = Session(model, null);
            asked.CacheType.ShouldBe(KeyValueType.F32);
            chosen.CacheType.ShouldBe(KeyValueType.F32);
            return 0;
        });
    }

    [Theory]
    [InlineData(KeyValueType.F16)]
    [InlineData(KeyValueType.F32)]
    public void AttentionReadsWholeSectors(KeyValueType type)
    {
        DecoderCase declared = CacheDecoders.Usual;
        CacheDecoders.With(declared, new DecoderWeights(declared), _gpu, model =>
        {
            using Session session = Session(model, type);
            Fill(session, declared, 0, 63);
            LaunchCounters[] counted =
                [.. TestDevice.Count(_gpu, () => session.Forward([Token(declared, 63)])).Where(launch => launch.Kernel == $"AttendPart{type}")];
            counted.Length.ShouldBe(declared.Layers);
            foreach (LaunchCounters launch in counted)
            {
                // Two query heads, 64 positions, a key and a value each.
                long bytes = 2 * 64 * 2 * declared.HeadDimension * (type == KeyValueType.F16 ? 2 : 4);
                launch.Memory["cache"].LoadedBytes.ShouldBe(bytes);
                launch.Memory["cache"].LoadedSectors.ShouldBe(bytes / 32);
                launch.Memory["cache"].Loads.ShouldBe(bytes / 512, "16 bytes a lane, every lane");
            }

            return 0;
        });
    }

    public void Dispose()
    {
        _gpu.Dispose();
        _cpu.Dispose();
    }

    /// <summary>
    /// A key or value that is rounded to a half is off by a share of 2^-11 at most. A layer's scores, and with them what it attends to, are
    /// off by that and a few of their own; so are its values. Layers add up.
    /// </summary>
    private static double Bound(DecoderCase declared, KeyValueType type) => type == KeyValueType.F32 ? SingleBound : 4 * declared.Layers / 2048.0;

    private static long RopeBytes(DecoderCase declared, int positions) => positions * declared.RopeDimensions * (long)sizeof(float);

    private static int Token(DecoderCase declared, int i) => ((i * i) + (3 * i) + 1) % declared.Vocabulary;

    private static Session Session(LanguageModel model, KeyValueType? type, SparsityMode mode = SparsityMode.Dense) =>
        model.CreateSession(new SessionOptions { Mode = mode, CacheType = type });

    /// <summary>A prompt of whose logits only the last token's are wanted.</summary>
    private static void Fill(Session session, DecoderCase declared, int from, int to) =>
        session.Forward([.. Enumerable.Range(from, to - from).Select(i => Token(declared, i))]);

    private static float[] Prompt(Session session, DecoderCase declared, int from, int to)
    {
        float[] logits = new float[(to - from) * declared.Vocabulary];
        session.Forward([.. Enumerable.Range(from, to - from).Select(i => Token(declared, i))], logits);
        return logits;
    }

    private static float[] OneByOne(Session session, DecoderCase declared, int from, int to)
    {
        var logits = new List<float>();
        for (int i = from; i < to; i++)
        {
            logits.AddRange(session.Forward([Token(declared, i)]));
        }

        return [.. logits];
    }

    private static void ShouldHaveTheBitsOf(float[] expected, float[] actual, string where) =>
        MemoryMarshal.AsBytes<float>(actual).SequenceEqual(MemoryMarshal.AsBytes<float>(expected)).ShouldBeTrue(where);

    private void ShouldBeClose(DecoderCase declared, KeyValueType type, Func<Session, float[]> run)
    {
        var weights = new DecoderWeights(declared);
        float[] expected = CacheDecoders.With(declared, weights, _cpu, model => Run(model, null));
        float[] actual = CacheDecoders.With(declared, weights, _gpu, model => Run(model, type));
        actual.Length.ShouldBe(expected.Length);
        double worst = expected.Zip(actual, (a, b) => float.IsFinite(b) ? Math.Abs((double)a - b) : double.PositiveInfinity).Max();
        double relative = worst / expected.Max(Math.Abs);
        relative.ShouldBeLessThan(Bound(declared, type), $"{declared.Name}, {type}");
        if (type == KeyValueType.F16)
        {
            relative.ShouldBeGreaterThan(SingleBound, "else nothing was stored in halves");
        }

        float[] Run(LanguageModel model, KeyValueType? asked)
        {
            using Session session = Session(model, asked);
            return run(session);
        }
    }

    private void WithPaged(Func<LanguageModel, int> run) =>
        CacheDecoders.With(CacheDecoders.Paged, new DecoderWeights(CacheDecoders.Paged), _gpu, run);
}
#endif
