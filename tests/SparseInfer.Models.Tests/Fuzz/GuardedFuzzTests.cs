using System.Diagnostics;
using System.Globalization;
using Models;
using SparseInfer.Files;
using SparseInfer.Runtime.Tests.Files;

namespace SparseInfer.Models.Tests;

/// <summary>
/// Damaged files of a tiny model, opened, loaded and run in memory that ends at an inaccessible page: each works, or gives the one
/// exception, and none reads past its end. The seeds are fixed. <c>SPARSEINFER_FUZZ_SECONDS=600</c> goes on with further seeds for so long.
/// </summary>
public sealed unsafe class GuardedFuzzTests(LoadedModels models) : IDisposable
{
    private static readonly int FuzzSeconds =
        int.TryParse(Environment.GetEnvironmentVariable("SPARSEINFER_FUZZ_SECONDS"), CultureInfo.InvariantCulture, out int seconds) ? seconds : 0;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_byte_after_the_last_is_out_of_reach()
    {
        using var memory = new GuardedBuffer(10_000);
        byte* start = memory.Place("some bytes"u8);
        new ReadOnlySpan<byte>(start, 10).SequenceEqual("some bytes"u8).ShouldBeTrue();
        (start + 10 == memory.Guard).ShouldBeTrue();

        // The operating system says whether it may be read; trying it would end the process.
        using FileStream file = File.Create(_folder.At("out"));
        RandomAccess.Write(file.SafeFileHandle, new ReadOnlySpan<byte>(start, 10), 0);
        nint guard = (nint)memory.Guard;
        Should.Throw<IOException>(() => RandomAccess.Write(file.SafeFileHandle, new ReadOnlySpan<byte>((byte*)guard, 1), 0));
    }

    [Theory]
    [InlineData(WeightType.F16, 5000)]
    [InlineData(WeightType.Q8_0, 5000)]
    [InlineData(WeightType.Q4_0, 5000)]
    [InlineData(WeightType.BF16, 5000)]
    [InlineData(WeightType.F32, 5000)]
    public void Damaged_gguf_files_load_or_give_the_one_error(WeightType type, int count) => Fuzz(TinyFiles.Gguf(type), (int)type, count);

    [Theory]
    [InlineData(WeightType.F16, 5000)]
    [InlineData(WeightType.Q8_0, 5000)]
    [InlineData(WeightType.Q4_0, 5000)]
    public void Damaged_prepared_files_load_or_give_the_one_error(WeightType type, int count)
    {
        File.WriteAllBytes(_folder.At("source.gguf"), TinyFiles.Gguf(type));
        using (ModelFile source = ModelFile.Open(_folder.At("source.gguf")))
        {
            ModelPreparation.Write(source, _folder.At("prepared.gguf"));
        }

        Fuzz(File.ReadAllBytes(_folder.At("prepared.gguf")), 10 + (int)type, count);
    }

    [Theory]
    [InlineData(WeightType.F16, 5000)]
    [InlineData(WeightType.F32, 5000)]
    public void Damaged_safetensors_load_or_give_the_one_error(WeightType type, int count)
    {
        byte[] file = TinyFiles.Safetensors(type);
        int header = 8 + (int)BitConverter.ToUInt64(file);
        Fuzz(new Mutator(file, header, [(0, 8)]), "mutated.safetensors", file.Length, 20 + (int)type, count);
    }

    private void Fuzz(byte[] file, int kind, int count)
    {
        var fields = new GgufFields(file);
        Fuzz(new Mutator(file, fields.HeaderLength, fields.All), "mutated.gguf", file.Length, kind, count);
    }

    private void Fuzz(Mutator mutator, string name, int length, int kind, int count)
    {
        using var memory = new GuardedBuffer(2 * length);
        (bool loads, bool hasText) = Attempt(memory, mutator.Bytes, name, seed: -1);
        (loads, hasText).ShouldBe((true, name.EndsWith(".gguf", StringComparison.Ordinal)));
        int loaded = 0;
        int withText = 0;
        var clock = Stopwatch.StartNew();
        int runs = 0;
        for (; runs < count || clock.Elapsed.TotalSeconds < FuzzSeconds; runs++)
        {
            int seed = (kind * 10_000_000) + runs;
            mutator.Mutate(new Random(seed));
            (loads, hasText) = Attempt(memory, mutator.Bytes, name, seed);
            loaded += loads ? 1 : 0;
            withText += hasText ? 1 : 0;
        }

        // All outcomes must occur, or the mutations are too mild or too coarse to find anything. JSON forgives little.
        TestContext.Current.TestOutputHelper!.WriteLine($"{runs} files in {clock.Elapsed.TotalSeconds:F1} s: {loaded} loaded, {withText} with text");
        loaded.ShouldBeInRange(runs / 200, runs * 9 / 10);
    }

    private (bool Loads, bool HasText) Attempt(GuardedBuffer memory, ReadOnlySpan<byte> bytes, string name, int seed)
    {
        try
        {
            var region = new FileRegion(name, memory.Place(bytes), bytes.Length);
            using Tiny model = Tiny.Load(ModelFile.Open(region), models.Device(threads: 1));
            foreach (string note in model.LoadReport.Notes)
            {
                HostileText.ShouldBeHarmless(note, $"seed {seed}");
            }

            Run(model);
            return (true, model.HasTokenizer);
        }
        catch (ModelFormatException error)
        {
            error.Message.ShouldStartWith(name);
            HostileText.ShouldBeHarmless(error.Message, $"seed {seed}");
            return (false, false);
        }
        catch (Exception error) when (error is not ShouldAssertException)
        {
            throw new ShouldAssertException($"Seed {seed} gave {error.GetType().Name}: {error.Message}", error);
        }
    }

    private static void Run(Tiny model)
    {
        using Session session = model.CreateSession();
        foreach (SparsityMode mode in Enum.GetValues<SparsityMode>())
        {
            session.Rewind(0);
            session.Mode = mode;
            session.Forward([1, 262, 268]);
            session.Forward([271]);
        }

        if (!model.HasTokenizer)
        {
            return;
        }

        int[] tokens = model.Tokenizer.Encode("abc é <|end|> \u0001", addBeginOfSequence: true);
        tokens.ShouldAllBe(token => token >= 0 && token < 272);
        model.Tokenizer.Decode(tokens);
        model.Tokenizer.Decode([.. Enumerable.Range(0, model.Tokenizer.VocabularySize)]);
    }
}
