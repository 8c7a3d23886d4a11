using System.Text;
using System.Text.RegularExpressions;
using SparseInfer.Files;

namespace SparseInfer.Runtime.Tests.Files;

/// <summary>Thousands of damaged bundled models: each opens or gives the one exception, and allocates no more than its size.</summary>
public sealed class MutationTests
{
    /// <summary>What an open may allocate besides the file's size: the exception, and readers' buffers.</summary>
    private const long FixedAllocation = 64 << 10;

    [Fact]
    public void Five_thousand_mutations_of_the_bundled_gguf_open_or_give_the_one_error()
    {
        byte[] file = File.ReadAllBytes(TestModels.StoriesReluGguf);
        var fields = new GgufFields(file);
        var mutator = new Mutator(file, fields.HeaderLength, fields.All) { ShareOfShifts = 0.2 };
        Run(mutator, "mutated.gguf", firstSeed: 0, count: 5000);
    }

    [Fact]
    public void Five_thousand_mutations_of_the_bundled_gguf_with_short_tensors_open_or_give_the_one_error()
    {
        byte[] file = ShortGguf();
        var fields = new GgufFields(file);
        Run(new Mutator(file, fields.HeaderLength, fields.All), "mutated.gguf", firstSeed: 5000, count: 5000);
    }

    [Fact]
    public void A_few_hundred_mutations_read_from_disk_open_or_give_the_one_error()
    {
        using var folder = new TemporaryFolder();
        byte[] file = ShortGguf();
        var fields = new GgufFields(file);
        var mutator = new Mutator(file, fields.HeaderLength, fields.All);
        for (int seed = 10000; seed < 10300; seed++)
        {
            mutator.Mutate(new Random(seed));
            string path = folder.Write("mutated.gguf", mutator.Bytes);
            Attempt(() => ModelFile.Open(path), path, mutator.Bytes.Length, seed);
        }
    }

    [Fact]
    public void Five_hundred_mutations_of_the_bundled_safetensors_open_or_give_the_one_error()
    {
        byte[] file = File.ReadAllBytes(TestModels.StoriesReluSafetensors);
        int headerLength = 8 + (int)BitConverter.ToUInt64(file);
        Run(new Mutator(file, headerLength, [(0, 8)]) { ShareOfShifts = 0.2 }, "mutated.safetensors", firstSeed: 20000, count: 500);
    }

    [Fact]
    public void Fifteen_hundred_mutations_of_a_short_safetensors_open_or_give_the_one_error()
    {
        byte[] file = ShortSafetensors();
        int headerLength = 8 + (int)BitConverter.ToUInt64(file);
        Run(new Mutator(file, headerLength, [(0, 8)]), "mutated.safetensors", firstSeed: 21000, count: 1500);
    }

    /// <summary>Changed bytes rarely leave a header JSON, so here every number of it in turn is made a lie.</summary>
    [Theory]
    [InlineData("0")]
    [InlineData("1")]
    [InlineData("-1")]
    [InlineData("2147483648")]
    [InlineData("9223372036854775807")]
    [InlineData("18446744073709551616")]
    [InlineData("1e3")]
    [InlineData("null")]
    [InlineData("[0]")]
    public void Every_number_of_a_safetensors_header_may_lie(string lie)
    {
        byte[] file = ShortSafetensors();
        int headerLength = (int)BitConverter.ToUInt64(file);
        string header = Encoding.UTF8.GetString(file, 8, headerLength);
        int refused = 0;
        var numbers = Regex.Matches(header, @"(?<=[\[ ])\d+");
        foreach (Match number in numbers)
        {
            string lying = header[..number.Index] + lie + header[(number.Index + number.Length)..];
            byte[] changed = RawSafetensors.Build(lying, file.Length - 8 - headerLength);
            if (!Attempt(() => TestModels.Open(changed, "mutated.safetensors"), "mutated.safetensors", 2 * changed.Length, number.Index))
            {
                refused++;
            }
        }

        int sound = numbers.Count(number => number.Value == lie);
        refused.ShouldBe(numbers.Count - sound);
    }

    [Fact]
    public void A_thousand_mutations_of_a_config_and_of_an_index_open_or_give_the_one_error()
    {
        using var folder = new TemporaryFolder();
        byte[] config = File.ReadAllBytes(Path.Combine(TestModels.StoriesRelu, "config.json"));
        byte[] index = """{"metadata": {"total_size": 4}, "weight_map": {"a": "s.safetensors", "b": "s.safetensors"}}"""u8.ToArray();
        folder.Write("s.safetensors", RawSafetensors.Build(
            $"{{{RawSafetensors.Tensor("a", "F32", "[1]", 0, 4)}, {RawSafetensors.Tensor("b", "F32", "[1]", 4, 8)}}}", 8));
        foreach (var (name, original) in new[] { ("config.json", config), ("model.safetensors.index.json", index) })
        {
            folder.Write("config.json", config);
            folder.Write("model.safetensors.index.json", index);
            ModelFile.Open(folder.Root).Dispose(); // what is built once is built
            var mutator = new Mutator(original, original.Length, []);
            for (int seed = 30000; seed < 30500; seed++)
            {
                mutator.Mutate(new Random(seed));
                folder.Write(name, mutator.Bytes);
                Attempt(() => ModelFile.Open(folder.Root), folder.Root, mutator.Bytes.Length, seed);
            }
        }
    }

    private static void Run(Mutator mutator, string name, int firstSeed, int count)
    {
        mutator.Open(name).Dispose(); // the sound file opens, and what is built once is built
        int opened = 0;
        for (int seed = firstSeed; seed < firstSeed + count; seed++)
        {
            mutator.Mutate(new Random(seed));
            if (Attempt(() => mutator.Open(name), name, mutator.Bytes.Length, seed))
            {
                opened++;
            }
        }

        // Both outcomes must occur often, or the mutations are too mild or too coarse to find anything. JSON forgives little.
        opened.ShouldBeInRange(count / 100, count * 9 / 10);
    }

    /// <summary>True when the file opened, and then everything in it could be reached.</summary>
    private static bool Attempt(Func<ModelFile> open, string path, long length, int seed)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            using var model = open();
            CheckAllocation(before, length, seed);
            Exercise(model);
            return true;
        }
        catch (ModelFormatException e)
        {
            CheckAllocation(before, length, seed);
            e.Message.ShouldContain(path);
            e.Message.Length.ShouldBeLessThan(path.Length + 600);
            return false;
        }
        catch (Exception e) when (e is not ShouldAssertException)
        {
            throw new ShouldAssertException($"Seed {seed} gave {e.GetType().Name}: {e.Message}", e);
        }
    }

    private static void CheckAllocation(long before, long length, int seed) =>
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBeLessThanOrEqualTo(length + FixedAllocation, $"seed {seed}");

    private static unsafe void Exercise(ModelFile model)
    {
        int sum = 0;
        foreach (var tensor in model.Tensors.Where(tensor => tensor.ByteLength > 0))
        {
            tensor.Bytes.Length.ShouldBe((int)tensor.ByteLength);
            byte* start = (byte*)tensor.Address;
            sum += start[0] + start[tensor.ByteLength - 1];
        }

        GC.KeepAlive(sum);
        foreach (string key in model.Metadata.Keys)
        {
            try
            {
                DecodeAll(model.Metadata, key).ShouldBeTrue(key);
            }
            catch (ModelFormatException e)
            {
                e.Message.ShouldContain("metadata key");
            }
        }
    }

    /// <summary>Asks for the value as everything; a known key is at least something.</summary>
    private static bool DecodeAll(ModelMetadata metadata, string key)
    {
        bool any = metadata.TryGetString(key, out _);
        any |= metadata.TryGetInt64(key, out _);
        any |= metadata.TryGetDouble(key, out _);
        any |= metadata.TryGetBoolean(key, out _);
        any |= metadata.TryGetStringArray(key, out _);
        any |= metadata.TryGetSingleArray(key, out _);
        any |= metadata.TryGetInt32Array(key, out _);
        return any || metadata.Describe(key)!.Contains("array");
    }

    /// <summary>The bundled GGUF with all its keys and tensors, but two rows a matrix.</summary>
    private static byte[] ShortGguf()
    {
        using var model = ModelFile.Open(TestModels.StoriesReluGguf);
        var writer = new GgufWriter();
        foreach (string key in model.Metadata.Keys)
        {
            writer.Copy(model.Metadata, key);
        }

        foreach (var tensor in model.Tensors)
        {
            long rows = tensor.Shape.Count == 1 ? 1 : tensor.Shape[0] / 2;
            byte[] bytes = tensor.Bytes[..(int)(tensor.ByteLength / rows)].ToArray();
            writer.AddTensor(tensor.Name, tensor.Type, tensor.Shape.Count == 1 ? [tensor.Shape[0]] : [2, tensor.Shape[1]], bytes);
        }

        using var stream = new MemoryStream();
        writer.WriteTo(stream);
        return stream.ToArray();
    }

    /// <summary>The bundled safetensors with all its tensors, but 16 bytes each.</summary>
    private static byte[] ShortSafetensors()
    {
        using var model = ModelFile.Open(TestModels.StoriesReluSafetensors);
        var entries = model.Tensors.Select((tensor, i) =>
            RawSafetensors.Tensor(tensor.Name, tensor.Type.Name, $"[2, {8 / tensor.Type.BytesPerBlock}]", 16 * i, 16 * (i + 1)));
        string header = $"{{\"__metadata__\": {{\"format\": \"pt\"}}, {string.Join(", ", entries)}}}";
        return RawSafetensors.Build(header, 16 * model.Tensors.Count);
    }
}
