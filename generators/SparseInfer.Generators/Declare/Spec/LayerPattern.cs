using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Declare;

/// <summary>Layers that attention differs in: runs, both ends included, which may come again after a number of layers.</summary>
/// <param name="Runs">Ascending, no two of them neighbours.</param>
/// <param name="Period">After how many layers they come again; 0: never.</param>
internal sealed record LayerPattern(EquatableArray<LayerRun> Runs, int Period)
{
    public bool Contains(int layer) => Runs.Any(run => run.Contains(Period == 0 ? layer : layer % Period));

    /// <summary>Whether every layer of so many is one.</summary>
    public bool IsEvery(int layers) =>
        Runs.Count == 1 && Runs[0].First == 0 && Runs[0].Last >= (Period == 0 ? layers : Math.Min(Period, layers)) - 1;

    /// <summary>Which layers, for people: <c>layers 1..3 of every 4</c>.</summary>
    public string Describe() =>
        $"layers {string.Join(", ", Runs.Select(run => run.First == run.Last ? $"{run.First}" : $"{run.First}..{run.Last}"))}{(Period == 0 ? "" : $" of every {Period}")}";
}

/// <summary>Successive layers.</summary>
internal readonly record struct LayerRun(int First, int Last)
{
    public bool Contains(int layer) => layer >= First && layer <= Last;
}

/// <summary>How far attention looks back in some layers.</summary>
/// <param name="Window">Positions, a token's own included; fewer than the context has.</param>
internal sealed record AttentionWindow(int Window, LayerPattern Layers);
