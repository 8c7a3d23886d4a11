namespace SparseInfer.Generators.Tests.RandomDeclarations;

/// <summary>All that is left to chance in a project comes from here: a seed gives the same project on every machine.</summary>
internal sealed class Chooser(int seed)
{
    private readonly Random _random = new(seed);

    public T Of<T>(params IReadOnlyList<T> items) => items[_random.Next(items.Count)];

    /// <summary>Whether something happens that happens <paramref name="percent"/> times in a hundred.</summary>
    public bool In(int percent) => _random.Next(100) < percent;

    /// <summary>A number from <paramref name="first"/> to <paramref name="last"/>, both included.</summary>
    public int Between(int first, int last) => _random.Next(first, last + 1);
}
