using System.Collections;
using System.Globalization;
using System.Text;
using SparseInfer.Files;

namespace SparseInfer;

/// <summary>
/// How records print. The text that the compiler writes for them follows the thread's culture and shows lists as the name of their type.
/// </summary>
internal static class RecordText
{
    /// <summary>A record's name and properties: <c>Name { A = 0.5, B = ['x', 'y'] }</c>.</summary>
    public static string Of(string name, params ReadOnlySpan<(string Name, object? Value)> properties)
    {
        var text = new StringBuilder(name).Append(" { ");
        for (int i = 0; i < properties.Length; i++)
        {
            text.Append(i == 0 ? "" : ", ").Append(properties[i].Name).Append(" = ").Append(Of(properties[i].Value));
        }

        return text.Append(" }").ToString();
    }

    private static string Of(object? value) => value switch
    {
        null => "null",
        string text => text,
        IEnumerable<string> texts => $"[{string.Join(", ", texts.Select(FileText.Quote))}]",
        IEnumerable list => $"[{string.Join(", ", list.Cast<object?>().Select(Of))}]",
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? "",
    };
}
