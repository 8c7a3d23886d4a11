using SparseInfer.Generators.Declare;

namespace SparseInfer.Generators.Program;

/// <summary>Layers of a model: those that read something, which is made, stored and counted for them alone.</summary>
internal sealed class LayerSet
{
    private readonly IReadOnlyList<LayerPolicy> _runs;
    private readonly int _layers;

    /// <param name="belongs">Whether layers with a policy do.</param>
    public LayerSet(ModelSpec spec, Func<PolicySpec, bool> belongs)
    {
        _runs = [.. spec.Policies.Where(policy => belongs(policy.Policy))];
        _layers = spec.Layers;
    }

    private LayerSet(IReadOnlyList<LayerPolicy> runs, int layers)
    {
        _runs = runs;
        _layers = layers;
    }

    /// <summary>Layers by their policies of sites other than neurons.</summary>
    /// <param name="belongs">Whether layers with a policy do.</param>
    public static LayerSet OfSite(ModelSpec spec, Func<PolicySpec, bool> belongs)
    {
        // A layer may have policies of several sites: it is one layer.
        var runs = new List<LayerPolicy>();
        int next = 0;
        foreach (LayerPolicy policy in spec.SitePolicies.Where(policy => belongs(policy.Policy)).OrderBy(policy => policy.First))
        {
            if (policy.Last >= next)
            {
                runs.Add(policy.First >= next ? policy : policy with { First = next });
                next = policy.Last + 1;
            }
        }

        return new(runs, spec.Layers);
    }

    /// <summary>What is once in a model, as if it had one layer.</summary>
    public static LayerSet Once { get; } = new([new LayerPolicy(0, 0, null!)], 1);

    /// <summary>Those of one model that are in any of several.</summary>
    public static LayerSet Union(IEnumerable<LayerSet> sets)
    {
        LayerSet[] all = [.. sets];
        return new([.. all.SelectMany(set => set._runs).Distinct().OrderBy(run => run.First)], all[0]._layers);
    }

    /// <summary>Layers by their numbers, of a model with so many.</summary>
    public static LayerSet Of(IEnumerable<int> numbers, int layers)
    {
        var runs = new List<LayerPolicy>();
        foreach (int number in numbers.Distinct().OrderBy(number => number))
        {
            if (runs.Count > 0 && runs[runs.Count - 1].Last == number - 1)
            {
                runs[runs.Count - 1] = runs[runs.Count - 1] with { Last = number };
            }
            else
            {
                runs.Add(new(number, number, null!));
            }
        }

        return new(runs, layers);
    }

    /// <summary>How many.</summary>
    public int Count => _runs.Sum(run => run.Last - run.First + 1);

    /// <summary>They, ascending.</summary>
    public IEnumerable<int> All => _runs.SelectMany(run => Enumerable.Range(run.First, run.Last - run.First + 1));

    /// <summary>The first; there is one.</summary>
    public int First => _runs[0].First;

    public bool IsEmpty => _runs.Count == 0;

    public bool IsEveryLayer => Count == _layers;

    /// <summary>Whether <c>layer</c> is one of them, as C#.</summary>
    public string Condition => $"layer is {Pattern(_runs)}";

    /// <summary>Runs of layers as a C# pattern.</summary>
    public static string Pattern(IEnumerable<LayerPolicy> runs) => string.Join(" or ", runs.Select(run => Range(run.First, run.Last)));

    /// <summary>Whether <c>layer</c> is one of a pattern's, or is none of them, as C#.</summary>
    public static string ConditionOf(LayerPattern layers, bool isOne = true)
    {
        string layer = layers.Period == 0 ? "layer" : $"layer % {layers.Period}";
        string pattern = string.Join(" or ", layers.Runs.Select(run => Range(run.First, run.Last)));
        return isOne ? $"{layer} is {pattern}" : $"{layer} is not {(layers.Runs.Count == 1 && pattern[0] != '<' ? pattern : $"({pattern})")}";
    }

    private static string Range(int first, int last) => first == last ? $"{first}"
        : first == 0 ? $"<= {last}"
        : $"(>= {first} and <= {last})";
}
