using SparseInfer.Generators.Cpu;
using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Ilgpu;
using SparseInfer.Generators.Policies;

namespace SparseInfer.Generators.Emit;

/// <summary>Layers of a model: those that read something, which is made, stored and counted for them alone.</summary>
internal sealed class LayerSet
{
    private readonly IReadOnlyList<LayerPolicy> _runs;
    private readonly int _layers;

    private LayerSet(ModelSpec spec, Func<PolicySpec, bool> belongs)
    {
        _runs = [.. spec.Policies.Where(policy => belongs(policy.Policy))];
        _layers = spec.Layers;
    }

    /// <summary>How many.</summary>
    public int Count => _runs.Sum(run => run.Last - run.First + 1);

    public bool IsEmpty => _runs.Count == 0;

    public bool IsEveryLayer => Count == _layers;

    /// <summary>Whether <c>layer</c> is one of them, as C#.</summary>
    public string Condition => $"layer is {Pattern(_runs)}";

    /// <summary>Those for which the CPU's program derives something from the weights.</summary>
    public static LayerSet Prepared(ModelSpec spec, FeedForwardPlan plan) =>
        new(spec, policy => PolicyRegistry.For(policy).Cpu.Prepared(plan).Any());

    /// <summary>Matrices whose packed signs some layer reads on a GPU, and which layers do.</summary>
    public static IEnumerable<(string Matrix, LayerSet Layers)> ReadingSigns(ModelSpec spec, IlgpuFeedForwardPlan plan) => spec.Policies
        .SelectMany(policy => PolicyRegistry.For(policy.Policy).Ilgpu.Signs(plan))
        .Distinct()
        .Select(matrix => (matrix, new LayerSet(spec, policy => PolicyRegistry.For(policy).Ilgpu.Signs(plan).Contains(matrix))));

    /// <summary>Runs of layers as a C# pattern.</summary>
    public static string Pattern(IEnumerable<LayerPolicy> runs) => string.Join(" or ", runs.Select(Range));

    private static string Range(LayerPolicy run) => run.First == run.Last ? $"{run.First}"
        : run.First == 0 ? $"<= {run.Last}"
        : $"(>= {run.First} and <= {run.Last})";
}
