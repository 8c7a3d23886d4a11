using SparseInfer.Files;
using static SparseInfer.Runtime.Tests.Files.RawGguf;

namespace SparseInfer.Runtime.Tests.Files;

public sealed class GgufCorruptionTests
{
    private const uint F32 = 0;
    private const uint F16 = 1;
    private const uint Q8_0 = 8;
    private const uint UInt32 = 4;
    private const uint Bool = 7;
    private const uint String = 8;
    private const uint Array = 9;

    [Fact]
    public void A_file_that_ends_inside_the_header_is_cut_off() =>
        Fault("GGUF\u0003\0"u8.ToArray()).ShouldContain("the file header is cut off");

    [Fact]
    public void Version_1_asks_for_a_new_conversion() => Fault(new RawGguf { Version = 1 }).ShouldContain("GGUF version 1");

    [Fact]
    public void A_big_endian_file_is_recognized() => Fault(new RawGguf { Version = 0x03000000 }).ShouldContain("big-endian");

    [Theory]
    [InlineData(0u)]
    [InlineData(4u)]
    public void An_unknown_version_is_named(uint version) =>
        Fault(new RawGguf { Version = version }).ShouldContain($"GGUF version {version}");

    [Fact]
    public void Version_2_is_read_like_version_3()
    {
        var bytes = new RawGguf { Version = 2, DataBytes = 8 }.Tensor("t", F32, 0, 2).ToArray();
        using var model = TestModels.Open(bytes, "v2.gguf");
        model.Tensors.Single().ByteLength.ShouldBe(8);
    }

    [Theory]
    [InlineData(1000ul)]
    [InlineData(ulong.MaxValue)]
    public void More_tensors_than_fit_are_not_believed(ulong count) =>
        Fault(new RawGguf { ClaimedTensors = count }).ShouldContain($"claims {count} tensors");

    [Fact]
    public void More_tensors_than_any_model_has_are_refused_even_where_they_fit()
    {
        byte[] tables = new RawGguf { ClaimedTensors = 1 << 20 }.ToArray();
        TestModels.Fault(tables, "lying.gguf", length: 1L << 40).ShouldContain("claims 1048576 tensors; no more than");
    }

    [Theory]
    [InlineData(1000ul)]
    [InlineData(1ul << 63)]
    public void More_keys_than_fit_are_not_believed(ulong count) =>
        Fault(new RawGguf { ClaimedKeys = count }).ShouldContain($"claims {count} metadata keys");

    [Fact]
    public void More_keys_than_any_model_has_are_refused_even_where_they_fit() =>
        Fault(new RawGguf { ClaimedKeys = 20000, DataBytes = 1 << 20 }).ShouldContain("claims 20000 metadata keys");

    [Fact]
    public void A_key_longer_than_the_file_is_named_by_its_number() =>
        Fault(new RawGguf { ClaimedKeys = 1, DataBytes = 64 }.ToArray(), bytes => Put(bytes, 24, U64(1ul << 40)))
            .ShouldContain("metadata key number 0 has a name of 1099511627776 bytes");

    [Fact]
    public void An_empty_key_is_refused() => Fault(new RawGguf().Key("", UInt32, U32(1), U64(0))).ShouldContain("metadata key number 0");

    [Fact]
    public void A_key_that_is_not_utf8_is_named_by_its_number()
    {
        byte[] bytes = new RawGguf().Key("key", UInt32, U32(1)).ToArray();
        bytes[32] = 0xFF;
        Fault(bytes).ShouldContain("metadata key number 0 has a name that is not valid UTF-8");
    }

    [Fact]
    public void A_key_that_is_there_twice_is_named() =>
        Fault(new RawGguf().Key("llama.block_count", UInt32, U32(1)).Key("llama.block_count", UInt32, U32(2)))
            .ShouldContain("metadata key 'llama.block_count' is there twice");

    [Fact]
    public void An_unknown_value_type_is_named() =>
        Fault(new RawGguf().Key("k", 13, U64(0))).ShouldContain("metadata key 'k' has its type 13");

    [Fact]
    public void A_value_that_is_cut_off_is_named() =>
        Fault(new RawGguf().Key("k", 12, [1, 2, 3])).ShouldContain("metadata key 'k' is cut off");

    [Theory]
    [InlineData(1ul << 32)]
    [InlineData(ulong.MaxValue)]
    public void A_string_longer_than_the_file_is_named(ulong length) =>
        Fault(new RawGguf().Key("general.name", String, U64(length)))
            .ShouldContain($"metadata key 'general.name' has a string of {length} bytes");

    [Fact]
    public void A_bool_that_is_neither_is_named() =>
        Fault(new RawGguf().Key("flag", Bool, [2])).ShouldContain("metadata key 'flag' is a bool");

    [Theory]
    [InlineData(0u, 1ul << 63)]
    [InlineData(12u, 1ul << 61)]
    [InlineData(String, ulong.MaxValue)]
    [InlineData(Array, 1ul << 32)]
    public void An_array_longer_than_the_file_is_named(uint elementType, ulong count) =>
        Fault(new RawGguf().Key("tokenizer.ggml.tokens", Array, U32(elementType), U64(count), new byte[64]))
            .ShouldContain($"metadata key 'tokenizer.ggml.tokens' claims {count} array elements");

    [Fact]
    public void An_unknown_element_type_is_named() =>
        Fault(new RawGguf().Key("k", Array, U32(99), U64(0))).ShouldContain("metadata key 'k' has the element type of an array 99");

    [Fact]
    public void A_string_in_an_array_that_leaves_the_file_is_named() =>
        Fault(new RawGguf().Key("k", Array, U32(String), U64(2), Utf8("fine"), U64(1000)))
            .ShouldContain("metadata key 'k' has a string in its array of 1000 bytes");

    [Fact]
    public void Arrays_nested_too_deep_are_named()
    {
        byte[] nested = [.. Enumerable.Repeat<byte[]>([.. U32(Array), .. U64(1)], 1000).SelectMany(bytes => bytes)];
        Fault(new RawGguf().Key("deep", Array, nested)).ShouldContain("metadata key 'deep' holds arrays inside arrays");
    }

    [Fact]
    public void Nested_arrays_are_stepped_over_and_described()
    {
        var bytes = new RawGguf()
            .Key("nested", Array, U32(Array), U64(2), U32(UInt32), U64(1), U32(7), U32(String), U64(1), Utf8("x"))
            .Key("after", UInt32, U32(5)).ToArray();
        using var model = TestModels.Open(bytes, "nested.gguf");
        model.Metadata.Describe("nested").ShouldBe("array of 2 array");
        model.Metadata.TryGetInt32Array("nested", out _).ShouldBeFalse();
        model.Metadata.GetInt64("after").ShouldBe(5);
    }

    [Fact]
    public void Too_many_strings_in_all_are_refused_before_they_are_walked()
    {
        byte[] tables = new RawGguf().Key("k", Array, U32(String), U64((1 << 24) + 1)).ToArray();
        TestModels.Fault(tables, "lying.gguf", length: 1L << 30).ShouldContain("metadata key 'k' brings");
    }

    [Fact]
    public void A_text_that_is_not_utf8_is_an_error_only_for_who_asks()
    {
        var bytes = new RawGguf()
            .Key("name", String, U64(2), [0xC3, 0x28])
            .Key("tokens", Array, U32(String), U64(2), Utf8("a"), U64(1), [0xFF]).ToArray();
        using var model = TestModels.Open(bytes, "latin1.gguf");
        Should.Throw<ModelFormatException>(() => model.Metadata.TryGetString("name", out _)).Message.ShouldContain("metadata key 'name'");
        Should.Throw<ModelFormatException>(() => model.Metadata.TryGetStringArray("tokens", out _))
            .Message.ShouldContain("metadata key 'tokens' at index 1");
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(4u)]
    [InlineData(48u)]
    [InlineData(1u << 31)]
    public void An_alignment_that_is_no_sane_power_of_two_is_named(uint alignment) =>
        Fault(new RawGguf().Key("general.alignment", UInt32, U32(alignment))).ShouldContain("metadata key 'general.alignment'");

    [Fact]
    public void An_alignment_that_is_no_number_is_named() =>
        Fault(new RawGguf().Key("general.alignment", String, Utf8("32"))).ShouldContain("metadata key 'general.alignment' is string");

    [Fact]
    public void A_part_of_a_split_model_says_how_to_join_it() =>
        Fault(new RawGguf().Key("split.count", 2, [3, 0])).ShouldContain("metadata key 'split.count'");

    [Fact]
    public void A_tensor_table_that_is_cut_off_is_named() =>
        Fault(new RawGguf { ClaimedTensors = 2 }.Tensor("only", F32, 0, 4, 4, 4, 4)).ShouldContain("tensor number 1 is cut off");

    [Fact]
    public void A_tensor_that_is_there_twice_is_named() =>
        Fault(new RawGguf { DataBytes = 64 }.Tensor("blk.0.ffn_up.weight", F32, 0, 4).Tensor("blk.0.ffn_up.weight", F32, 32, 4))
            .ShouldContain("tensor 'blk.0.ffn_up.weight' is listed twice");

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    public void The_wrong_number_of_dimensions_is_named(int dimensions) =>
        Fault(new RawGguf { DataBytes = 64 }.Tensor("t", F32, 0, [.. Enumerable.Repeat(1ul, dimensions)]))
            .ShouldContain($"tensor 't' has {dimensions} dimensions");

    [Fact]
    public void A_dimension_of_size_zero_is_named() =>
        Fault(new RawGguf { DataBytes = 64 }.Tensor("t", F32, 0, 4, 0)).ShouldContain("tensor 't' has a dimension of size 0");

    [Theory]
    [InlineData(1ul << 63, 1ul)]
    [InlineData(1ul << 32, 1ul << 32)]
    public void Dimensions_that_overflow_are_named(ulong columns, ulong rows) =>
        Fault(new RawGguf { DataBytes = 64 }.Tensor("t", F32, 0, columns, rows)).ShouldContain("tensor 't' has a dimension of size");

    [Fact]
    public void Bytes_that_overflow_are_named() =>
        Fault(new RawGguf { DataBytes = 64 }.Tensor("t", F32, 0, 1ul << 31, 1ul << 31)).ShouldContain("tensor 't' of shape");

    [Fact]
    public void Rows_longer_than_any_models_are_named() =>
        Fault(new RawGguf { DataBytes = 64 }.Tensor("blk.0.ffn_gate.weight", F32, 0, 1ul << 30, 1))
            .ShouldContain("tensor 'blk.0.ffn_gate.weight' has rows of 1073741824 elements; no model's have more than 67108864");

    [Fact]
    public void An_architecture_too_long_to_be_one_is_named_and_not_decoded()
    {
        byte[] bytes = new RawGguf().Key("general.architecture", String, U64(8 << 20), new byte[8 << 20]).ToArray();
        TestModels.Open(new RawGguf().ToArray(), "warm.gguf").Dispose();
        long before = GC.GetAllocatedBytesForCurrentThread();
        string fault = TestModels.Fault(bytes, "lying.gguf");
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBeLessThan(bytes.Length + (256 << 10)); // the test's own copy
        fault.ShouldContain("metadata key 'general.architecture' is a text of 8388608 bytes");
        fault.Length.ShouldBeLessThan(400);
    }

    [Fact]
    public void An_unknown_tensor_type_is_named() =>
        Fault(new RawGguf { DataBytes = 64 }.Tensor("t", 77, 0, 4)).ShouldContain("tensor 't' has the unknown type 77");

    [Fact]
    public void A_retired_tensor_type_is_named() =>
        Fault(new RawGguf { DataBytes = 64 }.Tensor("t", 31, 0, 32)).ShouldContain("tensor 't' has the type Q4_0_4_4 (31)");

    [Fact]
    public void A_ternary_type_whose_order_no_file_says_is_refused_with_the_conversion_that_helps() =>
        Fault(new RawGguf { DataBytes = 64 }.Tensor("t", 36, 0, 128)).ShouldContain(
            "if this is bitnet.cpp's I2_S, whose order depends on the machine that wrote it, convert the BF16 model with llama.cpp's convert_hf_to_gguf.py --outtype f16");

    [Fact]
    public void Rows_that_are_no_whole_blocks_are_named() =>
        Fault(new RawGguf { DataBytes = 64 }.Tensor("t", Q8_0, 0, 16, 2)).ShouldContain("tensor 't' has rows of 16 elements");

    [Theory]
    [InlineData(64ul, 1ul)]
    [InlineData(0ul, 17ul)]
    [InlineData(96ul, 1ul)]
    [InlineData(1ul << 63, 1ul)]
    [InlineData(ulong.MaxValue - 31, 32ul)]
    public void Data_that_leaves_the_file_is_named(ulong offset, ulong elements) =>
        Fault(new RawGguf { DataBytes = 64 }.Tensor("t", F32, offset, elements)).ShouldContain("tensor 't' (F32");

    [Fact]
    public void Misaligned_data_is_named() =>
        Fault(new RawGguf { DataBytes = 64 }.Tensor("t", F32, 8, 4)).ShouldContain("tensor 't' has its data at offset 8");

    [Theory]
    [InlineData(0ul)]
    [InlineData(32ul)]
    public void Overlapping_data_names_both_tensors(ulong offset)
    {
        string fault = Fault(new RawGguf { DataBytes = 128 }.Tensor("late", F16, offset, 8).Tensor("early", F32, 0, 16));
        fault.ShouldContain("overlaps");
        fault.ShouldContain("'late'");
        fault.ShouldContain("'early'");
    }

    [Fact]
    public void Tensors_may_lie_in_any_order_with_gaps_and_a_longer_alignment()
    {
        var raw = new RawGguf { DataBytes = 512 }.Key("general.alignment", UInt32, U32(64)).Tensor("b", F32, 128, 4).Tensor("a", F16, 0, 8);
        using var model = TestModels.Open(raw.ToArray(), "order.gguf");
        model.Tensors.Select(tensor => tensor.Name).ShouldBe(["b", "a"]);
        (model.Tensors[0].Offset - model.Tensors[1].Offset).ShouldBe(128);
        (model.Tensors[1].Offset % 64).ShouldBe(0);
    }

    [Fact]
    public void A_type_without_a_kernel_is_listed_by_name_with_its_size()
    {
        using var model = TestModels.Open(new RawGguf { DataBytes = 220 }.Tensor("output.weight", 11, 0, 256, 2).ToArray(), "q3.gguf");
        var tensor = model.Tensors.Single();
        tensor.Type.Name.ShouldBe("Q3_K");
        tensor.Weight.ShouldBeNull();
        tensor.ByteLength.ShouldBe(220);
        tensor.Shape.ShouldBe([2, 256]);
    }

    [Fact]
    public void Control_characters_and_endless_names_stay_out_of_messages()
    {
        string fault = Fault(new RawGguf().Key("\u001b[31m" + new string('x', 60000), 13));
        fault.ShouldContain(@"'\u001b[31mxxx");
        fault.Length.ShouldBeLessThan(400);
    }

    /// <summary>A file of 3 GiB of which only the tables exist: opening must touch nothing else.</summary>
    [Fact]
    public void A_tensor_larger_than_a_span_is_reached_by_its_address()
    {
        byte[] tables = new RawGguf { DataBytes = 1 }.Tensor("big", F32, 0, 1 << 15, (3 << 15) / 4).ToArray();
        long dataStart = tables.Length - 1;
        using var model = TestModels.Open(tables, "big.gguf", length: dataStart + (3L << 30));
        var tensor = model.Tensors.Single();
        tensor.Offset.ShouldBe(dataStart);
        tensor.ByteLength.ShouldBe(3L << 30);
        tensor.Address.ShouldNotBe(0);
        Should.Throw<InvalidOperationException>(() => tensor.Bytes.Length).Message.ShouldContain("Address");
    }

    private static string Fault(RawGguf raw) => Fault(raw.ToArray());

    private static string Fault(byte[] bytes, Action<byte[]>? change = null)
    {
        change?.Invoke(bytes);
        return TestModels.Fault(bytes, "lying.gguf");
    }

    private static void Put(byte[] bytes, int offset, byte[] value) => value.CopyTo(bytes, offset);
}
