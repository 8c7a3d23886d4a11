namespace SparseInfer.Generators.Declare;

/// <summary>Which policy acts in which layers of a declared model at one site, as written: sorted by nothing, checked for nothing.</summary>
internal sealed class LayerCoverage
{
    private LayerCoverage(IReadOnlyList<(DeclaredPolicy Policy, LayerRange Range)> pieces, bool isReadable, int layers)
    {
        Pieces = pieces;
        IsReadable = isReadable;
        Layers = layers;
    }

    /// <summary>One entry a range, in the order written.</summary>
    public IReadOnlyList<(DeclaredPolicy Policy, LayerRange Range)> Pieces { get; }

    /// <summary>Whether every range could be read and the number of layers is known, so that what is absent is really absent.</summary>
    public bool IsReadable { get; }

    public int Layers { get; }

    public static LayerCoverage Of(Declaration declaration, PolicySite site = PolicySite.Neurons)
    {
        var pieces = new List<(DeclaredPolicy, LayerRange)>();
        bool isReadable = declaration.Layers > 0;
        foreach (DeclaredPolicy policy in declaration.Policies.Where(policy => policy.Policy.Site == site))
        {
            string? text = policy.Attribute.Value<string?>("Layers", null);
            if (LayerRange.TryParse(text, declaration.Layers, out IReadOnlyList<LayerRange> ranges, out _))
            {
                pieces.AddRange(ranges.Select(range => (policy, range)));
            }
            else
            {
                isReadable = false;
            }
        }

        return new LayerCoverage(pieces, isReadable, declaration.Layers);
    }

    /// <summary>Runs of layers that no policy names.</summary>
    public IReadOnlyList<LayerRange> Gaps()
    {
        var gaps = new List<LayerRange>();
        int next = 0;
        foreach (LayerRange range in Pieces.Select(piece => piece.Range).OrderBy(range => range.First))
        {
            if (range.First > next)
            {
                gaps.Add(new LayerRange(next, System.Math.Min(range.First, Layers) - 1));
            }

            next = System.Math.Max(next, range.Last + 1);
            if (next >= Layers)
            {
                return gaps;
            }
        }

        gaps.Add(new LayerRange(next, Layers - 1));
        return gaps;
    }
}
