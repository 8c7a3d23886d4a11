namespace SparseInfer.Benchmarks;

/// <summary>One way to do something that others do too.</summary>
/// <param name="Group">Variants of a group are compared with its first.</param>
/// <param name="Name">What it is.</param>
/// <param name="Bytes">Bytes of weights, and of what was derived from them, that a step reads.</param>
/// <param name="Step">Does it once.</param>
internal sealed record Variant(string Group, string Name, double Bytes, Action Step);

/// <summary>Variants that run in turn, and what they live in.</summary>
internal sealed class Comparison : IDisposable
{
    private readonly List<IDisposable> _owned = [];

    public List<Variant> Variants { get; } = [];

    public T Own<T>(T memory)
        where T : IDisposable
    {
        _owned.Add(memory);
        return memory;
    }

    public void Dispose() => _owned.ForEach(memory => memory.Dispose());
}
