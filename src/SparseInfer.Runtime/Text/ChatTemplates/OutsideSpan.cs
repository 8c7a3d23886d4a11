namespace SparseInfer.Text.ChatTemplates;

/// <summary>A stretch of a text that came from outside the template, in UTF-16 units.</summary>
/// <param name="Start">The first.</param>
/// <param name="End">The first behind it.</param>
internal readonly record struct OutsideSpan(int Start, int End);
