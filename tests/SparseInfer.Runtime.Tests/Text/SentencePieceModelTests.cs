using System.Text;
using SparseInfer.Files;
using SparseInfer.Runtime.Tests.Files;
using SparseInfer.Text;

namespace SparseInfer.Runtime.Tests.Text;

/// <summary>SentencePiece's own files, <c>tokenizer.model</c>.</summary>
public sealed class SentencePieceModelTests : IDisposable
{
    private const int BytePairEncoding = 2;

    private readonly TemporaryFolder _folder = new();
    private readonly ModelFile _phi3 = ModelFile.Open(TestData.Path("tokenizers", "ggml-vocab-phi-3.gguf"));

    public void Dispose()
    {
        _phi3.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void The_same_vocabulary_gives_the_same_ids_as_from_GGUF()
    {
        Tokenizer fromGguf = Tokenizer.Open(_phi3);
        Tokenizer fromModel = Tokenizer.Open(_folder.Write("tokenizer.model", Model(Pieces(), Training(), Normalizer())));
        fromModel.VocabularySize.ShouldBe(fromGguf.VocabularySize);
        fromModel.BeginOfSequence.ShouldBe(1);
        fromModel.EndOfSequence.ShouldBe(2);
        foreach (string text in File.ReadAllText(TestData.Path("tokenizers", "ggml-vocab-phi-3.gguf.inp")).Split("\n__ggml_vocab_test__\n"))
        {
            int[] ids = fromGguf.Encode(text, addBeginOfSequence: true);
            fromModel.Encode(text, addBeginOfSequence: true).ShouldBe(ids, text);
            fromModel.Decode(ids).ShouldBe(text);
        }
    }

    [Fact]
    public void The_file_beside_adds_tokens_and_says_whether_one_begins_a_sequence()
    {
        int count = Pieces().Count;
        _folder.Write("tokenizer_config.json", Encoding.UTF8.GetBytes($$"""
            {"add_bos_token": false, "added_tokens_decoder": {
                "1": {"content": "<s>", "special": true}, "{{count}}": {"content": "<|im_end|>", "special": true}, "{{count + 1}}": {"content": "<x>"} } }
            """));
        _folder.Write("tokenizer.model", Model(Pieces(), Training(), Normalizer()));
        Tokenizer tokenizer = Tokenizer.Open(_folder.Root);
        tokenizer.VocabularySize.ShouldBe(count + 2);
        tokenizer.Encode("a<x>", addBeginOfSequence: true).ShouldBe([263, count + 1]);
        tokenizer.IsEndOfGeneration(count).ShouldBeTrue();
    }

    /// <summary>As a file has it that was prepared from a folder.</summary>
    [Fact]
    public void A_GGUF_file_that_keeps_the_files_gives_the_same_ids()
    {
        byte[] config = """{"add_bos_token": false, "added_tokens_decoder": {"1": {"content": "<s>", "special": true}} }"""u8.ToArray();
        _folder.Write("tokenizer_config.json", config);
        byte[] model = Model(Pieces(), Training(), Normalizer());
        Tokenizer expected = Tokenizer.Open(_folder.Write("tokenizer.model", model));
        var writer = new GgufWriter();
        writer.Add(PreparedTensors.FileKey("tokenizer.model"), model);
        writer.Add(PreparedTensors.FileKey("tokenizer_config.json"), config);
        writer.Save(Path.Combine(_folder.Root, "kept.gguf"));
        Tokenizer kept = Tokenizer.Open(Path.Combine(_folder.Root, "kept.gguf"));
        kept.Encode("Once upon a time <s>", addBeginOfSequence: true).ShouldBe(expected.Encode("Once upon a time <s>", addBeginOfSequence: true));
    }

    [Fact]
    public void A_key_that_holds_no_file_is_named()
    {
        foreach ((Action<GgufWriter, string> add, string found) in new (Action<GgufWriter, string>, string)[]
        {
            ((writer, key) => writer.Add(key, "{}"), "is string"),
            ((writer, key) => writer.Add(key, 7u), "is u32"),
            ((writer, key) => writer.Add(key, new[] { 1, 2 }.AsSpan()), "is array of 2 i32"),
            ((writer, key) => writer.Add(key, ReadOnlySpan<byte>.Empty), "is array of 0 u8"),
            ((writer, key) => writer.Add(key, new byte[] { 1, 2, 3 }), "tokenizer.model"),
        })
        {
            var writer = new GgufWriter();
            add(writer, PreparedTensors.FileKey("tokenizer.model"));
            writer.Save(Path.Combine(_folder.Root, "kept.gguf"));
            Should.Throw<ModelFormatException>(() => Tokenizer.Open(Path.Combine(_folder.Root, "kept.gguf"))).Message.ShouldContain(found);
        }
    }

    [Theory]
    [InlineData("unigram", "its model_type is 1, and only 2 (BPE) is supported")]
    [InlineData("no bytes", "it has no byte_fallback, which must be")]
    [InlineData("characters", "its normalizer 'nmt_nfkc' maps characters, which is not supported")]
    [InlineData("spaces", "it asks for remove_extra_whitespaces, which is not supported")]
    [InlineData("suffixes", "it asks for treat_whitespace_as_suffix, which is not supported")]
    [InlineData("empty", "it has no pieces")]
    [InlineData("type", "token 5 has the unknown type 9")]
    [InlineData("text", "this is no SentencePiece model")]
    public void What_is_damaged_or_not_supported_is_refused_by_name(string what, string fault)
    {
        byte[] bytes = what switch
        {
            "unigram" => Model(Pieces(), Training(modelType: 1), Normalizer()),
            "no bytes" => Model(Pieces(), Training(byteFallback: 0), Normalizer()),
            "characters" => Model(Pieces(), Training(), Normalizer(characterMap: "x")),
            "spaces" => Model(Pieces(), Training(), Normalizer(removeSpaces: 1)),
            "suffixes" => Model(Pieces(), [.. Training(), .. Field(24, 1)], Normalizer()),
            "empty" => Model([], Training(), Normalizer()),
            "type" => Model([.. Pieces().Select((piece, token) => token == 5 ? Piece("x", 0, 9) : piece)], Training(), Normalizer()),
            _ => "some text, and no protocol buffer"u8.ToArray(),
        };
        Should.Throw<ModelFormatException>(() => Tokenizer.Open(_folder.Write("tokenizer.model", bytes))).Message.ShouldContain(fault);
    }

    [Fact]
    public void Cutting_and_changing_bytes_gives_a_tokenizer_or_one_clear_error()
    {
        byte[] sound = Model([.. Pieces().Take(600)], Training(), Normalizer());
        var random = new Random(3);
        for (int i = 0; i < 300; i++)
        {
            byte[] bytes = i % 2 == 0 ? sound[..random.Next(sound.Length)] : [.. sound];
            for (int changes = i % 2 == 0 ? 0 : random.Next(1, 5); changes > 0; changes--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            try
            {
                Tokenizer.Open(_folder.Write("tokenizer.model", bytes)).Encode("a text é", addBeginOfSequence: true);
            }
            catch (ModelFormatException)
            {
            }
        }
    }

    private static byte[] Model(List<byte[]> pieces, byte[] training, byte[] normalizer) =>
        [.. pieces.SelectMany(piece => Field(1, piece)), .. Field(2, training), .. Field(3, normalizer)];

    private static byte[] Training(ulong modelType = BytePairEncoding, ulong byteFallback = 1) =>
        [.. Field(3, modelType), .. Field(35, byteFallback), .. Field(40, 0), .. Field(41, 1), .. Field(42, 2)];

    private static byte[] Normalizer(string characterMap = "", ulong removeSpaces = 0) =>
        [.. Field(1, Encoding.UTF8.GetBytes(characterMap.Length > 0 ? "nmt_nfkc" : "identity")), .. Field(2, Encoding.UTF8.GetBytes(characterMap)), .. Field(3, 1), .. Field(4, removeSpaces)];

    private static byte[] Piece(string text, float score, int type) =>
        [.. Field(1, Encoding.UTF8.GetBytes(text)), 0x15, .. BitConverter.GetBytes(score), .. Field(3, (ulong)type)];

    private static byte[] Field(int number, ulong value) => [.. Varint((ulong)number << 3), .. Varint(value)];

    private static byte[] Field(int number, byte[] value) => [.. Varint(((ulong)number << 3) | 2), .. Varint((ulong)value.Length), .. value];

    private static byte[] Varint(ulong value)
    {
        List<byte> bytes = [];
        for (; value >= 0x80; value >>= 7)
        {
            bytes.Add((byte)(value | 0x80));
        }

        return [.. bytes, (byte)value];
    }

    private List<byte[]> Pieces()
    {
        _phi3.Metadata.TryGetStringArray("tokenizer.ggml.tokens", out string[]? pieces).ShouldBeTrue();
        _phi3.Metadata.TryGetSingleArray("tokenizer.ggml.scores", out float[]? scores).ShouldBeTrue();
        _phi3.Metadata.TryGetInt32Array("tokenizer.ggml.token_type", out int[]? types).ShouldBeTrue();
        return [.. pieces!.Select((piece, token) => Piece(piece, scores![token], types![token]))];
    }
}
