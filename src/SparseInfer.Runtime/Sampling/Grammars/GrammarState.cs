namespace SparseInfer.Sampling;

/// <summary>Where a text may be in a grammar: nodes, and how each was come to. Equal ones of an automaton are one object, so that what was found out of one is kept with it.</summary>
/// <param name="places">The nodes that may take the next byte, in order.</param>
/// <param name="mayEnd">Whether the text may end here.</param>
internal sealed class GrammarState(GrammarPlace[] places, bool mayEnd) : IEquatable<GrammarState>
{
    private readonly int _hash = HashOf(places, mayEnd);

    /// <summary>The nodes that may take the next byte.</summary>
    public GrammarPlace[] Places => places;

    /// <summary>Whether the text may end here.</summary>
    public bool MayEnd => mayEnd;

    /// <summary>Whether nothing may follow.</summary>
    public bool IsLast => places.Length == 0;

    /// <summary>Whether no text of the grammar begins like that.</summary>
    public bool IsDead => IsLast && !mayEnd;

    /// <summary>What it took to find it, the same whatever was found before.</summary>
    public int Cost { get; init; }

    /// <summary>Where each class of bytes leads, as far as that is known.</summary>
    public GrammarState?[]? Next { get; set; }

    /// <summary>Which tokens may follow, a bit each; null: nobody has asked.</summary>
    public ulong[]? Allowed { get; set; }

    public bool Equals(GrammarState? other) =>
        other is not null && (ReferenceEquals(this, other) || (_hash == other._hash && MayEnd == other.MayEnd && places.AsSpan().SequenceEqual(other.Places)));

    public override bool Equals(object? obj) => Equals(obj as GrammarState);

    public override int GetHashCode() => _hash;

    private static int HashOf(GrammarPlace[] places, bool mayEnd)
    {
        var hash = default(HashCode);
        hash.Add(mayEnd);
        foreach (GrammarPlace place in places)
        {
            hash.Add(place.Node);
            hash.Add(place.Stack.Id);
        }

        return hash.ToHashCode();
    }
}

/// <summary>A node, and the calls that it is in.</summary>
internal readonly record struct GrammarPlace(int Node, GrammarStack Stack);

/// <summary>The calls that a rule is in: all that it may be in at one place of the text, each with those that it is in itself. Equal ones of an automaton are one object.</summary>
/// <param name="callers">The callers, in order.</param>
internal sealed class GrammarStack(GrammarCaller[] callers) : IEquatable<GrammarStack>
{
    private readonly int _hash = HashOf(callers);

    public GrammarCaller[] Callers => callers;

    /// <summary>A number that no other has.</summary>
    public long Id { get; set; }

    public bool Equals(GrammarStack? other) => other is not null && (ReferenceEquals(this, other) || (_hash == other._hash && callers.AsSpan().SequenceEqual(other.Callers)));

    public override bool Equals(object? obj) => Equals(obj as GrammarStack);

    public override int GetHashCode() => _hash;

    private static int HashOf(GrammarCaller[] callers)
    {
        var hash = default(HashCode);
        foreach (GrammarCaller caller in callers)
        {
            hash.Add(caller.Return);
            hash.Add(caller.Id);
        }

        return hash.ToHashCode();
    }
}

/// <summary>Who called a rule.</summary>
/// <param name="Return">Where it goes on; -1: nobody called it, the text ends.</param>
/// <param name="Stack">The calls that it is in; null: the text ends.</param>
internal readonly record struct GrammarCaller(int Return, GrammarStack? Stack) : IComparable<GrammarCaller>
{
    public long Id => Stack?.Id ?? 0;

    public int CompareTo(GrammarCaller other) => Return != other.Return ? Return.CompareTo(other.Return) : Id.CompareTo(other.Id);

    public bool Equals(GrammarCaller other) => Return == other.Return && ReferenceEquals(Stack, other.Stack);

    public override int GetHashCode() => HashCode.Combine(Return, Id);
}
