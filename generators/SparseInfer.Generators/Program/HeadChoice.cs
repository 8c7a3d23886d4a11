using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Program;

/// <summary>
/// What a program asks of a <see cref="PolicySpec"/> that chooses among attention's heads: key-value heads, each with the query heads that share it. The output
/// of one that is left out is zero.
/// </summary>
internal interface IHeadPolicy : IChannelPolicy
{
    /// <summary>How heads are scored, for a comment of generated code.</summary>
    string Summary { get; }

    /// <summary>
    /// What scores them, in the stage in which what it reads is there: <see cref="Stage.Heads"/>, before any query is computed, or
    /// <see cref="Stage.Attention"/>, before any is attended to.
    /// </summary>
    /// <param name="scores">Where the scores go, one for each key-value head.</param>
    /// <param name="sizes">The model's.</param>
    IReadOnlyList<Operation> Score(Slot scores, Dimensions sizes);

    /// <summary>How many of the key-value heads are kept.</summary>
    int Kept(int heads);
}

/// <summary>Puts how heads are chosen into a program.</summary>
internal static class HeadChoice
{
    private const string ScoreName = "HeadScores";
    private const string MarkName = "HeadMarks";

    /// <summary>A score for each key-value head.</summary>
    public static Slot Scores(Dimension heads) => new(ScoreName, heads);

    /// <summary>0 for a key-value head that is kept, -1 for one that is left out.</summary>
    public static Slot Marks(Dimension heads) => new(MarkName, heads);

    /// <summary>Whether a program's heads are chosen in any layer.</summary>
    public static bool ChoosesHeads(this ModelProgram program) => program.Layer.OfType<Attend>().Any(attend => attend.IsChosen);

    /// <summary>Operations by which heads are chosen: of each use, in order.</summary>
    public static IEnumerable<IGrouping<PolicyUse, Operation>> HeadPhases(this IEnumerable<Operation> operations) =>
        operations.Where(IsOfHeads).GroupBy(operation => operation.Policy!);

    /// <summary>Whether an operation is one by which heads are chosen.</summary>
    public static bool IsOfHeads(Operation operation) => operation is { Policy: not null, Writes.Name: ScoreName or MarkName };

    /// <summary>
    /// Operations that choose, before those whose work they spare. They stand in the program as traits left it: where attention is, whatever is beside it.
    /// </summary>
    public static ModelProgram Insert(ModelProgram program, ModelSpec spec)
    {
        LayerPolicy[] choosing = [.. spec.SitePolicies.Where(policy => policy.Policy is IHeadPolicy)];
        if (choosing.Length == 0)
        {
            return program;
        }

        var sizes = Dimensions.Of(spec);
        Slot scores = Scores(sizes.KeyValueHeads);
        Slot marks = Marks(sizes.KeyValueHeads);
        EquatableArray<Operation> Score(PolicySpec policy) => ((IHeadPolicy)policy).Score(scores, sizes).ToEquatableArray();

        // Layers that differ in how many are kept have one phase.
        Operation[] all =
        [
            .. choosing.GroupBy(policy => Score(policy.Policy)).SelectMany(alike =>
            {
                var use = new PolicyUse(
                    ((IHeadPolicy)alike.First().Policy).Summary,
                    LayerSet.OfSite(spec, policy => policy is IHeadPolicy && Score(policy).Equals(alike.Key)),
                    PolicyPhases.Kept(alike, policy => ((IHeadPolicy)policy).Kept(sizes.KeyValueHeads.Size)));
                Stage stage = alike.Key[0].Stage;
                return alike.Key.Append(new KeepLargest(stage, WorkUnit.Row, scores, marks)).Select(operation => operation with { Policy = use });
            }),
        ];
        Operation first = program.Layer.First(operation => operation is Project { Stage: Stage.Heads });
        return program with
        {
            Layer =
            [
                .. program.Layer.SelectMany(operation => operation switch
                {
                    Attend attend =>
                    [
                        .. all.Where(own => own.Stage == Stage.Attention),
                        attend with { IsChosen = true, Reads = attend.Reads.Append(marks).ToEquatableArray() },
                    ],
                    _ when ReferenceEquals(operation, first) => [.. all.Where(own => own.Stage == Stage.Heads), operation],
                    _ => new[] { operation },
                }),
            ],
        };
    }
}
