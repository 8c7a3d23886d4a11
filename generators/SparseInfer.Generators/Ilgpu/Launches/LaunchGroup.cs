using SparseInfer.Generators.Program;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>Operations that launches compute together: which ones a pass fuses follows from which may stand beside each other.</summary>
internal static class LaunchGroup
{
    /// <summary>Cuts operations into groups.</summary>
    /// <param name="joins">Whether the second of two neighbours belongs to the first one's group.</param>
    public static IReadOnlyList<IReadOnlyList<Operation>> Of(IEnumerable<Operation> operations, Func<Operation, Operation, bool> joins)
    {
        var groups = new List<List<Operation>>();
        foreach (Operation operation in operations)
        {
            if (groups.Count > 0 && joins(groups[groups.Count - 1].Last(), operation))
            {
                groups[groups.Count - 1].Add(operation);
            }
            else
            {
                groups.Add([operation]);
            }
        }

        return groups;
    }

    /// <summary>
    /// What all passes fuse: heads, whose rows lie in one matrix, up to the cache; a feed-forward from its neurons to the residual stream; a
    /// norm with the sum before or after it; an embedding with its position's.
    /// </summary>
    public static bool Joins(Operation earlier, Operation later) => (earlier, later) switch
    {
        ({ Policy: not null }, _) or (_, { Policy: not null }) => earlier.Policy == later.Policy,
        (Project or AddBias or NormHeads or Rotate, Project or AddBias or NormHeads or Rotate) => earlier.Unit == WorkUnit.Head && later.Unit == WorkUnit.Head,
        (Embed, AddPosition) => true,
        (Gates, MeasureGates) or (MeasureGates, Neurons) => true,
        (Neurons, Down or SumSquares) or (SumSquares, NormNeurons) or (NormNeurons, Down) or (Down, SumSlices) => true,
        (Down, SumExperts) => true,
        (SumSlices or SumExperts, AddResidual) => true,
        (SumSlices or SumExperts, IIlgpuOperation) => IsOfSum(later),
        (IIlgpuOperation, AddResidual) => IsOfSum(earlier) && later.Stage == earlier.Stage,
        (Project { Stage: Stage.Logits } or IIlgpuOperation, IIlgpuOperation) => earlier.Writes == later.Writes,
        (AddResidual, Norm) or (Norm, AddResidual) => true,
        _ => false,
    };

    /// <summary>Whether both take elements of one slot, one after the other.</summary>
    public static bool AreOfElements(Operation earlier, Operation later) =>
        earlier.Writes == later.Writes && ElementKernel.Knows(earlier) && ElementKernel.Knows(later);

    /// <summary>Whether a trait does it with the sum of down's slices.</summary>
    private static bool IsOfSum(Operation own) => own.Stage == Stage.FeedForward && own.Writes == Slot.Projected;

    /// <summary>What traits do with the sum of down's slices, before it is added to the residual stream.</summary>
    public static IReadOnlyList<Operation> OfSum(ModelProgram program) =>
        [.. program.Layer.Where(operation => operation is IIlgpuOperation && IsOfSum(operation))];

    /// <summary>
    /// Whether neurons read what a norm beside a sum makes: of the sum, or, where attention is beside the feed-forward, of what is there before it.
    /// That one packs signs, and stores what it makes. The norm of heads is in each group's own memory. A router that reads it too changes nothing.
    /// </summary>
    public static bool HasNormedInput(ModelProgram program)
    {
        Operation[] before = [.. program.Layer.TakeWhile(operation => operation is not (Gates or Neurons)).Where(operation => operation is { Policy: null } and not Route).Reverse().Take(2)];
        return before is [Norm, AddResidual] or [AddResidual, Norm];
    }

    /// <summary>
    /// Whether these are what the kernels of heads compute: query, key and value of a norm, all biased or none, the first two normalised or none,
    /// then rotated or none.
    /// </summary>
    public static bool AreHeads(IEnumerable<Operation> operations)
    {
        IEnumerable<Slot> Written<T>()
            where T : Operation => operations.OfType<T>().Select(operation => operation.Writes);
        Slot[] heads = [Slot.Queries, Slot.Keys, Slot.Values];
        bool AreInOrder(Slot slot)
        {
            int[] kinds = [.. operations.Where(operation => operation.Writes == slot).Select(KindOfHeads)];
            return kinds.SequenceEqual(kinds.Distinct().OrderBy(kind => kind));
        }

        return Written<Project>().SequenceEqual(heads)
            && operations.OfType<Project>().All(project => project.From == Slot.Normed)
            && (!Written<Rotate>().Any() || Written<Rotate>().SequenceEqual(heads.Take(2)))
            && operations.OfType<Rotate>().Select(rotate => rotate.Except).Distinct().Count() <= 1
            && (!Written<AddBias>().Any() || Written<AddBias>().SequenceEqual(heads))
            && (!Written<NormHeads>().Any() || Written<NormHeads>().SequenceEqual(heads.Take(2)))
            && heads.All(AreInOrder)
            && operations.All(operation => operation is Project or Rotate or AddBias or NormHeads);
    }

    /// <summary>In which order kernels of heads compute what they know.</summary>
    private static int KindOfHeads(Operation operation) => operation switch { Project => 0, AddBias => 1, NormHeads => 2, _ => 3 };
}
