using SparseInfer.Text;

namespace SparseInfer.Runtime.Tests.Text;

public class SentencePieceVocabularyTests
{
    [Fact]
    public void Tokens_are_found_by_their_text_and_described_by_their_id()
    {
        SentencePieceVocabulary vocabulary = new TestVocabulary().Add("▁the", -3.5f).Build();

        vocabulary.TryGetToken("▁the", out int token).ShouldBeTrue();
        token.ShouldBe(TestVocabulary.FirstAdded);
        vocabulary.GetPiece(token).ShouldBe("▁the");
        vocabulary.GetScore(token).ShouldBe(-3.5f);
        vocabulary.GetTokenType(token).ShouldBe(TokenType.Normal);
        vocabulary.TryGetToken("the", out _).ShouldBeFalse();
        vocabulary.Count.ShouldBe(260);
        Should.Throw<ArgumentOutOfRangeException>(() => vocabulary.GetPiece(260)).ParamName.ShouldBe("token");
    }

    [Fact]
    public void The_arrays_are_copied()
    {
        var builder = new TestVocabulary();
        string[] pieces = [.. builder.Pieces];
        var vocabulary = new SentencePieceVocabulary(pieces, [.. builder.Scores], [.. builder.Types], 1, 2, 0);

        pieces[1] = "changed";

        vocabulary.GetPiece(1).ShouldBe("<s>");
    }

    [Fact]
    public void Missing_scores_are_refused() =>
        Refused(v => v.Scores.RemoveAt(0)).ShouldBe("tokenizer.ggml.scores has 258 entries, but tokenizer.ggml.tokens has 259.");

    [Fact]
    public void Missing_types_are_refused() =>
        Refused(v => v.Types.RemoveAt(0)).ShouldBe("tokenizer.ggml.token_type has 258 entries, but tokenizer.ggml.tokens has 259.");

    [Fact]
    public void A_text_that_several_tokens_have_stands_for_the_last_of_them()
    {
        SentencePieceTokenizer tokenizer = new TestVocabulary().Add("ab").Add("a").Add("b").Add("ab").BuildTokenizer();

        tokenizer.Encode("ab", addBeginOfSequence: false).ShouldBe([262]);
        tokenizer.Decode([259]).ShouldBe("ab");
        tokenizer.Decode([262]).ShouldBe("ab");
        tokenizer.Vocabulary.Repeated.ShouldBe((259, 262));
        tokenizer.Vocabulary.RepeatedCount.ShouldBe(1);
    }

    [Fact]
    public void Tokens_without_a_text_are_never_found_and_decode_to_nothing()
    {
        SentencePieceTokenizer tokenizer = new TestVocabulary().Add("").Add("").Add("a").BuildTokenizer();

        tokenizer.Encode("aa", addBeginOfSequence: false).ShouldBe([261, 261]);
        tokenizer.Decode([259, 261, 260]).ShouldBe("a");
        tokenizer.Vocabulary.TryGetToken("", out _).ShouldBeFalse();
        tokenizer.Vocabulary.Repeated.ShouldBeNull();
    }

    [Fact]
    public void A_byte_may_have_several_tokens()
    {
        SentencePieceTokenizer tokenizer = new TestVocabulary().Add("<0x41>", 0, TokenType.Byte).BuildTokenizer();

        tokenizer.Encode("A", addBeginOfSequence: false).ShouldBe([259]);
        tokenizer.Decode([TestVocabulary.ByteToken(0x41), 259]).ShouldBe("AA");
    }

    [Fact]
    public void A_null_piece_is_refused() => Refused(v => v.Add(null!)).ShouldBe("tokenizer.ggml.tokens: token 259 has no text.");

    [Fact]
    public void A_score_that_is_not_a_number_is_refused() =>
        Refused(v => v.Scores[5] = float.NaN).ShouldBe("tokenizer.ggml.scores: the score of token 5 is NaN.");

    [Fact]
    public void A_type_that_does_not_exist_is_refused() =>
        Refused(v => v.Types[5] = (TokenType)7).ShouldBe("tokenizer.ggml.token_type: token 5 has the unknown type 7.");

    [Fact]
    public void A_missing_byte_is_refused() =>
        Refused(v => v.Pieces[3 + 0xAB] = "other").ShouldBe("tokenizer.ggml.tokens lacks the byte token <0xAB>.");

    [Fact]
    public void A_byte_of_another_type_is_refused() =>
        Refused(v => v.Types[3] = TokenType.Normal).ShouldBe("tokenizer.ggml.token_type: token 3, <0x00>, is not of type 6 (byte).");

    [Fact]
    public void A_byte_token_that_names_no_byte_is_refused() =>
        Refused(v => v.Add("<0xZZ>", 0, TokenType.Byte))
            .ShouldBe("tokenizer.ggml.token_type: token 259, \"<0xZZ>\", is of type byte but not written <0xNN>.");

    [Theory]
    [InlineData(-1)]
    [InlineData(259)]
    public void Special_ids_outside_the_vocabulary_are_refused(int id)
    {
        Refused(v => v.BeginOfSequence = id).ShouldBe($"tokenizer.ggml.bos_token_id is {id}, but tokenizer.ggml.tokens has 259 entries.");
        Refused(v => v.EndOfSequence = id).ShouldBe($"tokenizer.ggml.eos_token_id is {id}, but tokenizer.ggml.tokens has 259 entries.");
        Refused(v => v.Unknown = id).ShouldBe($"tokenizer.ggml.unknown_token_id is {id}, but tokenizer.ggml.tokens has 259 entries.");
    }

    [Fact]
    public void A_begin_of_sequence_that_is_asked_for_but_missing_is_refused() =>
        Refused(v => v.BeginOfSequence = null).ShouldStartWith("tokenizer.ggml.bos_token_id is missing");

    [Fact]
    public void A_vocabulary_may_have_neither_begin_nor_end()
    {
        SentencePieceTokenizer tokenizer =
            new TestVocabulary { AddBeginOfSequence = false, BeginOfSequence = null, EndOfSequence = null }.BuildTokenizer();

        tokenizer.BeginOfSequence.ShouldBeNull();
        tokenizer.EndOfSequence.ShouldBeNull();
        Enumerable.Range(0, tokenizer.VocabularySize).Any(tokenizer.IsEndOfGeneration).ShouldBeFalse();
    }

    [Theory]
    [InlineData("<|eot_id|>")]
    [InlineData("<|im_end|>")]
    [InlineData("<|end|>")]
    [InlineData("<end_of_turn>")]
    [InlineData("<|endoftext|>")]
    [InlineData("<|eom_id|>")]
    [InlineData("<|end_of_text|>")]
    [InlineData("<end_of_utterance>")]
    [InlineData("<EOT>")]
    [InlineData("<|fim_pad|>")]
    public void A_token_whose_text_ends_turns_ends_generation_whatever_its_type(string piece)
    {
        foreach (TokenType type in new[] { TokenType.Control, TokenType.UserDefined, TokenType.Normal })
        {
            SentencePieceTokenizer tokenizer = new TestVocabulary().Add(piece, 0, type).Add("other").BuildTokenizer();
            EndsOf(tokenizer).ShouldBe([2, TestVocabulary.FirstAdded], $"{piece}, {type}");
        }
    }

    [Fact]
    public void Between_the_messages_of_one_answer_generation_goes_on() =>
        EndsOf(new TestVocabulary().Add("<|end|>").Add("<|return|>").Add("<|call|>").BuildTokenizer())
            .ShouldBe([2, TestVocabulary.FirstAdded + 1, TestVocabulary.FirstAdded + 2]);

    [Fact]
    public void Ends_of_generation_that_a_file_names_by_id_count_beside_the_end_of_sequence()
    {
        var vocabulary = new TestVocabulary { EndOfGeneration = [40, 2, 50] };
        EndsOf(vocabulary.BuildTokenizer()).ShouldBe([2, 40, 50]);
        vocabulary.EndOfGeneration = [259];
        Should.Throw<InvalidDataException>(() => vocabulary.Build()).Message.ShouldContain("259");
    }

    private static IEnumerable<int> EndsOf(SentencePieceTokenizer tokenizer) =>
        Enumerable.Range(0, tokenizer.VocabularySize).Where(tokenizer.IsEndOfGeneration);

    private static string Refused(Action<TestVocabulary> spoil)
    {
        var vocabulary = new TestVocabulary();
        spoil(vocabulary);
        return Should.Throw<InvalidDataException>(() => vocabulary.Build()).Message;
    }
}
