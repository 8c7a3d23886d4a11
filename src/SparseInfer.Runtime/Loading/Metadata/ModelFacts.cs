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
    private readonly List<StatedTrait> _traits = [];

    internal ModelFacts(ModelFile file) => File = file;

    /// <summary>The file.</summary>
    public ModelFile File { get; }

    /// <summary>What it is read as; null: it says nothing of itself, or it is refused.</summary>
    public Architecture? Architecture { get; internal set; }

    /// <summary>Which layers' attention is bounded by the window that it states, where it states one; null: all of them.</summary>
    public Func<int, bool>? Slides { get; internal set; }

    /// <summary>Layers that do not rotate queries and keys; null: all rotate.</summary>
    public Func<int, bool>? IsUnrotated { get; internal set; }

    /// <summary>What says <see cref="IsUnrotated"/>, as a sentence begins.</summary>
    public string UnrotatedText { get; internal set; } = "";

    /// <summary>What it is read as and why, as a sentence begins.</summary>
    public string ArchitectureText { get; internal set; } = "";

    /// <summary>Why no declaration fits the file; null: one may.</summary>
    public string? Refusal { get; internal set; }

    /// <summary>Its numbers, in the file's order; what absent keys mean comes last.</summary>
    public IReadOnlyList<StatedFact> Stated => _stated;

    /// <summary>Numbers of the architecture's traits: what the file says, and what absent keys mean.</summary>
    public IReadOnlyList<StatedTrait> Traits => _traits;

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

    /// <summary>What the file calls a tensor.</summary>
    /// <param name="name">The usual name in files of its kind.</param>
    public string NameOf(string name) => File.Format == ModelFileFormat.Safetensors && Architecture is { } architecture
        ? architecture.ConfigNames.Aggregate(name, (named, pair) => named.Replace(pair.Usual, pair.Own, StringComparison.Ordinal))
        : name;

    /// <summary>How far a layer's attention looks back in a context; 0: to the first token.</summary>
    public double WindowOf(int layer, int context) =>
        First(Fact.Window) is { } window && !(window <= 0 || window >= context) && Slides?.Invoke(layer) != false ? window : 0; // NaN is no window

    /// <summary>Layers, as many as there can be: no file has more than tensors, whatever it says.</summary>
    public int CountLayers() => First(Fact.Layers) is > 0 and { } layers ? (int)Math.Min(layers, File.Tensors.Count) : 0;

    /// <summary>The first value of a fact; null: nothing says it.</summary>
    public double? First(Fact fact)
    {
        int index = _stated.FindIndex(stated => stated.Fact == fact);
        return index < 0 ? null : _stated[index].Value;
    }

    internal void State(Fact fact, double value, string text, bool fromSizes = false) =>
        _stated.Add(new StatedFact(fact, value, text, fromSizes));

    internal void State(TraitFact fact, double value, string text) => _traits.Add(new StatedTrait(fact, value, text));

    internal void Forget(Fact fact) => _stated.RemoveAll(stated => stated.Fact == fact);
}
