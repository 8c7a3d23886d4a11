namespace SparseInfer.Text.ChatTemplates;

/// <summary>What <c>cycler(a, b)</c> returns: <c>next()</c> gives the items in turn.</summary>
internal sealed class CyclerValue(IReadOnlyList<object?> items)
{
    private static readonly Builtin Next = new("method", "next", "", call => ((CyclerValue)call.Self!).Advance());

    private static readonly Builtin Reset = new("method", "reset", "", call =>
    {
        ((CyclerValue)call.Self!)._at = 0;
        return null;
    });

    private int _at;

    public object? Attribute(string name) => name switch
    {
        "next" => new MethodValue(this, Next),
        "reset" => new MethodValue(this, Reset),
        "current" => items[_at],
        _ => new UndefinedValue($"a cycler has no attribute '{name}'"),
    };

    private object? Advance()
    {
        object? item = items[_at];
        _at = (_at + 1) % items.Count;
        return item;
    }
}
