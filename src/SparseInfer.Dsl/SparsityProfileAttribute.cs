namespace SparseInfer;

/// <summary>
/// Takes strengths of the class's policies from a profile that <c>sparseinfer calibrate</c> wrote: a JSON file among the project's
/// <c>AdditionalFiles</c>. A policy's attribute that sets none of its strengths gets them from there, layer by layer: <c>Alpha</c> of
/// <c>[SignBitPredictor]</c>; <c>Beta</c>, <c>OutlierWeight</c> and <c>OutlierSigmas</c> of <c>[SignMagnitudePredictor]</c>; <c>Threshold</c> of <c>[ActivationThreshold]</c>;
/// <c>Threshold</c>, <c>Keep</c> or <c>Count</c> of <c>[LowRankPredictor]</c>; <c>Keep</c> of <c>[PromptNeurons]</c> and of <c>[HeadSparsity]</c>; <c>Heads</c>, <c>Output</c>, <c>FeedForward</c> and
/// <c>Down</c> of <c>[InputThreshold]</c>. One that sets any keeps all that it says. See docs/calibrate.md.
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
