using System.Text;

namespace SparseInfer.Models.Tests;

internal static class AsyncText
{
    /// <summary>All pieces, one after the other.</summary>
    public static async Task<string> TextAsync(this IAsyncEnumerable<string> pieces)
    {
        var text = new StringBuilder();
        await foreach (string piece in pieces)
        {
            text.Append(piece);
        }

        return text.ToString();
    }
}
