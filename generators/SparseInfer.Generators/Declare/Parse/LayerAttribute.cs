using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Declare;

/// <summary>An attribute of a model that is for some layers: its <c>Layers</c>, and its <c>Period</c> where it has one.</summary>
internal readonly record struct LayerAttribute(DeclaredAttribute Attribute, int Layers)
{
    public string? Text => Attribute.Value<string?>("Layers", null);

    /// <summary>After how many layers the pattern begins again; 0: never.</summary>
    public int Period => Attribute.Value("Period", 0);

    /// <summary>How many layers <c>Layers</c> numbers: the model's, or those of a period.</summary>
    public int Numbered => Period > 0 ? Period : Layers;

    public bool TryParse(out IReadOnlyList<LayerRange> ranges, out string error) => LayerRange.TryParse(Text, Numbered, out ranges, out error);

    /// <summary>The layers of an attribute that breaks no rule.</summary>
    public LayerPattern Pattern()
    {
        TryParse(out IReadOnlyList<LayerRange> ranges, out _);
        var runs = new List<LayerRun>();
        foreach (LayerRange range in ranges.OrderBy(range => range.First))
        {
            if (runs.Count > 0 && range.First <= runs[runs.Count - 1].Last + 1)
            {
                runs[runs.Count - 1] = new(runs[runs.Count - 1].First, Math.Max(runs[runs.Count - 1].Last, range.Last));
            }
            else
            {
                runs.Add(new(range.First, range.Last));
            }
        }

        // A pattern of all layers of a period is one of all layers, and so is one that never begins again.
        bool isEvery = runs.Count == 1 && runs[0].First == 0 && runs[0].Last == Numbered - 1;
        return isEvery ? new(new([new(0, Layers - 1)]), 0)
            : new(runs.ToEquatableArray(), Period >= Layers ? 0 : Period);
    }
}
