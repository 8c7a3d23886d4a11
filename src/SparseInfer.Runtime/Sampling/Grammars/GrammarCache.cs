namespace SparseInfer.Sampling;

/// <summary>The grammars that were asked for last: a schema that comes with every request is compiled once, and what is found out of it stays.</summary>
internal sealed class GrammarCache
{
    private const int MaxKept = 16;

    private readonly Lock _gate = new();
    private readonly LinkedList<((string Text, Grammar? Form) Key, Lazy<Grammar> Grammar)> _kept = [];

    /// <summary>Of a process: grammars depend on nothing but their text.</summary>
    public static GrammarCache Shared { get; } = new();

    /// <summary>A grammar that is made once.</summary>
    /// <param name="text">What it is made of.</param>
    /// <param name="form">And of which other; null: of none.</param>
    /// <param name="make">Makes it.</param>
    public Grammar Get(string text, Grammar? form, Func<Grammar> make)
    {
        var grammar = new Lazy<Grammar>(make);
        lock (_gate)
        {
            LinkedListNode<((string Text, Grammar? Form) Key, Lazy<Grammar> Grammar)>? node = _kept.First;
            while (node is not null && (node.Value.Key.Text != text || !ReferenceEquals(node.Value.Key.Form, form)))
            {
                node = node.Next;
            }

            if (node is not null)
            {
                grammar = node.Value.Grammar;
                _kept.Remove(node);
            }

            _kept.AddFirst(((text, form), grammar));
            if (_kept.Count > MaxKept)
            {
                _kept.RemoveLast();
            }
        }

        // Made by the first that asks, while others of the same wait. One that cannot be made is not kept.
        try
        {
            return grammar.Value;
        }
        catch
        {
            lock (_gate)
            {
                _kept.Remove(((text, form), grammar));
            }

            throw;
        }
    }
}
