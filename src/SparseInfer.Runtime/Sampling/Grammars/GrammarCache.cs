namespace SparseInfer.Sampling;

/// <summary>The grammars that were asked for last: a schema that comes with every request is compiled once, and what is found out of it stays.</summary>
internal sealed class GrammarCache
{
    private const int MaxKept = 16;

    private readonly Lock _gate = new();
    private readonly LinkedList<((string Text, Grammar? Form) Key, Grammar Grammar)> _kept = [];

    /// <summary>Of a process: grammars depend on nothing but their text.</summary>
    public static GrammarCache Shared { get; } = new();

    /// <summary>A grammar that is made once.</summary>
    /// <param name="text">What it is made of.</param>
    /// <param name="form">And of which other; null: of none.</param>
    /// <param name="make">Makes it.</param>
    public Grammar Get(string text, Grammar? form, Func<Grammar> make)
    {
        (string, Grammar?) key = (text, form);
        lock (_gate)
        {
            for (var node = _kept.First; node is not null; node = node.Next)
            {
                if (node.Value.Key.Text == text && ReferenceEquals(node.Value.Key.Form, form))
                {
                    _kept.Remove(node);
                    _kept.AddFirst(node);
                    return node.Value.Grammar;
                }
            }
        }

        Grammar grammar = make();
        lock (_gate)
        {
            _kept.AddFirst((key, grammar));
            if (_kept.Count > MaxKept)
            {
                _kept.RemoveLast();
            }
        }

        return grammar;
    }
}
