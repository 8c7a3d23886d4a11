namespace SparseInfer.Generators.Program;

/// <summary>How an operation is shared among workers.</summary>
/// <param name="Unit">By what.</param>
/// <param name="IsPrivate">Whether everybody does all of it for himself: what it writes is no one else's.</param>
internal readonly record struct Split(WorkUnit Unit, bool IsPrivate = false);

/// <summary>Operations between two barriers.</summary>
internal sealed record Phase(IReadOnlyList<Operation> Operations);

/// <summary>
/// Where workers that share operations have to wait for each other: it follows from what operations read and write. An operation may not
/// read what another one wrote since the last barrier, unless each worker reads only what it wrote itself; nor write what others may still
/// read, or still write.
/// </summary>
internal static class Schedule
{
    /// <summary>Cuts what is done once into phases; a barrier follows each but the last.</summary>
    /// <param name="splitOf">How each operation is shared.</param>
    public static IReadOnlyList<Phase> Once(IEnumerable<Operation> operations, Func<Operation, Split> splitOf)
    {
        var all = new List<List<Operation>>();
        foreach (Operation operation in operations)
        {
            if (all.Count == 0 || all[all.Count - 1].Any(earlier => Collide(earlier, operation, splitOf)))
            {
                all.Add([]);
            }

            all[all.Count - 1].Add(operation);
        }

        return [.. all.Select(phase => new Phase(phase))];
    }

    /// <summary>Cuts a loop's body into phases; a barrier follows each.</summary>
    /// <param name="body">What the loop does, over and over.</param>
    /// <param name="splitOf">How each operation is shared.</param>
    public static IReadOnlyList<Phase> Phases(IReadOnlyList<Operation> body, Func<Operation, Split> splitOf)
    {
        // Twice around: the second time says whether what the end wrote is read at the beginning.
        IReadOnlyList<Phase> all = Once(body.Concat(body), splitOf);
        Phase[] first = [.. all.Take(all.Count / 2)];
        if (first.Sum(phase => phase.Operations.Count) != body.Count)
        {
            throw new InvalidOperationException("A loop's end does not have to be waited for by its beginning.");
        }

        return first;
    }

    private static bool Collide(Operation earlier, Operation later, Func<Operation, Split> splitOf)
    {
        Split first = splitOf(earlier);
        Split second = splitOf(later);
        bool isOwn = first.Unit == second.Unit && !first.IsPrivate && !second.IsPrivate;
        bool readsWhatIsWritten = !first.IsPrivate && later.Reads.Contains(earlier.Writes) && !(isOwn && later.ReadsOwn(earlier.Writes));
        bool writesWhatIsRead = !second.IsPrivate && earlier.Reads.Contains(later.Writes) && !(isOwn && earlier.ReadsOwn(later.Writes));
        bool writesTheSame = !first.IsPrivate && !second.IsPrivate && earlier.Writes == later.Writes && !isOwn;
        return readsWhatIsWritten || writesWhatIsRead || writesTheSame;
    }
}
