using System.Text;
using SparseInfer.Files;
using static SparseInfer.Runtime.Tests.Files.RawSafetensors;

namespace SparseInfer.Runtime.Tests.Files;

public sealed class ShardTests : IDisposable
{
    private const string First = "model-00001-of-00002.safetensors";
    private const string Second = "model-00002-of-00002.safetensors";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_folder_of_shards_opens_as_one_model()
    {
        WriteShards();
        WriteIndex(("a", First), ("b", Second));
        _folder.Write("config.json", "{\"layers\": 2}"u8);

        using var model = ModelFile.Open(_folder.Root);

        model.Tensors.Select(tensor => tensor.Name).ShouldBe(["a", "b"]);
        model.TryGetTensor("b", out var b).ShouldBeTrue();
        b!.File.ShouldBe(Path.Combine(_folder.Root, Second));
        b.Bytes.Length.ShouldBe(8);
        model.Metadata.GetInt64("layers").ShouldBe(2);
    }

    [Fact]
    public void The_index_itself_can_be_named()
    {
        WriteShards();
        using var model = ModelFile.Open(WriteIndex(("a", First), ("b", Second)));
        model.Tensors.Count.ShouldBe(2);
    }

    [Fact]
    public void A_missing_shard_is_named()
    {
        WriteShards();
        Fault(("a", First), ("b", "model-00003.safetensors")).ShouldContain("the shard 'model-00003.safetensors', which is not there");
    }

    [Fact]
    public void A_tensor_that_the_index_places_elsewhere_is_named()
    {
        WriteShards();
        Fault(("a", Second), ("b", First)).ShouldContain($"tensor 'b' is in {Second}, but the weight_map says {First}");
    }

    [Fact]
    public void A_tensor_that_the_index_does_not_know_is_noted()
    {
        WriteShards();
        _folder.Write(First, Build($"{{{Tensor("a", "F32", "[1]", 0, 4)}, {Tensor("extra", "F32", "[1]", 4, 8)}}}", 8));

        using var model = ModelFile.Open(WriteIndex(("a", First), ("b", Second)));

        model.Notes.ShouldBe(["Tensor 'extra' is in the shards, but not in the weight_map of the index."]);
        model.TryGetTensor("extra", out _).ShouldBeTrue();
    }

    [Fact]
    public void A_tensor_that_only_the_index_knows_is_named_even_where_the_shards_have_another()
    {
        WriteShards();
        Fault(("a", First), ("c", Second)).ShouldContain($"tensor 'c' is not in {Second}");
    }

    [Fact]
    public void A_tensor_that_only_the_index_knows_is_named()
    {
        WriteShards();
        Fault(("a", First), ("b", Second), ("c", Second)).ShouldContain($"tensor 'c' is not in {Second}");
    }

    [Fact]
    public void A_tensor_in_two_shards_is_named()
    {
        WriteShards();
        _folder.Write(Second, Build($"{{{Tensor("a", "F32", "[1]", 0, 4)}}}", 4));
        Should.Throw<ModelFormatException>(() => ModelFile.Open(WriteIndex(("a", First), ("b", Second))))
            .Message.ShouldContain($"tensor 'a' is also in {Path.Combine(_folder.Root, First)}");
    }

    [Fact]
    public void A_tensor_that_the_index_lists_twice_is_named()
    {
        WriteShards();
        Fault(("a", First), ("a", First)).ShouldContain("tensor 'a' is in the weight_map twice");
    }

    [Theory]
    [InlineData("../secret.safetensors")]
    [InlineData("/etc/passwd")]
    [InlineData("..")]
    [InlineData("sub/model.safetensors")]
    [InlineData(@"..\\secret.safetensors")]
    [InlineData("C:model.safetensors")]
    [InlineData("")]
    [InlineData(@"a\u0000.safetensors")]
    [InlineData(@"a\u202etxt.safetensors")]
    public void A_shard_outside_the_folder_is_refused(string shard) => Fault(("a", shard)).ShouldContain("tensor 'a' is said to be in");

    [Theory]
    [InlineData("{}", "has no weight_map")]
    [InlineData("{\"weight_map\": [1]}", "weight_map is no object")]
    [InlineData("{\"weight_map\": {\"a\": 1}}", "tensor 'a' has no file name")]
    [InlineData("{\"weight_map\": {}, \"weight_map\": {}}", "weight_map is there twice")]
    [InlineData("{\"weight_map\": {\"a\"", "not valid JSON at line 1")]
    [InlineData("{\"weight_map\": {\"\\ud800\": \"x\"}}", "not valid Unicode")]
    public void A_malformed_index_says_what_is_wrong(string index, string expected)
    {
        string path = _folder.Write("model.safetensors.index.json", Encoding.UTF8.GetBytes(index));
        Should.Throw<ModelFormatException>(() => ModelFile.Open(path)).Message.ShouldContain(expected);
    }

    [Fact]
    public void A_damaged_shard_is_the_file_that_is_named()
    {
        WriteShards();
        string shard = _folder.Write(Second, Build($"{{{Tensor("b", "F32", "[2]", 0, 8)}}}", 7));
        var error = Should.Throw<ModelFormatException>(() => ModelFile.Open(WriteIndex(("a", First), ("b", Second))));
        error.Path.ShouldBe(shard);
        error.Message.ShouldContain("tensor 'b'");
    }

    private void WriteShards()
    {
        _folder.Write(First, Build($"{{{Tensor("a", "F32", "[1]", 0, 4)}}}", 4));
        _folder.Write(Second, Build($"{{{Tensor("b", "F32", "[2]", 0, 8)}}}", 8));
    }

    private string WriteIndex(params (string Tensor, string Shard)[] map)
    {
        string entries = string.Join(", ", map.Select(pair => $"\"{pair.Tensor}\": \"{pair.Shard}\""));
        string json = $"{{\"metadata\": {{\"total_size\": 12}}, \"weight_map\": {{{entries}}}}}";
        return _folder.Write("model.safetensors.index.json", Encoding.UTF8.GetBytes(json));
    }

    private string Fault(params (string Tensor, string Shard)[] map)
    {
        string index = WriteIndex(map);
        var error = Should.Throw<ModelFormatException>(() => ModelFile.Open(index));
        error.Path.ShouldBe(index);
        return error.Message;
    }
}
