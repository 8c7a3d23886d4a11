using SparseInfer.Text;
using static SparseInfer.Runtime.Tests.Text.TestVocabulary;

namespace SparseInfer.Runtime.Tests.Text;

public class SentencePieceEncodeTests
{
    [Fact]
    public void The_pair_of_the_highest_score_merges_first()
    {
        SentencePieceTokenizer tokenizer = new TestVocabulary().Add("a").Add("b").Add("c").Add("ab", -2).Add("bc", -1).BuildTokenizer();

        Pieces(tokenizer, "abc").ShouldBe(["a", "bc"]);
    }

    [Fact]
    public void Among_equal_scores_the_leftmost_pair_merges_first()
    {
        SentencePieceTokenizer tokenizer = new TestVocabulary().Add("a").Add("aa", -1).BuildTokenizer();

        Pieces(tokenizer, "aaaaa").ShouldBe(["aa", "aa", "a"]);
    }

    [Fact]
    public void Negative_and_positive_zero_are_equal_scores()
    {
        SentencePieceTokenizer tokenizer =
            new TestVocabulary().Add("a").Add("b").Add("c").Add("ab", -0f).Add("bc", 0f).BuildTokenizer();

        Pieces(tokenizer, "abc").ShouldBe(["ab", "c"]);
    }

    [Fact]
    public void A_pair_out_of_date_after_a_merge_is_not_applied()
    {
        SentencePieceTokenizer tokenizer = new TestVocabulary().Add("a").Add("b").Add("c").Add("d")
            .Add("bc", -1).Add("ab", -2).Add("cd", -3).Add("bcd", -4).BuildTokenizer();

        Pieces(tokenizer, "abcd").ShouldBe(["a", "bcd"]);
    }

    [Fact]
    public void Merging_equals_a_plain_repeated_search_on_random_vocabularies()
    {
        var random = new Random(20240);
        for (int round = 0; round < 60; round++)
        {
            var builder = new TestVocabulary().Add("a").Add("b").Add("é").Add("🦙");
            for (int i = 0; i < 40; i++)
            {
                string piece = RandomWord(random, random.Next(2, 6));
                if (!builder.Pieces.Contains(piece))
                {
                    builder.Add(piece, -random.Next(12));
                }
            }

            SentencePieceTokenizer tokenizer = builder.BuildTokenizer();
            for (int i = 0; i < 20; i++)
            {
                string text = RandomWord(random, random.Next(1, 40));
                Pieces(tokenizer, text).ShouldBe(MergeByRepeatedSearch(tokenizer.Vocabulary, text), $"\"{text}\"");
            }
        }
    }

    [Fact]
    public void A_prompt_of_a_hundred_thousand_characters_encodes()
    {
        var builder = new TestVocabulary();
        for (int length = 1, i = 0; length <= 1024; length *= 2, i++)
        {
            builder.Add(new string('a', length), -i);
        }

        int[] tokens = builder.BuildTokenizer().Encode(new string('a', 1 << 17), addBeginOfSequence: false);

        tokens.ShouldBe(Enumerable.Repeat(FirstAdded + 10, 128));
    }

    [Theory]
    [InlineData(true, "▁a", "▁b")]
    [InlineData(false, "a", "▁b")]
    public void Spaces_are_escaped_and_one_is_put_in_front_where_the_vocabulary_says_so(bool addSpacePrefix, string first, string second)
    {
        TestVocabulary builder = new TestVocabulary { AddSpacePrefix = addSpacePrefix }
            .Add("a").Add("b").Add("▁").Add("▁a", -1).Add("▁b", -2);

        Pieces(builder.BuildTokenizer(), "a b").ShouldBe([first, second]);
    }

    [Fact]
    public void Characters_outside_the_vocabulary_are_spelled_in_bytes()
    {
        SentencePieceTokenizer tokenizer = new TestVocabulary().Add("a").BuildTokenizer();

        tokenizer.Encode("a€🦙", addBeginOfSequence: false).ShouldBe(
            [FirstAdded, .. new byte[] { 0xE2, 0x82, 0xAC, 0xF0, 0x9F, 0xA6, 0x99 }.Select(ByteToken)]);
    }

    [Theory]
    [InlineData(0xD83D)]
    [InlineData(0xDE00)]
    public void A_lone_surrogate_is_encoded_as_the_replacement_character(int lone)
    {
        SentencePieceTokenizer tokenizer = new TestVocabulary().Add("a").Add("😀").BuildTokenizer();

        tokenizer.Encode("a" + (char)lone + "a😀", addBeginOfSequence: false).ShouldBe(
            [FirstAdded, ByteToken(0xEF), ByteToken(0xBF), ByteToken(0xBD), FirstAdded, FirstAdded + 1]);
    }

    [Fact]
    public void An_empty_text_has_no_tokens_but_the_begin_of_sequence()
    {
        SentencePieceTokenizer tokenizer = new TestVocabulary { AddSpacePrefix = true }.BuildTokenizer();

        tokenizer.Encode("", addBeginOfSequence: false).ShouldBeEmpty();
        tokenizer.Encode("", addBeginOfSequence: true).ShouldBe([1]);
    }

    [Fact]
    public void A_model_trained_without_a_begin_of_sequence_gets_none()
    {
        SentencePieceTokenizer tokenizer = new TestVocabulary { AddBeginOfSequence = false }.Add("a").BuildTokenizer();

        tokenizer.Encode("a", addBeginOfSequence: true).ShouldBe([FirstAdded]);
    }

    [Fact]
    public void Control_tokens_in_a_text_are_text_unless_asked_for()
    {
        SentencePieceTokenizer tokenizer = new TestVocabulary().Add("a").Add("<").Add("s").Add(">").Add("<s").BuildTokenizer();

        // "<s" exists, so plain merging could reach "<s>"; it must not.
        Pieces(tokenizer, "a<s>a").ShouldBe(["a", "<s", ">", "a"]);
        tokenizer.Encode("a<s>a", addBeginOfSequence: false, parseControlTokens: true).ShouldBe([FirstAdded, 1, FirstAdded]);
    }

    [Fact]
    public void Text_that_looks_like_a_byte_token_stays_text()
    {
        TestVocabulary builder = new TestVocabulary().Add("<").Add("0").Add("x").Add("A").Add(">")
            .Add("<0").Add("<0x").Add("<0xA").Add("<0xAA");

        Pieces(builder.BuildTokenizer(), "<0xAA>").ShouldBe(["<0xAA", ">"]);
    }

    [Fact]
    public void User_defined_tokens_are_cut_out_before_merging_the_longest_first()
    {
        TestVocabulary builder = new TestVocabulary().Add("a").Add("b").Add("c").Add("d").Add("ab", 5)
            .Add("ab|", -9, TokenType.UserDefined).Add("|cd|", -9, TokenType.UserDefined).Add("|", -9, TokenType.UserDefined);

        Pieces(builder.BuildTokenizer(), "ab|cd|ab|ab").ShouldBe(["ab", "|cd|", "ab|", "ab"]);
    }

    [Fact]
    public void The_space_prefix_returns_after_a_token_that_is_matched_whole()
    {
        TestVocabulary builder = new TestVocabulary { AddSpacePrefix = true }
            .Add("▁").Add("a").Add("▁a", -1).Add("|", 0, TokenType.UserDefined);

        Pieces(builder.BuildTokenizer(), "a|a").ShouldBe(["▁a", "|", "▁a"]);
        Pieces(builder.BuildTokenizer(), "||a").ShouldBe(["|", "|", "▁a"]);
    }

    [Fact]
    public void An_empty_piece_in_the_vocabulary_does_not_match_anywhere()
    {
        SentencePieceTokenizer tokenizer = new TestVocabulary().Add("", 0, TokenType.UserDefined).Add("a").BuildTokenizer();

        tokenizer.Encode("aa", addBeginOfSequence: false).ShouldBe([FirstAdded + 1, FirstAdded + 1]);
    }

    [Fact]
    public void Threads_share_one_tokenizer()
    {
        var tokenizer = new SentencePieceTokenizer(GgufVocabularyForTests.Load("models", "stories260K", "stories260K.gguf"));
        string[] texts = [.. Enumerable.Range(0, 200).Select(i => string.Concat(Enumerable.Repeat($"Once upon a time {i} ", 1 + i % 7)))];
        int[][] expected = [.. texts.Select(text => tokenizer.Encode(text, true))];

        int[][] actual = [.. texts.AsParallel().AsOrdered().WithDegreeOfParallelism(4).Select(text => tokenizer.Encode(text, true))];

        actual.ShouldBe(expected);
    }

    [Fact]
    public void A_null_text_is_refused() =>
        Should.Throw<ArgumentNullException>(() => new TestVocabulary().BuildTokenizer().Encode(null!, true)).ParamName.ShouldBe("text");

    private static string[] Pieces(SentencePieceTokenizer tokenizer, string text) =>
        [.. tokenizer.Encode(text, addBeginOfSequence: false).Select(tokenizer.Vocabulary.GetPiece)];

    private static string RandomWord(Random random, int length)
    {
        string[] characters = ["a", "b", "é", "🦙"];
        return string.Concat(Enumerable.Range(0, length).Select(_ => characters[random.Next(characters.Length)]));
    }

    private static string[] MergeByRepeatedSearch(SentencePieceVocabulary vocabulary, string text)
    {
        List<string> symbols = [.. text.EnumerateRunes().Select(rune => rune.ToString())];
        while (true)
        {
            int best = -1;
            float bestScore = float.NegativeInfinity;
            for (int i = 0; i + 1 < symbols.Count; i++)
            {
                if (vocabulary.TryGetToken(symbols[i] + symbols[i + 1], out int token) && vocabulary.GetScore(token) > bestScore)
                {
                    (best, bestScore) = (i, vocabulary.GetScore(token));
                }
            }

            if (best < 0)
            {
                return [.. symbols];
            }

            symbols[best] += symbols[best + 1];
            symbols.RemoveAt(best + 1);
        }
    }
}
