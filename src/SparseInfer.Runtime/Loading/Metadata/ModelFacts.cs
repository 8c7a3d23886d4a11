using SparseInfer.Files;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Loading;

/// <summary>
/// What a model file says the model is, read once for whoever compares it with a declaration or writes one from it. Closed: a key that could
/// change the result is read, known to be harmless, or a problem.
/// </summary>
internal sealed class ModelFacts
{
    private readonly List<StatedFact> _stated = [];

    internal ModelFacts(ModelFile file) => File = file;

    /// <summary>The file.</summary>
    public ModelFile File { get; }

    /// <summary>What it is read as; null: it says nothing of itself, or it is refused.</summary>
    public Architecture? Architecture { get; internal set; }

    /// <summary>What it is read as and why, as a sentence begins.</summary>
    public string ArchitectureText { get; internal set; } = "";

    /// <summary>Why no declaration fits the file; null: one may.</summary>
    public string? Refusal { get; internal set; }

    /// <summary>Its numbers, in the file's order; what absent keys mean comes last.</summary>
    public IReadOnlyList<StatedFact> Stated => _stated;

    /// <summary>What no declaration can express, or cannot be read.</summary>
    public List<string> Problems { get; } = [];

    /// <summary>What was ignored or read otherwise on request.</summary>
    public List<string> Notes { get; } = [];

    /// <summary>The keys that name the activation, and its name.</summary>
    public List<(string Key, string Name)> Activations { get; } = [];

    /// <summary>How rotary frequencies are scaled, where not linearly; null: not at all, or by factors that are a tensor.</summary>
    public RopeScaling? Scaling { get; internal set; }

    /// <summary>The key that says so, as a sentence begins.</summary>
    public string ScalingText { get; internal set; } = "";

    /// <summary>Whether the output head is the embedding; null: nothing says it but the tensors.</summary>
    public bool? TiedEmbedding { get; internal set; }

    /// <summary>Reads what a file says. The file stays open as long as the result is used.</summary>
    public static ModelFacts Read(ModelFile file, LoadOptions options) => new FactReader(file, options).Read();

    /// <summary>The first value of a fact; null: nothing says it.</summary>
    public double? First(Fact fact)
    {
        int index = _stated.FindIndex(stated => stated.Fact == fact);
        return index < 0 ? null : _stated[index].Value;
    }

    internal void State(Fact fact, double value, string text, bool fromSizes = false) =>
        _stated.Add(new StatedFact(fact, value, text, fromSizes));

    internal void Forget(Fact fact) => _stated.RemoveAll(stated => stated.Fact == fact);
}
