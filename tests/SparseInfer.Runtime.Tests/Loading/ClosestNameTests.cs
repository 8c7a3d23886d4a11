using SparseInfer.Loading;

namespace SparseInfer.Runtime.Tests.Loading;

public sealed class ClosestNameTests
{
    [Theory]
    [InlineData("blk.2.ffn_gate.weight", "blk.2.ffn_gates.weight")]
    [InlineData("token_embd.weight", "tok_embd.weight")]
    [InlineData("output_norm.weight", "outputnorm.weight")]
    [InlineData("abc", "abd")]
    [InlineData("a", "a")]
    public void The_name_with_the_fewest_edits_is_found(string name, string closest) =>
        ClosestName.Find(name, ["something.else.entirely", closest, "blk.99.attn_k.bias", ""]).ShouldBe(closest);

    [Fact]
    public void A_name_that_is_another_in_a_third_of_its_letters_is_none() => ClosestName.Find("abcdef", ["abcxyz", "", "zzzzzz"]).ShouldBeNull();

    /// <summary>The distances are those of the plain algorithm, which the shortcuts must not change.</summary>
    [Fact]
    public void Short_cuts_change_no_choice()
    {
        var random = new Random(3);
        string Word() => new([.. Enumerable.Range(0, random.Next(12)).Select(_ => "ab."[random.Next(3)])]);
        for (int round = 0; round < 3000; round++)
        {
            string name = Word();
            string[] candidates = [.. Enumerable.Range(0, 5).Select(_ => Word())];
            string? expected = candidates.Where(candidate => Levenshtein(name, candidate) <= name.Length / 3)
                .MinBy(candidate => Levenshtein(name, candidate));
            ClosestName.Find(name, candidates).ShouldBe(expected, $"{name} among {string.Join(' ', candidates)}");
        }
    }

    [Fact]
    public void A_quarter_of_a_million_names_cost_a_bounded_amount_of_work()
    {
        var random = new Random(5);
        string[] names = [.. Enumerable.Range(0, 250_000).Select(_ => $"{random.NextInt64():x16}{random.NextInt64():x16}")];
        var finder = new ClosestName();
        for (int missing = 0; missing < 20; missing++)
        {
            finder.FindNext($"blk.{missing}.attention_output.weights", names);
        }

        // One name may be looked at after the last of the work is done.
        finder.Work.ShouldBeInRange(1_000_000, ClosestName.MaxWork + 10_000);
    }

    private static int Levenshtein(string a, string b)
    {
        int[,] table = new int[a.Length + 1, b.Length + 1];
        for (int i = 0; i <= a.Length; i++)
        {
            for (int j = 0; j <= b.Length; j++)
            {
                table[i, j] = i == 0 ? j : j == 0 ? i
                    : Math.Min(Math.Min(table[i - 1, j], table[i, j - 1]) + 1, table[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1));
            }
        }

        return table[a.Length, b.Length];
    }
}
