using Microsoft.CodeAnalysis.Text;

namespace SparseInfer.CodeFixes;

/// <summary>One way to mend a declaration.</summary>
/// <param name="title">What the user picks it by; the same for every place that can be mended alike.</param>
/// <param name="changes">Edits of the document, none overlapping another.</param>
internal sealed class Mend(string title, params TextChange[] changes)
{
    public string Title => title;

    public IReadOnlyList<TextChange> Changes => changes;
}
