using SparseInfer.Files;

namespace SparseInfer.Runtime.Tests.Files;

public sealed class FileTextTests
{
    [Theory]
    [InlineData("blk.0.ffn_up.weight", "'blk.0.ffn_up.weight'")]
    [InlineData("▁été", "'▁été'")]
    [InlineData("a\u001b[31m\r\nb", @"'a\u001b[31m\u000d\u000ab'")]
    [InlineData("\u202egpj.exe", @"'\u202egpj.exe'")]
    [InlineData("a\u2066b\u200bc\ufeffd", @"'a\u2066b\u200bc\ufeffd'")]
    [InlineData("a\u2028b\u2029c\u0085d", @"'a\u2028b\u2029c\u0085d'")]
    [InlineData("", "''")]
    public void What_a_terminal_obeys_or_does_not_show_is_escaped(string text, string quoted) => FileText.Quote(text).ShouldBe(quoted);

    [Fact]
    public void Half_of_a_surrogate_pair_is_escaped() => FileText.Quote("a" + (char)0xD800).ShouldBe(@"'a\ud800'");

    [Theory]
    [InlineData('x')]
    [InlineData('\u001b')]
    public void A_long_text_is_cut(char c)
    {
        string quoted = FileText.Quote(new string(c, 1 << 20));
        quoted.Length.ShouldBeLessThan(120);
        quoted.ShouldEndWith("…'");
        FileText.Quote(new string('x', 96)).ShouldBe($"'{new string('x', 96)}'");
    }

    [Fact]
    public void A_shape_of_many_dimensions_is_cut()
    {
        FileText.Shape([2, 3]).ShouldBe("[2, 3]");
        FileText.Shape([.. Enumerable.Repeat(1L, 64)]).ShouldBe("[1, 1, 1, 1, 1, 1, 1, 1, … (64 dimensions)]");
    }
}
