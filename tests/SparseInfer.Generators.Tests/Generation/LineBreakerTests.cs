using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Tests.Generation;

public sealed class LineBreakerTests
{
    [Fact]
    public void A_line_that_fits_stays_whole() => LineBreaker.Code("Call(a, b);", LineBreaker.MaxLength - 11).ShouldBe(["Call(a, b);"]);

    [Fact]
    public void A_call_is_broken_between_its_own_arguments() =>
        LineBreaker.Code("x = (1 + Call<T>(a, new(b, c), [d, e], f)).G;", LineBreaker.MaxLength - 30).ShouldBe(
            ["x = (1 + Call<T>(", "    a, new(b, c), [d, e],", "    f)).G;"]);

    [Fact]
    public void A_body_goes_below_its_arrow() => LineBreaker.Code("int F(int a, int b) => Add(a, b);", LineBreaker.MaxLength - 20).ShouldBe(
        ["int F(int a, int b) =>", "    Add(a, b);"]);

    [Theory]
    [InlineData("""throw new E("a (b) => c = d, e<F>(g), h");""", """throw new E(|    "a (b) => c = d, e<F>(g), h");""")]
    [InlineData("""throw new E("\\\"(\\", "x, y");""", """throw new E(|    "\\\"(\\", "x, y");""")]
    public void Nothing_is_broken_inside_a_string(string text, string broken) =>
        LineBreaker.Code(text, LineBreaker.MaxLength - text.Length + 1).ShouldBe(broken.Split('|'));

    [Fact]
    public void Prose_is_broken_between_words() =>
        LineBreaker.Prose("one two three four", LineBreaker.MaxLength - 9).ShouldBe(["one two", "three", "four"]);
}
