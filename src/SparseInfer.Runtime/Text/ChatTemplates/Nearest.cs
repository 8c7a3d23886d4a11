using SparseInfer.Loading;

namespace SparseInfer.Text.ChatTemplates;

/// <summary>What somebody probably meant.</summary>
internal static class Nearest
{
    /// <summary>A question to append to a message; empty where nothing is near.</summary>
    public static string Of(string word, IEnumerable<string> known) => ClosestName.Find(word, known) is { } near ? $"; is '{near}' meant?" : "";
}
