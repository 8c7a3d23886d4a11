using System.Text;
using SparseInfer.Files;
using static SparseInfer.Runtime.Tests.Files.RawSafetensors;

namespace SparseInfer.Runtime.Tests.Files;

public sealed class SafetensorsCorruptionTests
{
    [Fact]
    public void A_file_shorter_than_its_length_field_is_cut_off() =>
        TestModels.Fault([1, 2, 3], "lying.safetensors").ShouldContain("the file header is cut off");

    [Theory]
    [InlineData(1000ul)]
    [InlineData(1ul << 63)]
    [InlineData(ulong.MaxValue)]
    public void A_header_longer_than_the_file_is_not_believed(ulong length)
    {
        byte[] bytes = Build("{}");
        BitConverter.GetBytes(length).CopyTo(bytes, 0);
        TestModels.Fault(bytes, "lying.safetensors").ShouldContain($"the file header claims {length} bytes");
    }

    [Theory]
    [InlineData("{")]
    [InlineData("{\"__metadata__\": }")]
    [InlineData("{} trailing")]
    [InlineData("{}{}")]
    public void A_header_that_is_no_json_gives_the_place(string header) =>
        Fault(header).ShouldContain("the file header is not valid JSON near byte");

    [Fact]
    public void A_header_nested_too_deep_is_refused() =>
        Fault("{\"t\": {\"more\": " + new string('[', 5000)).ShouldContain("tensor 't' is not valid JSON");

    [Fact]
    public void Json_that_breaks_inside_a_tensor_names_it() =>
        Fault("{\"a.weight\": {\"dtype\": F32").ShouldContain("tensor 'a.weight' is not valid JSON");

    [Theory]
    [InlineData("{\"a\": 5}", "tensor 'a' must have an object")]
    [InlineData("{\"a\": {\"dtype\": 5}}", "tensor 'a' must have dtype as a string")]
    [InlineData("{\"a\": {\"dtype\": \"F31\"}}", "tensor 'a' has the unknown dtype 'F31'")]
    [InlineData("{\"a\": {\"dtype\": \"\\ud800\"}}", "tensor 'a' has a dtype that is not valid Unicode")]
    [InlineData("{\"a\": {\"dtype\": \"F32\", \"dtype\": \"F32\"}}", "tensor 'a' has two entries dtype")]
    [InlineData("{\"a\": {\"shape\": 4}}", "tensor 'a' must have arrays of numbers")]
    [InlineData("{\"a\": {\"shape\": [-1]}}", "tensor 'a' has something in its shape")]
    [InlineData("{\"a\": {\"shape\": [1.5]}}", "tensor 'a' has something in its shape")]
    [InlineData("{\"a\": {\"shape\": [[1]]}}", "tensor 'a' has something in its shape")]
    [InlineData("{\"a\": {\"shape\": [9223372036854775808]}}", "tensor 'a' has something in its shape")]
    [InlineData("{\"a\": {\"data_offsets\": [0]}}", "tensor 'a' has data_offsets [0], which are no begin and end")]
    [InlineData("{\"a\": {\"data_offsets\": [0, 1, 2]}}", "tensor 'a' has more than 2 numbers")]
    [InlineData("{\"a\": {\"data_offsets\": [4, 0]}}", "tensor 'a' has data_offsets [4, 0]")]
    [InlineData("{\"a\": {\"data_offsets\": [0, 9223372036854775807]}}", "tensor 'a' has data_offsets [0, 9223372036854775807], but")]
    [InlineData("{\"a\": {\"shape\": [], \"data_offsets\": [0, 0]}}", "tensor 'a' has no dtype")]
    [InlineData("{\"a\": {\"dtype\": \"F32\", \"data_offsets\": [0, 0]}}", "tensor 'a' has no shape")]
    [InlineData("{\"a\": {\"dtype\": \"F32\", \"shape\": []}}", "tensor 'a' has no data_offsets")]
    [InlineData("{\"\\udc00\": {}}", "the file header has a tensor's name that is not valid Unicode")]
    [InlineData("{\"__metadata__\": {\"format\": 1}}", "__metadata__ as an object of strings")]
    public void A_malformed_entry_is_named(string header, string expected) => Fault(header).ShouldContain(expected);

    [Fact]
    public void A_length_that_contradicts_the_shape_is_named() =>
        Fault(12, Tensor("a", "F32", "[2, 2]", 0, 12)).ShouldContain("tensor 'a' has data_offsets of 12 bytes, but F32 [2, 2] takes 16");

    [Theory]
    [InlineData("[4294967296, 4294967296]")]
    [InlineData("[9223372036854775807]")]
    public void A_shape_that_overflows_is_named(string shape) =>
        Fault(0, Tensor("a", "F32", shape, 0, 0)).ShouldContain("tensor 'a' has shape");

    [Fact]
    public void Half_a_byte_is_named() =>
        Fault(1, Tensor("a", "F4", "[3]", 0, 1)).ShouldContain("tensor 'a' has shape [3], in F4");

    [Fact]
    public void A_tensor_that_is_there_twice_is_named() =>
        Fault(8, Tensor("a", "F32", "[1]", 0, 4), Tensor("a", "F32", "[1]", 4, 8)).ShouldContain("tensor 'a' is listed twice");

    [Fact]
    public void An_overlap_names_both_tensors() =>
        Fault(12, Tensor("a", "F32", "[2]", 0, 8), Tensor("b", "F32", "[2]", 4, 12)).ShouldContain("tensor 'b' overlaps tensor 'a'");

    [Fact]
    public void A_gap_names_both_tensors() =>
        Fault(12, Tensor("a", "F32", "[1]", 0, 4), Tensor("b", "F32", "[1]", 8, 12))
            .ShouldContain("tensor 'b' leaves a gap after tensor 'a'");

    [Fact]
    public void A_gap_at_the_start_is_named() =>
        Fault(8, Tensor("a", "F32", "[1]", 4, 8)).ShouldContain("tensor 'a' leaves a gap after the start of the data");

    [Fact]
    public void Data_that_belongs_to_no_tensor_is_named() =>
        Fault(5, Tensor("a", "F32", "[1]", 0, 4)).ShouldContain("the file goes on for 1 bytes after tensor 'a'");

    [Fact]
    public void Dtypes_without_a_kernel_are_listed_by_name()
    {
        string[] tensors = [Tensor("a", "F8_E4M3", "[3]", 0, 3), Tensor("b", "F6_E2M3", "[4]", 3, 6), Tensor("c", "BF16", "[]", 6, 8)];
        using var model = TestModels.Open(Build($"{{{string.Join(", ", tensors)}}}   ", 8), "dtypes.safetensors");

        model.Tensors.Select(tensor => tensor.Type.Name).ShouldBe(["F8_E4M3", "F6_E2M3", "BF16"]);
        model.Tensors.Select(tensor => tensor.Weight).ShouldBe([null, null, WeightType.BF16]);
        model.Tensors[2].Shape.ShouldBeEmpty();
        model.Metadata.Keys.ShouldBeEmpty();
        model.Metadata.TryGetString("hidden_act", out _).ShouldBeFalse();
    }

    [Fact]
    public void Fields_that_the_format_does_not_know_are_ignored()
    {
        string header = """
            {"__metadata__": {"format": "pt"}, "a": {"x": {"y": [1]}, "dtype": "U8", "shape": [2, 0], "data_offsets": [0, 0]}}
            """;
        using var model = TestModels.Open(Build(header), "more.safetensors");
        model.Tensors.Single().Bytes.Length.ShouldBe(0);
    }

    [Theory]
    [InlineData("[1]", "a JSON object was expected")]
    [InlineData("{\"a\": 1", "not valid JSON at line 1")]
    [InlineData("{\"a\": 1, \"a\": 2}", "metadata key 'a' is there twice")]
    [InlineData("{\"a\": {\"b\": 1}, \"a.b\": 2}", "metadata key 'a.b' is there twice")]
    [InlineData("{\"\\ud800\": 1}", "not valid Unicode")]
    public void A_bad_config_is_the_file_that_is_named(string config, string expected)
    {
        using var folder = new TemporaryFolder();
        string model = folder.Write("model.safetensors", Build("{}"));
        string path = folder.Write("config.json", Encoding.UTF8.GetBytes(config));

        var error = Should.Throw<ModelFormatException>(() => ModelFile.Open(model));

        error.Path.ShouldBe(path);
        error.Message.ShouldContain(expected);
    }

    [Fact]
    public void Keys_of_a_config_that_multiply_themselves_are_refused()
    {
        using var folder = new TemporaryFolder();
        folder.Write("model.safetensors", Build("{}"));
        folder.Write("config.json", Encoding.UTF8.GetBytes($"{{\"{new string('k', 200)}\": {{\"{new string('l', 200)}\": 1}}}}"));
        Should.Throw<ModelFormatException>(() => ModelFile.Open(folder.Root)).Message.ShouldContain("is longer than 256 characters");
    }

    private static string Fault(string header) => TestModels.Fault(Build(header), "lying.safetensors");

    private static string Fault(int dataBytes, params string[] tensors) =>
        TestModels.Fault(Build($"{{{string.Join(", ", tensors)}}}", dataBytes), "lying.safetensors");
}
