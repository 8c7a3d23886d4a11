using System.Runtime.InteropServices;
using SparseInfer.Generators.Tests.Execution;
using SparseInfer.Runtime;
using SparseInfer.SoftwareCuda;
using SparseInfer.SoftwareCuda.Counting;

namespace SparseInfer.Ilgpu.Tests;

/// <summary>Sessions' key-value caches on a GPU: their two types, and their pages.</summary>
[Collection(nameof(GpuModels))]
public sealed class KeyValueCacheTests(GpuModels models)
{
    private const int Page = KeyValueCache.PagePositions;

    /// <summary>Some hundred roundings in single precision.</summary>
    private const double SingleBound = 2e-5;

    private static readonly DecoderCase Paged = GpuDecoders.Grouped;

    public static MatrixTheoryData<string, KeyValueType> ShapesAndTypes { get; } =
        new(CacheDecoders.Shapes.Select(model => model.Name), [KeyValueType.F32, KeyValueType.F16]);

    [Theory]
    [MemberData(nameof(ShapesAndTypes))]
    public void Heads_of_every_size_have_the_logits_of_the_cpu(string name, KeyValueType type)
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
    public void A_prompt_of_300_tokens_and_what_follows_across_pages_have_the_logits_of_the_cpu(KeyValueType type) =>
        ShouldBeClose(Paged, type, session =>
        {
            float[] prompt = Prompt(session, Paged, 0, 300);
            float[] decoded = OneByOne(session, Paged, 300, 304);
            float[] second = Prompt(session, Paged, 304, 511);
            return [.. prompt, .. decoded, .. second, .. OneByOne(session, Paged, 511, 515)];
        });

    [Fact]
    public void When_the_cache_grows_and_how_a_prompt_is_cut_change_no_bit()
    {
        LanguageModel model = models.OnGpu(Paged);
        using Session grown = Session(model, null);
        Fill(grown, Paged, 0, 270);
        grown.Rewind(0);
        float[] expected = [.. Prompt(grown, Paged, 0, 270), .. OneByOne(grown, Paged, 270, 273)];
        foreach (int[] cuts in (int[][])[[256, 270], [2, 255, 258, 270]])
        {
            using Session session = Session(model, null);
            var actual = new List<float>();
            int from = 0;
            foreach (int cut in cuts)
            {
                actual.AddRange(Prompt(session, Paged, from, cut));
                from = cut;
            }

            actual.AddRange(OneByOne(session, Paged, 270, 273));
            ShouldHaveTheBitsOf(expected, [.. actual], string.Join(", ", cuts));
        }

        grown.Rewind(250);
        using Session decoded = Session(model, null);
        Fill(decoded, Paged, 0, 250);
        ShouldHaveTheBitsOf(OneByOne(grown, Paged, 250, 260), OneByOne(decoded, Paged, 250, 260), "one by one");
    }

    [Fact]
    public void A_rewound_session_has_the_bits_of_a_new_one()
    {
        LanguageModel model = models.OnGpu(Paged);
        using Session session = Session(model, null);
        Fill(session, Paged, 0, 270);
        session.Rewind(255);
        float[] actual = [.. Prompt(session, Paged, 300, 310), .. OneByOne(session, Paged, 20, 22)];

        using Session anew = Session(model, null);
        Fill(anew, Paged, 0, 255);
        float[] expected = [.. Prompt(anew, Paged, 300, 310), .. OneByOne(anew, Paged, 20, 22)];
        ShouldHaveTheBitsOf(expected, actual, "rewound into the first page");
    }

    [Fact]
    public void Exact_is_dense_bit_for_bit_in_halves_too()
    {
        LanguageModel model = models.OnGpu(Paged);
        float[] Run(SparsityMode mode)
        {
            using Session session = Session(model, KeyValueType.F16, mode);
            return [.. OneByOne(session, Paged, 0, 12), .. Prompt(session, Paged, 12, 90)];
        }

        ShouldHaveTheBitsOf(Run(SparsityMode.Dense), Run(SparsityMode.Exact), "exact");
    }

    [Theory]
    [InlineData(null, 2)]
    [InlineData(KeyValueType.F32, 4)]
    public void A_session_takes_memory_by_pages_as_it_grows_and_gives_all_back(KeyValueType? type, int bytes)
    {
        const int Context = Page + 44;
        LanguageModel model = models.OnGpu(Paged);
        var options = new SessionOptions { Context = Context, CacheType = type };
        model.CreateSession(options).Dispose(); // what sessions share comes with the first
        long before = models.Gpu.AllocatedBytes;
        Session session = model.CreateSession(options);
        session.CacheType.ShouldBe(type ?? KeyValueType.F16);
        long opened = models.Gpu.AllocatedBytes;
        Fill(session, Paged, 0, Page - 1);
        session.Forward([1]);
        models.Gpu.AllocatedBytes.ShouldBe(opened, "a page has room for 256 tokens");

        // What attention leaves of a split: a weighted sum, a maximum and a total for each head of a batch's 64 tokens.
        long split = 64L * Paged.Heads * (Paged.HeadDimension + 2) * sizeof(float);
        long position = Paged.Layers * 2L * Paged.KeyValueHeads * Paged.HeadDimension * bytes;
        session.Forward([1]);
        models.Gpu.AllocatedBytes.ShouldBe(opened + ((Context - Page) * position) + split, "the second page ends with the context");
        session.Rewind(0);
        session.Dispose();
        models.Gpu.AllocatedBytes.ShouldBe(before);
    }

    [Fact]
    public void A_first_page_is_no_longer_than_the_context()
    {
        LanguageModel model = models.OnGpu(Paged);
        long Taken(int context, KeyValueType type)
        {
            long before = models.Gpu.AllocatedBytes;
            using Session session = model.CreateSession(new SessionOptions { Context = context, CacheType = type });
            return models.Gpu.AllocatedBytes - before;
        }

        // What sessions share is there from the first that is long enough.
        Taken(600, KeyValueType.F16);
        long position = Paged.Layers * 2L * Paged.KeyValueHeads * Paged.HeadDimension * 2;
        (Taken(10, KeyValueType.F32) - Taken(10, KeyValueType.F16)).ShouldBe(10 * position);
        (Taken(Page, KeyValueType.F32) - Taken(Page, KeyValueType.F16)).ShouldBe(Page * position);
        (Taken(600, KeyValueType.F32) - Taken(600, KeyValueType.F16)).ShouldBe(Page * position);
    }

    [Fact]
    public void A_session_that_cannot_grow_says_so_and_goes_on_at_its_length()
    {
        LanguageModel model = models.OnGpu(Paged);
        using Session undisturbed = Session(model, null);
        Fill(undisturbed, Paged, 0, Page - 1);
        float[] expected = OneByOne(undisturbed, Paged, Page - 1, Page + 2);
        long before = models.Gpu.AllocatedBytes;

        // Not even one layer; one, and not the other; both, and not what attention leaves of splits.
        foreach (int room in (int[])[1, 40_000, 60_000])
        {
            using Session session = Session(model, null);
            Fill(session, Paged, 0, Page - 1);
            OneByOne(session, Paged, Page - 1, Page);
            SoftwareCudaContext driver = SoftwareCudaContext.Of(models.Gpu);
            driver.Faults.MemoryLimit = driver.AllocatedBytes + room;
            for (int attempt = 0; attempt < 2; attempt++)
            {
                InsufficientDeviceMemoryException failure =
                    Should.Throw<InsufficientDeviceMemoryException>(() => session.Forward([Token(Paged, Page)]));
                failure.Message.ShouldStartWith($"A session at position {Page} of {Paged.Context} has no room for one more token.");
                session.Position.ShouldBe(Page);
            }

            session.Rewind(Page - 1);
            float[] again = OneByOne(session, Paged, Page - 1, Page);
            driver.Faults.MemoryLimit = null;
            ShouldHaveTheBitsOf(expected, [.. again, .. OneByOne(session, Paged, Page, Page + 2)], $"{room} bytes");
        }

        models.Gpu.AllocatedBytes.ShouldBe(before);
    }

    [Fact]
    public void A_session_that_cannot_open_leaves_nothing_behind()
    {
        LanguageModel model = models.OnGpu(Paged);
        Session(model, null).Dispose(); // what sessions share comes with the first
        long before = models.Gpu.AllocatedBytes;
        SoftwareCudaContext driver = SoftwareCudaContext.Of(models.Gpu);
        long needed;
        using (Session(model, null))
        {
            needed = models.Gpu.AllocatedBytes - before;
        }

        for (int room = 1; room < needed; room += (int)(needed / 9))
        {
            driver.Faults.MemoryLimit = driver.AllocatedBytes + room;
            Should.Throw<InsufficientDeviceMemoryException>(() => Session(model, null)).Message.ShouldContain("SessionOptions.Context");
            driver.Faults.MemoryLimit = null;
            models.Gpu.AllocatedBytes.ShouldBe(before, $"{room} bytes");
        }
    }

    [Theory]
    [InlineData("attn_k")]
    [InlineData("attn_v")]
    public void Numbers_beyond_the_largest_half_leave_logits_finite(string matrix)
    {
        DecoderCase declared = CacheDecoders.Usual;
        var weights = new DecoderWeights(declared);
        foreach (int layer in (int[])[0, 1])
        {
            weights.Scale($"blk.{layer}.{matrix}.weight", 1e6f);
        }

        GpuDecoders.With(declared, weights, models.Gpu, model =>
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
    public void A_gpu_has_no_blocks_and_says_what_it_has()
    {
        LanguageModel model = models.OnGpu(Paged);
        NotSupportedException refused = Should.Throw<NotSupportedException>(() => Session(model, KeyValueType.Q8_0));
        refused.Message.ShouldContain("SessionOptions.CacheType = Q8_0");
        refused.Message.ShouldContain("stored in F16 or F32 only");
        Should.Throw<ArgumentOutOfRangeException>(() => Session(model, (KeyValueType)7)).Message.ShouldContain("F32, F16, Q8_0");
    }

    [Theory]
    [InlineData(null)]
    [InlineData(KeyValueType.F32)]
    [InlineData(KeyValueType.F16)]
    [InlineData(KeyValueType.Q8_0)]
    public void A_cpu_has_every_type_and_single_precision_unasked(KeyValueType? type)
    {
        using Session session = Session(models.OnCpu(Paged), type);
        session.CacheType.ShouldBe(type ?? KeyValueType.F32);
    }

    [Theory]
    [InlineData(KeyValueType.F16)]
    [InlineData(KeyValueType.F32)]
    public void Attention_reads_whole_sectors(KeyValueType type)
    {
        DecoderCase declared = CacheDecoders.Usual;
        using Session session = Session(models.OnGpu(declared), type);
        Fill(session, declared, 0, 63);
        LaunchCounters[] counted =
            [.. TestDevice.Count(models.Gpu, () => session.Forward([Token(declared, 63)])).Where(launch => launch.Kernel == $"AttendPart{type}")];
        counted.Length.ShouldBe(declared.Layers);
        foreach (LaunchCounters launch in counted)
        {
            // Two query heads, 64 positions, a key and a value each.
            long bytes = 2 * 64 * 2 * declared.HeadDimension * (type == KeyValueType.F16 ? 2 : 4);
            launch.Memory["cache"].LoadedBytes.ShouldBe(bytes);
            (launch.Memory["cache"].LoadedSectors * 32.0 / bytes).ShouldBeInRange(1, 1.02);
        }
    }

    /// <summary>
    /// A key or value that is rounded to a half is off by a share of 2^-11 at most. A layer's scores, and with them what it attends to, are
    /// off by that and a few of their own; so are its values. Layers add up.
    /// </summary>
    private static double Bound(DecoderCase declared, KeyValueType type) => type == KeyValueType.F32 ? SingleBound : 4 * declared.Layers / 2048.0;

    private static int Token(DecoderCase declared, int i) => ((i * i) + (3 * i) + 1) % declared.Vocabulary;

    private static Session Session(LanguageModel model, KeyValueType? type, SparsityMode mode = SparsityMode.Dense) =>
        model.CreateSession(new SessionOptions { Mode = (UserMode)mode, CacheType = type });

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
        float[] expected = Run(models.OnCpu(declared), null);
        float[] actual = Run(models.OnGpu(declared), type);
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
}
