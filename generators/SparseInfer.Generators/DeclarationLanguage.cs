using SparseInfer.Generators.Cpu;
using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Emit;
using SparseInfer.Generators.Ilgpu;

namespace SparseInfer.Generators;

/// <summary>What declarations are written in, put together: <c>Declare</c> knows neither policies nor backends.</summary>
internal static class DeclarationLanguage
{
    /// <summary>The attributes of shapes, and of every policy.</summary>
    public static readonly Vocabulary Vocabulary = new(PolicyRegistry.All);

    /// <summary>Reads declarations as the compiler does.</summary>
    public static readonly DeclarationReader Reader = ReaderWith(DeclarationRules.All);

    /// <summary>Reads declarations that have other rules to keep.</summary>
    public static DeclarationReader ReaderWith(IReadOnlyList<DeclarationRule> rules) => new(Vocabulary, rules, Plan);

    private static void Plan(ReadDeclaration read)
    {
        if (read.Model is { } model)
        {
            _ = DecoderPlan.Of(model);
            _ = IlgpuDecoderPlan.Of(model);
            _ = KernelRequest.Of(model, CpuKernelEmitter.Set);
        }
        else if (read.Layer is { } layer)
        {
            _ = KernelRequest.Of(layer, CpuKernelEmitter.Set);
        }
    }
}
