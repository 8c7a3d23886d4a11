using System.Text;
using SparseInfer.Text;
using static SparseInfer.Runtime.Tests.Text.TestVocabulary;

namespace SparseInfer.Runtime.Tests.Text;

public class DecodeTests
{
    private const int HelloWithSpace = FirstAdded;
    private const int World = FirstAdded + 1;
    private const int SpaceUserDefined = FirstAdded + 2;

    private readonly SentencePieceTokenizer _tokenizer = new TestVocabulary { AddSpacePrefix = true }
        .Add("▁Hello").Add("world").Add(" x", 0, TokenType.UserDefined).BuildTokenizer();

    [Fact]
    public void The_prefix_space_is_stripped_once_at_the_start()
    {
        _tokenizer.Decode([HelloWithSpace, HelloWithSpace]).ShouldBe("Hello Hello");
        _tokenizer.Decode([World, HelloWithSpace]).ShouldBe("world Hello");
    }

    [Fact]
    public void Control_tokens_decode_to_nothing_and_do_not_count_as_the_start() =>
        _tokenizer.Decode([1, HelloWithSpace, 2, 0, World]).ShouldBe("Helloworld");

    [Fact]
    public void A_space_that_a_user_defined_token_begins_with_is_its_own() =>
        _tokenizer.Decode([SpaceUserDefined, HelloWithSpace]).ShouldBe(" x Hello");

    [Fact]
    public void Without_a_space_prefix_the_first_space_is_real() =>
        new TestVocabulary().Add("▁Hello").BuildTokenizer().Decode([FirstAdded]).ShouldBe(" Hello");

    [Fact]
    public void A_stream_that_continues_a_prompt_keeps_its_first_space_and_one_at_the_start_of_a_text_does_not()
    {
        _tokenizer.CreateStream().Append(HelloWithSpace).ShouldBe(" Hello");

        TokenStream start = _tokenizer.CreateStream(startOfText: true);
        start.Append(1).ShouldBe("");
        start.Append(HelloWithSpace).ShouldBe("Hello");
        start.Append(HelloWithSpace).ShouldBe(" Hello");
    }

    [Fact]
    public void A_character_in_several_tokens_comes_out_whole_with_the_last()
    {
        TokenStream stream = _tokenizer.CreateStream();

        stream.Append(ByteToken(0xF0)).ShouldBe("");
        stream.Append(ByteToken(0x9F)).ShouldBe("");
        stream.Append(ByteToken(0xA6)).ShouldBe("");
        stream.Append(ByteToken(0x99)).ShouldBe("🦙");
        stream.Flush().ShouldBe("");
    }

    [Fact]
    public void A_stream_cut_inside_a_character_flushes_one_replacement_character_and_goes_on()
    {
        TokenStream stream = _tokenizer.CreateStream();
        stream.Append(ByteToken(0xE2));
        stream.Append(ByteToken(0x82));

        stream.Flush().ShouldBe("\uFFFD");
        stream.Flush().ShouldBe("");
        stream.Append(World).ShouldBe("world");
    }

    [Fact]
    public void A_character_that_another_token_breaks_off_is_replaced()
    {
        TokenStream stream = _tokenizer.CreateStream();
        stream.Append(ByteToken(0xE2)).ShouldBe("");

        stream.Append(World).ShouldBe("\uFFFDworld");
    }

    [Fact]
    public void Streamed_random_bytes_equal_the_decoded_whole_and_never_hold_half_a_surrogate_pair()
    {
        var random = new Random(7);
        byte[] interesting = [0x20, 0x41, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC2, 0xE0, 0xED, 0xEF, 0xF0, 0xF4, 0xFF];
        for (int round = 0; round < 2000; round++)
        {
            byte[] bytes = [.. Enumerable.Range(0, random.Next(1, 24)).Select(_ => interesting[random.Next(interesting.Length)])];
            int[] tokens = [.. bytes.Select(ByteToken)];
            TokenStream stream = _tokenizer.CreateStream(startOfText: true);
            string[] parts = [.. tokens.Select(stream.Append), stream.Flush()];

            string.Concat(parts).ShouldBe(Encoding.UTF8.GetString(bytes));
            _tokenizer.Decode(tokens).ShouldBe(Encoding.UTF8.GetString(bytes));
            parts.ShouldAllBe(part => !char.IsLowSurrogate(part.FirstOrDefault()) && !char.IsHighSurrogate(part.LastOrDefault()));
        }
    }

    [Theory]
    [InlineData("models", "stories260K", "stories260K.gguf")]
    [InlineData("tokenizers", "ggml-vocab-phi-3.gguf")]
    public void Random_unicode_survives_the_round_trip_whole_and_streamed(params string[] path)
    {
        var tokenizer = new SentencePieceTokenizer(GgufVocabularyForTests.Load(path));
        var random = new Random(99);
        for (int round = 0; round < 600; round++)
        {
            string text = RandomText(random, random.Next(0, 60));
            int[] tokens = tokenizer.Encode(text, addBeginOfSequence: true);
            TokenStream stream = tokenizer.CreateStream(startOfText: true);

            tokenizer.Decode(tokens).ShouldBe(text);
            (string.Concat(tokens.Select(stream.Append)) + stream.Flush()).ShouldBe(text);
        }
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(FirstAdded + 3)]
    [InlineData(int.MaxValue)]
    [InlineData(int.MinValue)]
    public void An_id_outside_the_vocabulary_is_refused_and_the_stream_stays_as_it_was(int token)
    {
        Should.Throw<ArgumentOutOfRangeException>(() => _tokenizer.Decode([World, token])).Message.ShouldContain("0 to 261");
        Should.Throw<ArgumentOutOfRangeException>(() => _tokenizer.IsEndOfGeneration(token));

        TokenStream stream = _tokenizer.CreateStream();
        stream.Append(ByteToken(0xC3));
        Should.Throw<ArgumentOutOfRangeException>(() => stream.Append(token));
        stream.Append(ByteToken(0xA9)).ShouldBe("é");
    }

    // Everything but U+2581, which the format cannot tell from a space, and lone surrogates, which are not text.
    private static string RandomText(Random random, int length)
    {
        var text = new StringBuilder();
        for (int i = 0; i < length; i++)
        {
            Rune rune = random.Next(6) switch
            {
                0 => new Rune(' '),
                1 => new Rune(random.Next(0, 0x80)),
                2 => new Rune(random.Next(0x80, 0x800)),
                3 => new Rune(random.Next(0xE000, 0x10000)),
                4 => new Rune(random.Next(0x10000, 0x110000)),
                _ => new Rune("the and Once ▂.\n"[random.Next(16)]),
            };
            text.Append(rune);
        }

        return text.ToString();
    }
}
