using SparseInfer.Files;
using SparseInfer.Text;

namespace SparseInfer.Runtime.Tests.Text;

/// <summary>Small byte-level vocabularies in GGUF, odd and hostile ones among them.</summary>
public class BpeTests
{
    private static readonly string[] Bytes = [.. Enumerable.Range(0, 256).Select(value => ByteAlphabet.ToCharacter((byte)value).ToString())];

    [Fact]
    public void Random_merges_give_what_merging_step_by_step_gives()
    {
        var random = new Random(11);
        for (int round = 0; round < 60; round++)
        {
            List<string> pieces = ["a", "b", "c"];
            List<(string Left, string Right)> merges = [];
            for (int i = random.Next(1, 25); i > 0; i--)
            {
                (string left, string right) = (pieces[random.Next(pieces.Count)], pieces[random.Next(pieces.Count)]);
                merges.Add((left, right));
                pieces.Add(left + right);
            }

            Tokenizer tokenizer = Open([.. pieces.Distinct()], [.. merges.Select(merge => $"{merge.Left} {merge.Right}")]);
            for (int i = 0; i < 30; i++)
            {
                string text = string.Concat(Enumerable.Range(0, random.Next(1, 30)).Select(_ => (char)random.Next('a', 'd')));
                string[] expected = StepByStep(text, merges);
                tokenizer.Encode(text, addBeginOfSequence: false).Select(token => tokenizer.Decode([token])).ShouldBe(expected, text);
            }
        }
    }

    [Fact]
    public void Of_equal_merges_the_first_counts_and_the_leftmost_pair_goes_first()
    {
        Tokenizer tokenizer = Open(["a", "b", "aa", "ab", "aab"], ["a a", "a b", "aa b", "a a"]);
        tokenizer.Encode("aaaab", addBeginOfSequence: false).ShouldBe([2, 4]);
    }

    [Fact]
    public void A_merge_to_what_is_no_token_is_spelled_in_bytes_unless_it_goes_on()
    {
        Tokenizer tokenizer = Open(["a", "b", "c", "abc"], ["a b", "ab c"]);
        tokenizer.Encode("abcab", addBeginOfSequence: false).ShouldBe([3, 0, 1]);
    }

    [Fact]
    public void A_word_that_is_a_token_needs_no_merges_where_the_pre_tokenizer_says_so()
    {
        Open(["a", "b", "ab"], [], pre: "llama-bpe").Encode("ab", addBeginOfSequence: false).ShouldBe([2]);
        Open(["a", "b", "ab"], [], pre: "qwen2").Encode("ab", addBeginOfSequence: false).ShouldBe([0, 1]);
    }

    [Fact]
    public void Whether_a_sequence_begins_with_a_token_the_key_says_and_else_the_pre_tokenizer()
    {
        string[] pieces = ["a", "<b>"];
        TokenType[] types = [TokenType.Normal, TokenType.Control];
        Begins("llama-bpe", null).ShouldBeTrue();
        Begins("qwen2", null).ShouldBeFalse();
        Begins("llama-bpe", false).ShouldBeFalse();
        Begins("qwen2", true).ShouldBeTrue();

        bool Begins(string pre, bool? add) => Open(pieces, [], pre, types, writer =>
        {
            writer.Add("tokenizer.ggml.bos_token_id", 1u);
            if (add is { } flag)
            {
                writer.Add("tokenizer.ggml.add_bos_token", flag);
            }
        }).Encode("a", addBeginOfSequence: true).Length == 2;
    }

    [Fact]
    public void No_spelling_of_a_text_comes_to_be_a_control_token()
    {
        string[] pieces = ["e", "n", "d", "en", "end"];
        TokenType[] types = [.. Enumerable.Repeat(TokenType.Normal, 4), TokenType.Control];
        foreach (string pre in new[] { "gpt-2", "llama-bpe" })
        {
            Tokenizer tokenizer = Open(pieces, ["e n", "en d"], pre, types);
            tokenizer.Encode("end", addBeginOfSequence: false).ShouldBe([0, 1, 2]);
            tokenizer.Encode("end", addBeginOfSequence: false, parseControlTokens: true).ShouldBe([4]);
            tokenizer.Decode([4, 2]).ShouldBe("d");
        }
    }

    [Fact]
    public void A_token_that_ends_a_turn_is_a_control_token_whatever_the_file_calls_it()
    {
        string[] pieces = [.. Bytes, "<|im_end|>", "<tool>"];
        TokenType[] types = [.. Enumerable.Repeat(TokenType.Normal, 256), TokenType.UserDefined, TokenType.UserDefined];
        Tokenizer tokenizer = Open(pieces, [], types: types);
        tokenizer.Encode("<|im_end|><tool>", addBeginOfSequence: false).ShouldNotContain(256);
        tokenizer.Encode("<|im_end|><tool>", addBeginOfSequence: false, parseControlTokens: true).ShouldBe([256, 257]);
        tokenizer.IsEndOfGeneration(256).ShouldBeTrue();
        tokenizer.Decode([256, 257]).ShouldBe("<tool>");
    }

    [Fact]
    public void Bytes_without_a_token_are_left_out_and_noted()
    {
        List<string> notes = [];
        Tokenizer tokenizer = Open(["a", "b"], [], notes: notes);
        notes.ShouldHaveSingleItem().ShouldStartWith("254 of the 256 bytes have no token");
        tokenizer.Encode("axb\0\uD800", addBeginOfSequence: false).ShouldBe([0, 1]);
        tokenizer.Encode("", addBeginOfSequence: false).ShouldBeEmpty();
    }

    [Fact]
    public void Without_a_name_for_it_words_are_cut_by_the_default_and_it_is_noted()
    {
        List<string> notes = [];
        Tokenizer tokenizer = Open([.. Bytes, "12"], ["1 2"], pre: null, notes: notes);
        notes.ShouldHaveSingleItem().ShouldStartWith("'tokenizer.ggml.pre' is missing");
        tokenizer.Encode("12a", addBeginOfSequence: false).ShouldBe([256, 'a' - '!' + Array.IndexOf(Bytes, "!")]);
    }

    [Fact]
    public void A_token_that_is_not_spelled_in_bytes_decodes_to_its_text() =>
        Open([.. Bytes, "中 文"], []).Decode([256]).ShouldBe("中 文");

    [Fact]
    public void Merges_that_go_round_in_circles_end()
    {
        Tokenizer tokenizer = Open(["a", "b", "ab", "ba"], ["a b", "b a", "ab ab", "ba ba", "ab a", "b ab", "abab abab", "a ba", "aba b"]);
        tokenizer.Decode(tokenizer.Encode(new string('a', 500) + string.Concat(Enumerable.Repeat("ab", 5000)), addBeginOfSequence: false))
            .ShouldBe(new string('a', 500) + string.Concat(Enumerable.Repeat("ab", 5000)));
    }

    [Fact]
    public void A_million_merges_are_read_and_used()
    {
        string[] letters = [.. Enumerable.Range(0, 1000).Select(i => ((char)('\u4E00' + i)).ToString())];
        string[] merges = new string[1_000_000];
        for (int i = 0; i < merges.Length; i++)
        {
            merges[i] = $"{letters[i / 1000]} {letters[i % 1000]}";
        }

        merges[^1] = "a b";
        Tokenizer tokenizer = Open([.. Bytes, "ab"], merges);
        tokenizer.Encode("ab", addBeginOfSequence: false).ShouldBe([256]);
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("a")]
    [InlineData(" a")]
    [InlineData("a ")]
    [InlineData("ab")]
    public void A_merge_that_is_not_two_texts_is_refused(string merge) =>
        Should.Throw<ModelFormatException>(() => Open(["a", "b"], ["a b", merge])).Message
            .ShouldContain($"'tokenizer.ggml.merges': entry 1, '{merge}', is not two texts with a space between.");

    private static Tokenizer Open(
        string[] pieces, string[] merges, string? pre = "gpt-2", TokenType[]? types = null, Action<GgufWriter>? more = null, List<string>? notes = null)
    {
        var writer = new GgufWriter();
        writer.Add("tokenizer.ggml.model", "gpt2");
        writer.Add("tokenizer.ggml.tokens", pieces);
        writer.Add("tokenizer.ggml.token_type", [.. (types ?? [.. pieces.Select(_ => TokenType.Normal)]).Select(type => (int)type)]);
        writer.Add("tokenizer.ggml.merges", merges);
        if (pre is not null)
        {
            writer.Add("tokenizer.ggml.pre", pre);
        }

        more?.Invoke(writer);
        using ModelFile file = ModelFile.FromMemory("test", writer.ToMetadata("test"), []);
        return Tokenizer.Open(file, notes);
    }

    private static string[] StepByStep(string text, List<(string Left, string Right)> merges)
    {
        List<string> parts = [.. text.Select(character => character.ToString())];
        while (true)
        {
            int best = int.MaxValue;
            int at = -1;
            for (int i = 0; i + 1 < parts.Count; i++)
            {
                int rank = merges.IndexOf((parts[i], parts[i + 1]));
                if (rank >= 0 && rank < best)
                {
                    (best, at) = (rank, i);
                }
            }

            if (at < 0)
            {
                return [.. parts];
            }

            parts[at] += parts[at + 1];
            parts.RemoveAt(at + 1);
        }
    }
}
