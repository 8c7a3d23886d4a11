using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Emit;

/// <summary>Opens the namespace and the containing types of a target; disposing the result closes them.</summary>
internal sealed class TargetWriter : IDisposable
{
    private readonly Stack<CodeWriter.Scope> _scopes = new();

    private TargetWriter()
    {
    }

    public static TargetWriter Open(CodeWriter code, TargetSpec target)
    {
        var writer = new TargetWriter();
        if (target.Namespace.Length > 0)
        {
            code.Line($"namespace {target.Namespace};");
            code.Line();
        }

        return writer.OpenTypes(code, target);
    }

    /// <summary>The same in C# that knows no namespace for a whole file.</summary>
    public static TargetWriter OpenBlocks(CodeWriter code, TargetSpec target)
    {
        var writer = new TargetWriter();
        if (target.Namespace.Length > 0)
        {
            writer._scopes.Push(code.Block($"namespace {target.Namespace}"));
        }

        return writer.OpenTypes(code, target);
    }

    private TargetWriter OpenTypes(CodeWriter code, TargetSpec target)
    {
        foreach (TypeSpec type in target.ContainingTypes)
        {
            _scopes.Push(code.Block(type.Declaration));
        }

        return this;
    }

    public void Dispose()
    {
        while (_scopes.Count > 0)
        {
            _scopes.Pop().Dispose();
        }
    }
}
