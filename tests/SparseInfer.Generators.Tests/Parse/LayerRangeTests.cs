using SparseInfer.Generators.Declare;

namespace SparseInfer.Generators.Tests.Parse;

public sealed class LayerRangeTests
{
    [Theory]
    [InlineData(null, "0..9")]
    [InlineData("0..3", "0..3")]
    [InlineData("4..", "4..9")]
    [InlineData("..4", "0..4")]
    [InlineData("..", "0..9")]
    [InlineData("7", "7")]
    [InlineData(" 0 .. 1 ,5,  8.. ", "0..1, 5, 8..9")]
    [InlineData("8..12", "8..12")]
    [InlineData("12..", "12")]
    [InlineData("3, 1..2", "3, 1..2")]
    public void Ranges_include_both_ends(string? text, string ranges)
    {
        LayerRange.TryParse(text, 10, out IReadOnlyList<LayerRange> parsed, out string error).ShouldBeTrue();

        LayerRange.Join(parsed).ShouldBe(ranges);
        error.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("", "it names no layer")]
    [InlineData("1,,2", "it names no layer")]
    [InlineData("x", "'x' is not a layer number")]
    [InlineData("1..y", "'y' is not a layer number")]
    [InlineData("1...2", "'.2' is not a layer number")]
    [InlineData("+1", "'+1' is not a layer number")]
    [InlineData("-1", "'-1' is not a layer number")]
    [InlineData("1 2", "'1 2' is not a layer number")]
    [InlineData("2147483648", "'2147483648' is not a layer number")]
    [InlineData("0, 5..2", "'5..2' ends before it starts")]
    public void What_cannot_be_read_is_named(string text, string expected)
    {
        LayerRange.TryParse(text, 10, out _, out string error).ShouldBeFalse();

        error.ShouldBe(expected);
    }

    [Theory]
    [InlineData("0..12", "0..9")]
    [InlineData("0..3, 9..10, 11", "0..3, 9")]
    [InlineData("10..", "")]
    public void Clamping_keeps_what_the_model_has(string text, string clamped)
    {
        LayerRange.TryParse(text, 10, out IReadOnlyList<LayerRange> parsed, out _).ShouldBeTrue();

        LayerRange.Clamp(parsed, 10).ShouldBe(clamped);
    }
}
