using System.Runtime.InteropServices;
using SparseInfer.Files;

namespace SparseInfer.Runtime.Tests.Files;

public sealed class GgufWriterTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("stories-relu")]
    [InlineData("stories260K")]
    public void A_copied_model_is_the_same_file(string name)
    {
        string source = name == "stories-relu" ? TestModels.StoriesReluGguf : TestModels.Stories260KGguf;
        string copy = Path.Combine(_folder.Root, "copy.gguf");
        using (var model = ModelFile.Open(source))
        {
            var writer = new GgufWriter();
            foreach (string key in model.Metadata.Keys)
            {
                writer.Copy(model.Metadata, key);
            }

            foreach (var tensor in model.Tensors)
            {
                writer.AddTensor(tensor);
            }

            writer.Save(copy);
        }

        File.ReadAllBytes(copy).AsSpan().SequenceEqual(File.ReadAllBytes(source)).ShouldBeTrue();
    }

    [Fact]
    public void Every_kind_of_value_comes_back()
    {
        var writer = new GgufWriter();
        writer.Add("string", "naïve \0 text");
        writer.Add("u32", uint.MaxValue);
        writer.Add("i32", int.MinValue);
        writer.Add("u64", 1ul << 62);
        writer.Add("i64", long.MinValue);
        writer.Add("f32", 0.1f);
        writer.Add("f64", 0.1);
        writer.Add("bool", true);
        writer.Add("strings", ["", "▁a", "\n"]);
        writer.Add("floats", new[] { 1f, float.NegativeInfinity });
        writer.Add("ints", new[] { -1, 0, 1 });

        using var model = Reopen(writer);
        var metadata = model.Metadata;

        metadata.Keys.ShouldBe(["string", "u32", "i32", "u64", "i64", "f32", "f64", "bool", "strings", "floats", "ints"]);
        metadata.GetString("string").ShouldBe("naïve \0 text");
        metadata.GetInt64("u32").ShouldBe(uint.MaxValue);
        metadata.GetInt64("i32").ShouldBe(int.MinValue);
        metadata.GetInt64("u64").ShouldBe(1L << 62);
        metadata.GetInt64("i64").ShouldBe(long.MinValue);
        metadata.GetDouble("f32").ShouldBe(0.1f);
        metadata.GetDouble("f64").ShouldBe(0.1);
        metadata.TryGetBoolean("bool", out bool flag).ShouldBeTrue();
        flag.ShouldBeTrue();
        metadata.TryGetStringArray("strings", out string[]? strings).ShouldBeTrue();
        strings.ShouldBe(["", "▁a", "\n"]);
        metadata.TryGetSingleArray("floats", out float[]? floats).ShouldBeTrue();
        floats.ShouldBe([1f, float.NegativeInfinity]);
        metadata.TryGetInt32Array("ints", out int[]? ints).ShouldBeTrue();
        ints.ShouldBe([-1, 0, 1]);
        metadata.Keys.Select(metadata.Describe).ShouldBe(
            ["string", "u32", "i32", "u64", "i64", "f32", "f64", "bool", "array of 3 string", "array of 2 f32", "array of 3 i32"]);
    }

    [Theory]
    [InlineData(8u)]
    [InlineData(32u)]
    [InlineData(4096u)]
    public void Tensors_of_every_weight_type_come_back_aligned(uint alignment)
    {
        var random = new Random(1);
        var written = new Dictionary<string, byte[]>();
        var writer = new GgufWriter();
        writer.Add("general.alignment", alignment);
        foreach (var weight in Enum.GetValues<WeightType>())
        {
            var type = TensorType.Of(weight);
            byte[] bytes = new byte[3 * 256 / type.ElementsPerBlock * type.BytesPerBlock];
            random.NextBytes(bytes);
            written[$"matrix.{weight}"] = bytes;
            writer.AddTensor($"matrix.{weight}", type, [3, 256], bytes);
        }

        using var model = Reopen(writer);

        foreach (var tensor in model.Tensors)
        {
            tensor.Name.ShouldBe($"matrix.{tensor.Weight}");
            tensor.Shape.ShouldBe([3, 256]);
            (tensor.Offset % alignment).ShouldBe(0);
            tensor.Bytes.SequenceEqual(written[tensor.Name]).ShouldBeTrue(tensor.Name);
        }

        model.Tensors.Count.ShouldBe(written.Count);
    }

    [Fact]
    public void A_tensor_can_be_produced_while_it_is_written()
    {
        var writer = new GgufWriter();
        writer.AddTensor("t", TensorType.Of(WeightType.F32), [2, 2], stream =>
        {
            for (int i = 0; i < 4; i++)
            {
                stream.Write(BitConverter.GetBytes((float)i));
            }
        });

        using var model = Reopen(writer);
        MemoryMarshal.Cast<byte, float>(model.Tensors.Single().Bytes).ToArray().ShouldBe([0, 1, 2, 3]);
    }

    [Fact]
    public void A_failed_save_leaves_the_old_file_and_nothing_else()
    {
        string path = _folder.Write("model.gguf", "old"u8);
        var writer = new GgufWriter();
        writer.AddTensor("short", TensorType.Of(WeightType.F32), [2], stream => stream.WriteByte(1));

        Should.Throw<InvalidOperationException>(() => writer.Save(path)).Message.ShouldContain("'short' takes 8 bytes, but 1 were written");

        File.ReadAllText(path).ShouldBe("old");
        Directory.GetFiles(_folder.Root).ShouldBe([path]);
    }

    [Fact]
    public void What_gguf_cannot_hold_is_refused_at_once()
    {
        var writer = new GgufWriter();
        var f32 = TensorType.Of(WeightType.F32);
        writer.Add("key", 1);
        writer.AddTensor("t", f32, [1], new byte[4]);

        Refused(() => writer.Add("key", "again")).ShouldContain("'key'");
        Refused(() => writer.Add("general.alignment", 48u)).ShouldContain("48");
        Refused(() => writer.Add("general.alignment", "32")).ShouldContain("general.alignment");
        Refused(() => writer.AddTensor("t", f32, [1], new byte[4])).ShouldContain("'t'");
        Refused(() => writer.AddTensor("u", f32, [2], new byte[4])).ShouldContain("'u' takes 8 bytes");
        Refused(() => writer.AddTensor("u", f32, [], new byte[4])).ShouldContain("'u'");
        Refused(() => writer.AddTensor("u", f32, [0], new byte[0])).ShouldContain("'u'");
        Refused(() => writer.AddTensor("u", TensorType.Of(WeightType.Q4_0), [33], new byte[18])).ShouldContain("'u'");

        static string Refused(Action add) => Should.Throw<ArgumentException>(add).Message;
    }

    private ModelFile Reopen(GgufWriter writer)
    {
        string path = Path.Combine(_folder.Root, "written.gguf");
        writer.Save(path);
        return ModelFile.Open(path);
    }
}
