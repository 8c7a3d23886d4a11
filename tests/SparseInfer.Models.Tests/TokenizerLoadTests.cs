using System.Text;
using Models;
using SparseInfer.Files;
using SparseInfer.Text;

namespace SparseInfer.Models.Tests;

/// <summary>Odd vocabularies, unusable ones, and tokenizers of a user's own.</summary>
public sealed class TokenizerLoadTests(LoadedModels models) : IDisposable
{
    private const string Story = "Once upon a time, there was a little girl named Zoë.";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("tokenizer.ggml.bos_token_id", -1L)]
    [InlineData("tokenizer.ggml.eos_token_id", -1L)]
    [InlineData("tokenizer.ggml.unknown_token_id", -1L)]
    [InlineData("tokenizer.ggml.bos_token_id", 4294967295L)]
    [InlineData("tokenizer.ggml.eos_token_id", 4294967295L)]
    [InlineData("tokenizer.ggml.eos_token_id", 512L)]
    [InlineData("tokenizer.ggml.unknown_token_id", long.MaxValue)]
    [InlineData("tokenizer.ggml.eot_token_id", 4294967295L)]
    public void A_special_id_that_is_no_token_counts_as_absent_and_is_noted(string key, long id)
    {
        string path = Copy(copy => copy.Without(key).Add(writer => Add(writer, key, id)));
        using ReluF16 model = ReluF16.Load(path, Device);
        model.LoadReport.Notes.ShouldHaveSingleItem().ShouldStartWith($"'{key}' is {id}, which is none of the 512 tokens");

        // Without the key, the vocabulary's own special tokens are where they always are.
        Tokenizer sound = models.Get(Loaded.ReluF16).Tokenizer;
        model.Tokenizer.BeginOfSequence.ShouldBe(sound.BeginOfSequence);
        model.Tokenizer.EndOfSequence.ShouldBe(sound.EndOfSequence);
        model.Tokenizer.Encode(Story, addBeginOfSequence: true).ShouldBe(sound.Encode(Story, addBeginOfSequence: true));
    }

    [Fact]
    public void A_special_id_is_not_guessed_where_an_ordinary_token_has_the_usual_id()
    {
        int[] types = Stored(metadata => metadata.TryGetInt32Array("tokenizer.ggml.token_type", out int[]? values) ? values : []);
        (types[1], types[2]) = (1, 1);
        string path = Copy(copy => copy
            .Key("tokenizer.ggml.token_type", writer => writer.Add("tokenizer.ggml.token_type", types))
            .Key("tokenizer.ggml.bos_token_id", writer => writer.Add("tokenizer.ggml.bos_token_id", uint.MaxValue))
            .Key("tokenizer.ggml.eos_token_id", writer => writer.Add("tokenizer.ggml.eos_token_id", -1)));
        using ReluF16 model = ReluF16.Load(path, Device);
        model.LoadReport.Notes.Count.ShouldBe(3);
        model.LoadReport.Notes.ShouldContain(note => note.EndsWith("as if the key were absent, there is no such token."));
        model.LoadReport.Notes.ShouldContain(note => note.Contains("sequences start without one"));
        model.Tokenizer.BeginOfSequence.ShouldBeNull();
        model.Tokenizer.EndOfSequence.ShouldBeNull();
        model.Tokenizer.Encode("a", addBeginOfSequence: true).ShouldBe(model.Tokenizer.Encode("a", addBeginOfSequence: false));
    }

    [Fact]
    public void Without_scores_pieces_merge_in_the_order_of_their_ids()
    {
        using ReluF16 model = ReluF16.Load(Copy(copy => copy.Without("tokenizer.ggml.scores")), Device);
        model.LoadReport.Notes.ShouldHaveSingleItem().ShouldStartWith("'tokenizer.ggml.scores' is missing");
        model.Tokenizer.Encode(Story, addBeginOfSequence: true)
            .ShouldBe(models.Get(Loaded.ReluF16).Tokenizer.Encode(Story, addBeginOfSequence: true));
    }

    [Fact]
    public void Without_types_bytes_and_special_tokens_are_known_all_the_same()
    {
        using ReluF16 model = ReluF16.Load(Copy(copy => copy.Without("tokenizer.ggml.token_type")), Device);
        model.LoadReport.Notes.ShouldHaveSingleItem().ShouldStartWith("'tokenizer.ggml.token_type' is missing");
        Tokenizer sound = models.Get(Loaded.ReluF16).Tokenizer;
        int[] tokens = sound.Encode(Story, addBeginOfSequence: true);
        model.Tokenizer.Encode(Story, addBeginOfSequence: true).ShouldBe(tokens);
        model.Tokenizer.Decode(tokens).ShouldBe(Story);
        model.Tokenizer.IsEndOfGeneration(2).ShouldBeTrue();
        model.Tokenizer.Encode("<s></s>", addBeginOfSequence: false).ShouldBe(sound.Encode("<s></s>", addBeginOfSequence: false));
    }

    [Fact]
    public void Repeated_and_empty_texts_and_unknown_types_are_noted()
    {
        string[] tokens = Stored(metadata => metadata.TryGetStringArray("tokenizer.ggml.tokens", out string[]? values) ? values : []);
        int[] types = Stored(metadata => metadata.TryGetInt32Array("tokenizer.ggml.token_type", out int[]? values) ? values : []);
        (tokens[509], tokens[510], tokens[511], types[508]) = ("", "", tokens[300], 77);
        string path = Copy(copy => copy
            .Key("tokenizer.ggml.tokens", writer => writer.Add("tokenizer.ggml.tokens", tokens))
            .Key("tokenizer.ggml.token_type", writer => writer.Add("tokenizer.ggml.token_type", types)));
        using ReluF16 model = ReluF16.Load(path, Device);
        model.LoadReport.Notes.Count.ShouldBe(3);
        model.LoadReport.Notes.ShouldContain(note => note.Contains("types for 1 tokens that are not defined"));
        model.LoadReport.Notes.ShouldContain(note => note.StartsWith("2 of the 512 tokens have no text"));
        model.LoadReport.Notes.ShouldContain(note => note.StartsWith("1 tokens have the text of another, tokens 300 and 511"));
        model.Tokenizer.Decode([300, 511]).ShouldBe(model.Tokenizer.Decode([300]) + tokens[300].Replace('▁', ' '));
    }

    public static TheoryData<string, string> Unusable => new()
    {
        {
            "tokenizer.ggml.model",
            "'tokenizer.ggml.model' is 'bert', and only 'llama' (SentencePiece BPE) and 'gpt2' (byte-level BPE) are supported"
        },
        { "no merges", "'tokenizer.ggml.merges' is missing; it must be an array of texts" },
        { "half a merge", "'tokenizer.ggml.merges': entry 1, 'ab', is not two texts with a space between" },
        { "pre-tokenizer", "'tokenizer.ggml.pre' is 'gemma4', a pre-tokenizer that is not supported; supported are gpt-2, llama-bpe, qwen2" },
        { "tokenizer.ggml.tokens", "'tokenizer.ggml.tokens' is missing" },
        { "tokenizer.ggml.scores", "tokenizer.ggml.scores has 3 entries, but tokenizer.ggml.tokens has 512" },
        { "tokenizer.ggml.token_type", "'tokenizer.ggml.token_type' is string, but must be an array of integers" },
        { "few types", "tokenizer.ggml.token_type has 1 entries, but tokenizer.ggml.tokens has 512" },
        { "more tokens", "'tokenizer.ggml.tokens' has 513 tokens, but [DecoderModel] Vocabulary = 512 is declared" },
        { "no bytes", "lacks the byte token <0x00>" },
        { "not unicode", "holds a text that is not valid UTF-8" },
    };

    [Theory]
    [MemberData(nameof(Unusable))]
    public async Task A_vocabulary_that_cannot_be_used_leaves_a_model_of_token_ids(string what, string reason)
    {
        string path = Copy(copy => Spoil(copy, what));
        if (what == "not unicode")
        {
            byte[] bytes = File.ReadAllBytes(path);
            int at = bytes.AsSpan().IndexOf("<unk>"u8);
            bytes[at + 1] = 0xFF;
            File.WriteAllBytes(path, bytes);
        }

        using ReluF16 model = ReluF16.Load(path, Device);
        model.HasTokenizer.ShouldBeFalse();
        model.LoadReport.Notes.ShouldContain(note => note.StartsWith("No tokenizer: ") && note.Contains(reason));
        using Session session = model.CreateSession();
        session.Forward([1, 300]).Length.ShouldBe(512);
        var error = await Should.ThrowAsync<InvalidOperationException>(() => session.GenerateAsync("Zoo").TextAsync());
        error.Message.ShouldContain(reason);
        error.Message.ShouldContain("LoadOptions.Tokenizer");
        session.Forward([300]).Length.ShouldBe(512);

        // Who names a file for its tokenizer wants that one.
        Should.Throw<ModelFormatException>(() => ReluF16.Load(BundledFiles.ReluGguf, Device, new LoadOptions { TokenizerPath = path }))
            .Message.ShouldContain(reason);
    }

    [Fact]
    public void A_tokenizer_opens_without_a_model()
    {
        Tokenizer sound = models.Get(Loaded.ReluF16).Tokenizer;
        int[] tokens = sound.Encode(Story, addBeginOfSequence: true);
        Tokenizer.Open(BundledFiles.ReluGguf).Encode(Story, addBeginOfSequence: true).ShouldBe(tokens);
        Tokenizer phi3 = Tokenizer.Open(BundledFiles.Phi3Vocabulary);
        phi3.VocabularySize.ShouldBe(32064);

        Tokenizer kept;
        List<string> notes = [];
        using (ModelFile file = ModelFile.Open(Copy(copy => copy.Without("tokenizer.ggml.scores"))))
        {
            kept = Tokenizer.Open(file, notes);
        }

        notes.ShouldHaveSingleItem();
        kept.Encode(Story, addBeginOfSequence: true).ShouldBe(tokens);
        Should.Throw<ModelFormatException>(() => Tokenizer.Open(BundledFiles.ReluSafetensors)).Message
            .ShouldEndWith(
                "has no tokenizer that can be used: safetensors files have none, and there is no tokenizer.json or tokenizer.model beside them.");
        Should.Throw<FileNotFoundException>(() => Tokenizer.Open(_folder.At("none.gguf")));
    }

    [Fact]
    public async Task A_tokenizer_of_ones_own_is_used_in_place_of_the_files()
    {
        var own = new Shouting(models.Get(Loaded.ReluF16).Tokenizer);
        using ReluF16 model = ReluF16.Load(BundledFiles.ReluSafetensors, Device, new LoadOptions { Tokenizer = own });
        model.Tokenizer.ShouldBe(own);
        model.LoadReport.Notes.ShouldNotContain(note => note.Contains("okenizer"));
        var options = new GenerationOptions { MaxTokens = 8, Temperature = 0 };
        string expected = await models.Get(Loaded.ReluF16).GenerateAsync("Once upon a time", options).TextAsync();
        (await model.GenerateAsync("ONCE upon A time", options).TextAsync()).ShouldBe(expected.ToUpperInvariant());

        Should.Throw<ArgumentException>(() => ReluF16.Load(
                BundledFiles.ReluGguf, Device, new LoadOptions { Tokenizer = Tokenizer.Open(BundledFiles.Phi3Vocabulary) }))
            .Message.ShouldStartWith("LoadOptions.Tokenizer has 32064 tokens, but [DecoderModel] Vocabulary = 512 is declared.");
    }

    [Fact]
    public void Without_a_tokenizer_the_files_is_not_looked_at()
    {
        string path = Copy(copy => copy.Without("tokenizer.ggml.tokens"));
        using ReluF16 model = ReluF16.Load(path, Device, new LoadOptions { NoTokenizer = true });
        model.HasTokenizer.ShouldBeFalse();
        model.LoadReport.Notes.ShouldBeEmpty();
        Should.Throw<InvalidOperationException>(() => model.Tokenizer).Message.ShouldContain("LoadOptions.NoTokenizer was given");
    }

    [Fact]
    public void Only_one_tokenizer_can_be_asked_for()
    {
        Tokenizer tokenizer = models.Get(Loaded.ReluF16).Tokenizer;
        foreach (LoadOptions options in new LoadOptions[]
        {
            new() { NoTokenizer = true, TokenizerPath = BundledFiles.ReluGguf },
            new() { NoTokenizer = true, Tokenizer = tokenizer },
            new() { TokenizerPath = BundledFiles.ReluGguf, Tokenizer = tokenizer },
        })
        {
            Should.Throw<ArgumentException>(() => ReluF16.Load(BundledFiles.ReluGguf, Device, options)).Message.ShouldContain("exclude each other");
        }
    }

    private CpuDevice Device => models.Device(threads: 1);

    private static void Add(GgufWriter writer, string key, long id)
    {
        if (id < 0)
        {
            writer.Add(key, (int)id);
        }
        else if (id <= uint.MaxValue)
        {
            writer.Add(key, (uint)id);
        }
        else
        {
            writer.Add(key, (ulong)id);
        }
    }

    private static void Spoil(GgufCopy copy, string what)
    {
        string[] tokens = Stored(metadata => metadata.TryGetStringArray("tokenizer.ggml.tokens", out string[]? values) ? values : []);
        switch (what)
        {
            case "tokenizer.ggml.model":
                copy.Key(what, writer => writer.Add(what, "bert"));
                break;
            case "no merges" or "half a merge" or "pre-tokenizer":
                copy.Key("tokenizer.ggml.model", writer => writer.Add("tokenizer.ggml.model", "gpt2"));
                copy.Add(writer => writer.Add("tokenizer.ggml.pre", what == "pre-tokenizer" ? "gemma4" : "gpt-2"));
                if (what == "half a merge")
                {
                    copy.Add(writer => writer.Add("tokenizer.ggml.merges", (string[])["a b", "ab"]));
                }

                break;
            case "tokenizer.ggml.tokens":
                copy.Without(what);
                break;
            case "tokenizer.ggml.scores":
                copy.Key(what, writer => writer.Add(what, [1f, 2f, 3f]));
                break;
            case "tokenizer.ggml.token_type":
                copy.Key(what, writer => writer.Add(what, "normal"));
                break;
            case "few types":
                copy.Key("tokenizer.ggml.token_type", writer => writer.Add("tokenizer.ggml.token_type", [1]));
                copy.Key("tokenizer.ggml.eos_token_id", writer => writer.Add("tokenizer.ggml.eos_token_id", -1));
                break;
            case "more tokens":
                copy.Key("tokenizer.ggml.tokens", writer => writer.Add("tokenizer.ggml.tokens", (string[])[.. tokens, "more"]));
                copy.Without("tokenizer.ggml.scores").Without("tokenizer.ggml.token_type");
                break;
            case "no bytes":
                copy.Key("tokenizer.ggml.tokens", writer => writer.Add(
                    "tokenizer.ggml.tokens", (string[])[.. tokens.Select(token => token.StartsWith("<0x") ? "x" + token : token)]));
                copy.Without("tokenizer.ggml.token_type");
                break;
        }
    }

    private static T Stored<T>(Func<ModelMetadata, T> read)
    {
        using ModelFile file = ModelFile.Open(BundledFiles.ReluGguf);
        return read(file.Metadata);
    }

    private string Copy(Action<GgufCopy> change)
    {
        var copy = new GgufCopy();
        change(copy);
        return copy.Write(BundledFiles.ReluGguf, _folder.At("changed.gguf"));
    }

    /// <summary>What a user could write: reads small letters for any, and writes capitals.</summary>
    private sealed class Shouting(Tokenizer inner) : Tokenizer
    {
        public override int VocabularySize => inner.VocabularySize;

        public override int? BeginOfSequence => inner.BeginOfSequence;

        public override int? EndOfSequence => inner.EndOfSequence;

        public override int[] Encode(string text, bool addBeginOfSequence, bool parseControlTokens = false, bool continuesText = false)
        {
            string small = text.ToLowerInvariant();
            return inner.Encode(char.ToUpperInvariant(small[0]) + small[1..], addBeginOfSequence, parseControlTokens, continuesText);
        }

        public override ReadOnlySpan<byte> GetBytes(int token) =>
            Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(inner.GetBytes(token)).ToUpperInvariant());

        public override bool IsEndOfGeneration(int token) => inner.IsEndOfGeneration(token);
    }
}
