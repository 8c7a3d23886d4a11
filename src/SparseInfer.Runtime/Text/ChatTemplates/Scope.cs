namespace SparseInfer.Text.ChatTemplates;

/// <summary>Variables of a block, over those around it. What a block sets is gone after it.</summary>
internal sealed class Scope(Scope? outer)
{
    private Dictionary<string, object?>? _variables;

    public void Set(string name, object? value) => (_variables ??= new(StringComparer.Ordinal))[name] = value;

    public bool TryGet(string name, out object? value)
    {
        for (Scope? scope = this; scope is not null; scope = scope.Outer)
        {
            if (scope._variables is { } variables && variables.TryGetValue(name, out value))
            {
                return true;
            }
        }

        value = null;
        return false;
    }

    private Scope? Outer { get; } = outer;
}
