using System.Globalization;

namespace SparseInfer.Generators.Text;

/// <summary>C# literals, the same under every culture.</summary>
internal static class Literal
{
    public static string Of(bool value) => value ? "true" : "false";

    public static string Of(float value) => OfDecimal(value.ToString("R", CultureInfo.InvariantCulture));

    /// <summary>A float literal from decimal text such as <c>0.01</c> or <c>1E-05</c>.</summary>
    public static string OfDecimal(string text) => text + "f";

    /// <summary>A number with thousands separated, for comments.</summary>
    public static string Grouped(long value) => value.ToString("#,0", CultureInfo.InvariantCulture);
}
