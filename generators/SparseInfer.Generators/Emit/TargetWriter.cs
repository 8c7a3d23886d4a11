using SparseInfer.Generators.Spec;
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

        foreach (TypeSpec type in target.ContainingTypes)
        {
            writer._scopes.Push(code.Block(type.Declaration));
        }

        return writer;
    }

    public void Dispose()
    {
        while (_scopes.Count > 0)
        {
            _scopes.Pop().Dispose();
        }
    }
}
