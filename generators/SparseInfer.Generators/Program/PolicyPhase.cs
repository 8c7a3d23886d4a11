using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Program;

/// <summary>What a program asks of a <see cref="PolicySpec"/> that wants tensors of the file, and computes something of its own before its site.</summary>
internal interface IPhasePolicy
{
    /// <summary>What it computes in the layers that it acts in.</summary>
    /// <param name="site">The operation in which it chooses: what that reads is there.</param>
    /// <param name="sizes">The model's.</param>
    PolicyPhase Before(Operation site, Dimensions sizes);
}

/// <summary>
/// What a policy computes before its site, in Predicted mode: once, by all workers together. Tensors come with the operations, and slots of
/// its own with what these write.
/// </summary>
/// <param name="Summary">What it is, for a comment of generated code.</param>
/// <param name="Operations">In order.</param>
/// <param name="Results">What the policy's kernels read of it.</param>
internal sealed record PolicyPhase(string Summary, EquatableArray<Operation> Operations, EquatableArray<Slot> Results)
{
    /// <summary>How many elements its <see cref="KeepLargest"/> keeps: layers whose phases differ in this alone have one.</summary>
    public int Kept { get; init; }

    /// <summary>Vectors of the file that the policy's kernels read themselves, an element for each of what they choose among.</summary>
    public EquatableArray<Tensor> Vectors { get; init; }

    /// <summary>The same for each of a token's experts: they have tensors of their own, and a slot each.</summary>
    public PolicyPhase OfEach(Dimension experts) => this with
    {
        Operations = Operations.Select(operation => OfEach(operation, experts)).ToEquatableArray(),
        Vectors = Vectors.Select(vector => vector.OfEach(experts)).ToEquatableArray(),
    };

    private static Operation OfEach(Operation operation, Dimension experts)
    {
        Operation own = operation switch
        {
            Project project => project with { Matrix = project.Matrix.OfEach(experts) },
            AddBias add => add with { Bias = add.Bias.OfEach(experts) },
            _ => operation,
        };
        return own with { Reads = own.Reads.Append(Slot.Routed).ToEquatableArray() };
    }
}

/// <summary>A vector that a policy's kernels read.</summary>
/// <param name="Layers">Where the policy acts.</param>
internal sealed record VectorUse(Tensor Vector, LayerSet Layers);

/// <summary>Which policy an operation is for.</summary>
/// <param name="Summary">Of its phase.</param>
/// <param name="Layers">Where the policy acts.</param>
/// <param name="Kept">How many elements are kept of the largest, as C# with <c>layer</c> in scope; empty: no phase keeps the largest.</param>
internal sealed record PolicyUse(string Summary, LayerSet Layers, string Kept = "");

/// <summary>Puts what policies compute before the operations that they choose in.</summary>
internal static class PolicyPhases
{
    /// <summary>A layer's operations with those of all its policies; in one layer, a site has one policy's.</summary>
    public static IReadOnlyList<Operation> Insert(ModelSpec spec, IEnumerable<Operation> layer, Dimensions sizes) =>
        [.. layer.SelectMany(operation => Before(spec, operation, sizes))];

    private static IEnumerable<Operation> Before(ModelSpec spec, Operation site, Dimensions sizes)
    {
        PolicyPhase? Of(PolicySpec policy) => policy.Site != site.Site || policy is not IPhasePolicy own ? null
            : sizes.Experts is { } experts ? own.Before(site, sizes).OfEach(experts)
            : own.Before(site, sizes);

        // Policies that compute the same and differ in what they make of it have one phase.
        PolicyPhase[] phases = [.. spec.Policies.Select(policy => Common(Of(policy.Policy))).OfType<PolicyPhase>().Distinct()];
        var vectors = new List<VectorUse>();
        PolicyUse[] uses =
        [
            .. phases.Select(phase => new PolicyUse(
                phase.Summary,
                new LayerSet(spec, policy => phase.Equals(Common(Of(policy)))),
                Kept(spec.Policies.Where(policy => phase.Equals(Common(Of(policy.Policy)))), policy => Of(policy)!.Kept))),
        ];
        foreach (Operation keep in KeptInputs(phases, uses, spec.Layers))
        {
            yield return keep;
        }

        foreach ((PolicyPhase phase, PolicyUse use) in phases.Zip(uses, (phase, use) => (phase, use)))
        {
            vectors.AddRange(phase.Vectors.Select(vector => new VectorUse(vector, use.Layers)));
            foreach (Operation operation in phase.Operations)
            {
                yield return operation with { Policy = use };
            }
        }

        yield return phases.Length == 0
            ? site
            : site with
            {
                Reads = site.Reads.Concat(phases.SelectMany(phase => phase.Results)).Distinct().ToEquatableArray(),
                Vectors = vectors.ToEquatableArray(),
            };
    }

    /// <summary>What layers keep for the phases of later ones: each slot that is read of an earlier layer, in the layers that it is read of.</summary>
    private static IEnumerable<Operation> KeptInputs(PolicyPhase[] phases, PolicyUse[] uses, int layers) => phases
        .Zip(uses, (phase, use) => (phase.Operations, use.Layers))
        .SelectMany(phase => phase.Operations.SelectMany(operation => operation.Reads).Distinct()
            .Where(slot => slot.Earlier is not null)
            .Select(slot => (slot.Earlier!.Value.Of, Back: slot.Earlier.Value.LayersBack, phase.Layers)))
        .GroupBy(read => read.Of)
        .Select(reads => new KeepInput(reads.Key, reads.Max(read => read.Back) + 1)
        {
            Policy = new("The input, for predictors of later layers.", LayerSet.Of(reads.SelectMany(read => read.Layers.All.Select(layer => layer - read.Back)), layers)),
        });

    /// <summary>What layers share of a phase.</summary>
    private static PolicyPhase? Common(PolicyPhase? phase) => phase is null ? null : phase with { Kept = 0 };

    /// <summary>A number, or which one a layer has.</summary>
    public static string Kept(IEnumerable<LayerPolicy> runs, Func<PolicySpec, int> kept)
    {
        IGrouping<int, LayerPolicy>[] numbers = [.. runs.GroupBy(run => kept(run.Policy))];
        IEnumerable<string> arms = numbers.Select((number, i) => $"{(i == numbers.Length - 1 ? "_" : LayerSet.Pattern(number))} => {number.Key}");
        return numbers.Length == 1 ? $"{numbers[0].Key}" : $"layer switch {{ {string.Join(", ", arms)} }}";
    }
}
