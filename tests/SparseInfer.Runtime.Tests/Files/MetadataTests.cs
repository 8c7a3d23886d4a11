using System.Text;
using SparseInfer.Files;

namespace SparseInfer.Runtime.Tests.Files;

public sealed class MetadataTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Json_values_are_found_under_their_own_names_and_those_in_objects_with_dots()
    {
        using var model = OpenWithConfig("""
            {"name": "caf\u00e9", "layers": 6, "big": 9223372036854775808, "eps": 1e-5, "tied": false, "none": null,
             "rope": {"factor": 8, "type": "linear"}, "eos": [1, 2], "mixed": [1, "a"], "scores": [0.5, 1], "names": ["x", "\n"],
             "empty": []}
            """);
        var metadata = model.Metadata;

        metadata.Keys.ShouldBe(
            ["name", "layers", "big", "eps", "tied", "rope.factor", "rope.type", "eos", "mixed", "scores", "names", "empty"]);
        metadata.GetString("name").ShouldBe("café");
        metadata.GetInt64("layers").ShouldBe(6);
        metadata.GetDouble("layers").ShouldBe(6);
        metadata.TryGetInt64("big", out _).ShouldBeFalse();
        metadata.TryGetInt64("eps", out _).ShouldBeFalse();
        metadata.GetDouble("eps").ShouldBe(1e-5);
        metadata.TryGetBoolean("tied", out bool tied).ShouldBeTrue();
        tied.ShouldBeFalse();
        metadata.Describe("none").ShouldBeNull();
        metadata.GetInt64("rope.factor").ShouldBe(8);
        metadata.TryGetInt32Array("eos", out int[]? eos).ShouldBeTrue();
        eos.ShouldBe([1, 2]);
        metadata.TryGetInt32Array("mixed", out _).ShouldBeFalse();
        metadata.TryGetStringArray("mixed", out _).ShouldBeFalse();
        metadata.TryGetInt32Array("scores", out _).ShouldBeFalse();
        metadata.TryGetSingleArray("scores", out float[]? scores).ShouldBeTrue();
        scores.ShouldBe([0.5f, 1f]);
        metadata.TryGetStringArray("names", out string[]? names).ShouldBeTrue();
        names.ShouldBe(["x", "\n"]);
        metadata.TryGetStringArray("empty", out string[]? none).ShouldBeTrue();
        none.ShouldBeEmpty();
    }

    [Fact]
    public void Numbers_that_are_not_finite_are_read_as_python_writes_them()
    {
        using var model = OpenWithConfig("""
            {"a": NaN, "b": Infinity,"c":-Infinity, "d": [0.0, Infinity,NaN ], "e": {"f": -Infinity}, "text": "NaN, \" Infinity", "g": 7,
             "h": [NaN], "i": "\\\\", "j": NaN}
            """);
        var metadata = model.Metadata;

        metadata.GetDouble("a").ShouldBe(double.NaN);
        metadata.GetDouble("b").ShouldBe(double.PositiveInfinity);
        metadata.GetDouble("c").ShouldBe(double.NegativeInfinity);
        metadata.TryGetSingleArray("d", out float[]? numbers).ShouldBeTrue();
        numbers.ShouldBe([0f, float.PositiveInfinity, float.NaN]);
        metadata.GetDouble("e.f").ShouldBe(double.NegativeInfinity);
        metadata.GetString("text").ShouldBe("NaN, \" Infinity");
        metadata.GetInt64("g").ShouldBe(7);
        metadata.GetDouble("j").ShouldBe(double.NaN);
        metadata.Describe("a").ShouldBe("a number");
        metadata.TryGetInt64("a", out _).ShouldBeFalse();
        metadata.TryGetInt64("c", out _).ShouldBeFalse();
        metadata.TryGetInt32Array("h", out _).ShouldBeFalse();
    }

    [Fact]
    public void A_byte_order_mark_does_not_shift_numbers_that_are_not_finite()
    {
        using var model = OpenWithConfig("\uFEFF{\"layers\": 6, \"limit\": Infinity}");
        model.Metadata.GetInt64("layers").ShouldBe(6);
        model.Metadata.GetDouble("limit").ShouldBe(double.PositiveInfinity);
    }

    [Theory]
    [InlineData("{\"a\": 1NaN}")]
    [InlineData("{\"a\": NaNa}")]
    [InlineData("{\"a\": NaN1}")]
    [InlineData("{\"a\": -NaN}")]
    [InlineData("{\"a\": +Infinity}")]
    [InlineData("{\"a\": --Infinity}")]
    [InlineData("{\"a\": Infinityx}")]
    [InlineData("{NaN: 1}")]
    [InlineData("NaN")]
    public void What_python_would_not_read_either_is_no_json(string config) =>
        Should.Throw<ModelFormatException>(() => OpenWithConfig(config).Dispose());

    [Fact]
    public void A_byte_order_mark_before_a_config_is_stepped_over()
    {
        using var model = OpenWithConfig("\uFEFF{\"layers\": 6}");
        model.Metadata.GetInt64("layers").ShouldBe(6);
    }

    [Fact]
    public void What_must_be_there_says_what_it_found_instead()
    {
        using var model = OpenWithConfig("""{"layers": "six"}""");
        var metadata = model.Metadata;

        Should.Throw<ModelFormatException>(() => metadata.GetInt64("layers")).Message
            .ShouldContain("config.json: metadata key 'layers' is a string, but must be an integer");
        Should.Throw<ModelFormatException>(() => metadata.GetString("hidden_act")).Message
            .ShouldContain("metadata key 'hidden_act' is missing");
    }

    [Fact]
    public void Gguf_numbers_of_every_width_are_read()
    {
        var raw = new RawGguf()
            .Key("u8", 0, [255]).Key("i8", 1, [255]).Key("u16", 2, [255, 255]).Key("i16", 3, [255, 255])
            .Key("u32", 4, RawGguf.U32(uint.MaxValue)).Key("i32", 5, RawGguf.U32(uint.MaxValue))
            .Key("u64", 10, RawGguf.U64(1ul << 40)).Key("i64", 11, RawGguf.U64(ulong.MaxValue))
            .Key("too big", 10, RawGguf.U64(ulong.MaxValue))
            .Key("f32", 6, BitConverter.GetBytes(0.5f)).Key("f64", 12, BitConverter.GetBytes(1e300));
        using var model = TestModels.Open(raw.ToArray(), "numbers.gguf");
        var metadata = model.Metadata;

        string[] integers = ["u8", "i8", "u16", "i16", "u32", "i32", "u64", "i64"];
        integers.Select(metadata.GetInt64).ShouldBe([255, -1, 65535, -1, uint.MaxValue, -1, 1L << 40, -1]);
        metadata.GetDouble("i16").ShouldBe(-1);
        metadata.TryGetInt64("too big", out _).ShouldBeFalse();
        metadata.GetDouble("too big").ShouldBe(ulong.MaxValue);
        metadata.GetDouble("f32").ShouldBe(0.5);
        metadata.GetDouble("f64").ShouldBe(1e300);
        metadata.TryGetInt64("f32", out _).ShouldBeFalse();
        metadata.TryGetBoolean("u8", out _).ShouldBeFalse();
        metadata.TryGetString("u8", out _).ShouldBeFalse();
        metadata.TryGetStringArray("u8", out _).ShouldBeFalse();
    }

    [Fact]
    public void Gguf_arrays_are_converted_when_every_element_fits()
    {
        var raw = new RawGguf()
            .Key("bytes", 9, RawGguf.U32(1), RawGguf.U64(3), [1, 255, 127])
            .Key("longs", 9, RawGguf.U32(11), RawGguf.U64(2), RawGguf.U64(7), RawGguf.U64(1ul << 32))
            .Key("doubles", 9, RawGguf.U32(12), RawGguf.U64(1), BitConverter.GetBytes(0.25));
        using var model = TestModels.Open(raw.ToArray(), "arrays.gguf");

        model.Metadata.TryGetInt32Array("bytes", out int[]? bytes).ShouldBeTrue();
        bytes.ShouldBe([1, -1, 127]);
        model.Metadata.TryGetInt32Array("longs", out _).ShouldBeFalse();
        model.Metadata.TryGetSingleArray("longs", out float[]? longs).ShouldBeTrue();
        longs.ShouldBe([7f, 4294967296f]);
        model.Metadata.TryGetSingleArray("doubles", out float[]? doubles).ShouldBeTrue();
        doubles.ShouldBe([0.25f]);
        model.Metadata.TryGetInt32Array("doubles", out _).ShouldBeFalse();
    }

    [Fact]
    public void A_huge_array_is_described_but_not_decoded()
    {
        ulong count = (1 << 24) + 1;
        byte[] tables = new RawGguf().Key("k", 9, RawGguf.U32(0), RawGguf.U64(count)).ToArray();
        using var model = TestModels.Open(tables, "huge.gguf", length: 1L << 30);

        model.Metadata.Describe("k").ShouldBe($"array of {count} u8");
        Should.Throw<ModelFormatException>(() => model.Metadata.TryGetInt32Array("k", out _)).Message.ShouldContain("metadata key 'k'");
    }

    private ModelFile OpenWithConfig(string config)
    {
        _folder.Write("model.safetensors", RawSafetensors.Build("{}"));
        _folder.Write("config.json", Encoding.UTF8.GetBytes(config));
        return ModelFile.Open(_folder.Root);
    }
}
