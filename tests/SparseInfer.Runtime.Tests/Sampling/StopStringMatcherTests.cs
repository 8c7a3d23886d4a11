using SparseInfer.Sampling;

namespace SparseInfer.Runtime.Tests.Sampling;

public class StopStringMatcherTests
{
    [Fact]
    public void Without_stop_strings_every_piece_passes_as_it_is()
    {
        var matcher = new StopStringMatcher([]);
        string piece = new('x', 3);

        matcher.Append(piece).ShouldBeSameAs(piece);
        matcher.Flush().ShouldBe("");
        matcher.StoppedBy.ShouldBeNull();
    }

    [Fact]
    public void A_stop_string_across_pieces_ends_the_text_just_before_it()
    {
        var matcher = new StopStringMatcher(["###"]);

        matcher.Append("story#").ShouldBe("story");
        matcher.Append("#").ShouldBe("");
        matcher.StoppedBy.ShouldBeNull();
        matcher.Append("# more").ShouldBe("");
        matcher.StoppedBy.ShouldBe("###");
        matcher.Append("again").ShouldBe("");
        matcher.Flush().ShouldBe("");
    }

    [Fact]
    public void Text_before_a_stop_string_within_one_piece_is_emitted()
    {
        var matcher = new StopStringMatcher(["END"]);

        matcher.Append("the END of").ShouldBe("the ");
        matcher.StoppedBy.ShouldBe("END");
    }

    [Fact]
    public void Only_what_may_begin_a_stop_string_is_held_back()
    {
        var matcher = new StopStringMatcher(["\nUser:"]);

        matcher.Append("Hi\n").ShouldBe("Hi");
        matcher.Append("Us").ShouldBe("");
        matcher.Append("ual\nU").ShouldBe("\nUsual");
        matcher.Flush().ShouldBe("\nU");
        matcher.StoppedBy.ShouldBeNull();
    }

    [Fact]
    public void A_beginning_that_fails_may_contain_another_beginning()
    {
        var matcher = new StopStringMatcher(["aab"]);

        matcher.Append("aa").ShouldBe("");
        matcher.Append("a").ShouldBe("a");
        matcher.Append("a").ShouldBe("a");
        matcher.Append("b").ShouldBe("");
        matcher.StoppedBy.ShouldBe("aab");
    }

    [Fact]
    public void Of_overlapping_stop_strings_the_one_complete_first_wins()
    {
        var matcher = new StopStringMatcher(["abcd", "bc"]);

        matcher.Append("xabcd").ShouldBe("xa");
        matcher.StoppedBy.ShouldBe("bc");
    }

    [Fact]
    public void Of_stop_strings_complete_at_the_same_character_the_longest_wins()
    {
        var matcher = new StopStringMatcher(["c", "abc", "bc"]);

        matcher.Append("xab").ShouldBe("x");
        matcher.Append("c").ShouldBe("");
        matcher.StoppedBy.ShouldBe("abc");
    }

    [Fact]
    public void A_piece_cannot_be_cut_inside_a_surrogate_pair()
    {
        // The two emoji share their first surrogate.
        var matcher = new StopStringMatcher(["😁!"]);

        matcher.Append("a😀").ShouldBe("a😀");
        matcher.Append("😁").ShouldBe("");
        matcher.Append("?").ShouldBe("😁?");
    }

    [Fact]
    public void Any_cut_into_pieces_gives_what_a_search_of_the_whole_gives()
    {
        var random = new Random(12);
        for (int round = 0; round < 3000; round++)
        {
            string[] stops = [.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => RandomText(random, random.Next(1, 6)))];
            string text = RandomText(random, random.Next(0, 30));
            (string expected, string? stoppedBy) = SearchWhole(text, stops);
            var matcher = new StopStringMatcher(stops);

            string emitted = "";
            for (int start = 0, length; start < text.Length; start += length)
            {
                length = random.Next(0, Math.Min(5, text.Length - start) + 1);
                emitted += matcher.Append(text.Substring(start, length));
                LongestPossibleBeginning(text[..(start + length)], stops)
                    .ShouldBe(matcher.StoppedBy is null ? start + length - emitted.Length : 0, $"\"{text}\" {string.Join('|', stops)}");
            }

            emitted += matcher.Flush();
            emitted.ShouldBe(expected, $"\"{text}\" {string.Join('|', stops)}");
            matcher.StoppedBy.ShouldBe(stoppedBy);
        }
    }

    [Fact]
    public void Null_and_empty_strings_are_refused()
    {
        Should.Throw<ArgumentNullException>(() => new StopStringMatcher(null!));
        Should.Throw<ArgumentException>(() => new StopStringMatcher(["a", ""]));
        Should.Throw<ArgumentNullException>(() => new StopStringMatcher([]).Append(null!));
    }

    private static string RandomText(Random random, int length) =>
        string.Concat(Enumerable.Range(0, length).Select(_ => "ab"[random.Next(2)]));

    private static (string Text, string? StoppedBy) SearchWhole(string text, string[] stops)
    {
        for (int end = 1; end <= text.Length; end++)
        {
            string? stop = stops.Where(text[..end].EndsWith).MaxBy(candidate => candidate.Length);
            if (stop is not null)
            {
                return (text[..(end - stop.Length)], stop);
            }
        }

        return (text, null);
    }

    private static int LongestPossibleBeginning(string text, string[] stops)
    {
        if (SearchWhole(text, stops).StoppedBy is not null)
        {
            return 0;
        }

        int longest = 0;
        foreach (string stop in stops)
        {
            for (int length = 1; length < stop.Length; length++)
            {
                if (text.EndsWith(stop[..length], StringComparison.Ordinal))
                {
                    longest = Math.Max(longest, length);
                }
            }
        }

        return longest;
    }
}
