using SparseInfer.Text;

namespace SparseInfer.Runtime.Tests.Text;

/// <summary>Cases of Unicode's NormalizationTest.txt and Standard Annex 15; the tests run without the operating system's tables.</summary>
public class CanonicalCompositionTests
{
    [Theory]
    [InlineData("plain ASCII, é", "plain ASCII, é")]
    [InlineData("e\u0301", "é")]
    [InlineData("\u1E9B\u0323", "\u1E9B\u0323")]
    [InlineData("\u212B", "\u00C5")]
    [InlineData("\u2126", "\u03A9")]
    [InlineData("q\u0307\u0323", "q\u0323\u0307")]
    [InlineData("D\u0307\u0323", "\u1E0C\u0307")]
    [InlineData("a\u0323\u0308\u0301", "\u1EA1\u0308\u0301")]
    [InlineData("\u0344", "\u0308\u0301")]
    [InlineData("\u0958", "\u0915\u093C")]
    [InlineData("\u1100\u1161\u11A8", "\uAC01")]
    [InlineData("\uAC00\u11A8", "\uAC01")]
    [InlineData("\uAC00\u0301\u11A8", "\uAC00\u0301\u11A8")]
    [InlineData("\u1100\u1161\u11A7", "\uAC00\u11A7")]
    [InlineData("\uF900", "\u8C48")]
    [InlineData("\uD834\uDD5E", "\uD834\uDD57\uD834\uDD65")]
    [InlineData("\uD804\uDC99\uD804\uDCBA", "\uD804\uDC9A")]
    [InlineData("\u0301", "\u0301")]
    [InlineData("\0e\u0301\0", "\0é\0")]
    public void Text_is_composed(string text, string composed) =>
        new string(CanonicalComposition.Compose(text.ToCharArray())).ShouldBe(composed);
}
