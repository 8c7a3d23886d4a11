namespace SparseInfer;

/// <summary>
/// Takes strengths of the class's policies from a profile that <c>sparseinfer calibrate</c> wrote: a JSON file among the project's
/// <c>AdditionalFiles</c>. A policy's attribute that does not set its strength (alpha, threshold) gets it from there, layer by layer. See docs/calibrate.md.
/// </summary>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class SparsityProfileAttribute : Attribute
{
    /// <summary>Names the profile.</summary>
    /// <param name="file">The file's name, or the end of its path: <c>"stories.sparsity.json"</c>.</param>
    public SparsityProfileAttribute(string file) => File = file;

    /// <summary>The file's name, or the end of its path.</summary>
    public string File { get; }
}
