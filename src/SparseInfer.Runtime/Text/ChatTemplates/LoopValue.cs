namespace SparseInfer.Text.ChatTemplates;

/// <summary>What <c>loop</c> is inside a <c>for</c>.</summary>
internal sealed class LoopValue : ICallable
{
    private static readonly Builtin Cycle = new("method", "loop.cycle", "*", call =>
        call.Arguments.Positional.Count > 0
            ? call.Arguments.Positional[((LoopValue)call.Self!).Index % call.Arguments.Positional.Count]
            : throw call.Wrong("needs values"));

    private static readonly Builtin Changed = new("method", "loop.changed", "*", call =>
    {
        var loop = (LoopValue)call.Self!;
        var now = new TupleValue([.. call.Arguments.Positional]);
        bool changed = loop._before is null || !Values.AreEqual(loop._before, now, call.Budget);
        loop._before = now;
        return changed;
    });

    private readonly List<object?> _items;
    private readonly int _depth;
    private readonly Func<object?, TemplateText>? _again;
    private TupleValue? _before;

    /// <param name="items">What is walked through.</param>
    /// <param name="depth">In how many turns of the same loop.</param>
    /// <param name="again">Walks through other items with the same body; null: the loop is not recursive.</param>
    public LoopValue(List<object?> items, int depth, Func<object?, TemplateText>? again)
    {
        _items = items;
        _depth = depth;
        _again = again;
    }

    public string Name => "loop";

    public int Index { get; set; }

    public object? Call(Rendering rendering, CallArguments arguments) => _again is null
        ? throw new TemplateFault("'loop' can be called where the loop says 'recursive'")
        : arguments is { Positional: [var items], Named.Count: 0 } ? _again(items)
        : throw new TemplateFault("'loop' takes one argument");

    /// <summary>An attribute; undefined: there is none of that name, or no such item.</summary>
    public object? Attribute(string name) => name switch
    {
        "index" => (long)Index + 1,
        "index0" => (long)Index,
        "revindex" => (long)_items.Count - Index,
        "revindex0" => (long)_items.Count - Index - 1,
        "first" => Index == 0,
        "last" => Index == _items.Count - 1,
        "length" => (long)_items.Count,
        "depth" => (long)_depth + 1,
        "depth0" => (long)_depth,
        "previtem" => Index > 0 ? _items[Index - 1] : new UndefinedValue("there is no previous item"),
        "nextitem" => Index + 1 < _items.Count ? _items[Index + 1] : new UndefinedValue("there is no next item"),
        "cycle" => new MethodValue(this, Cycle),
        "changed" => new MethodValue(this, Changed),
        _ => new UndefinedValue($"'loop' has no attribute '{name}'"),
    };
}
