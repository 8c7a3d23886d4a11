using SparseInfer.Generators.Cpu;
using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Emit;
using SparseInfer.Generators.Ilgpu;

namespace SparseInfer.Generators;

/// <summary>What declarations are written in, put together: <c>Declare</c> knows neither policies, traits nor backends.</summary>
internal static class DeclarationLanguage
{
    /// <summary>The attributes of shapes, and of every policy and trait.</summary>
    public static readonly Vocabulary Vocabulary = new(PolicyRegistry.All, TraitRegistry.All);

    /// <summary>Reads declarations as the compiler does.</summary>
    public static readonly DeclarationReader Reader = ReaderWith(DeclarationRules.All);

    /// <summary>Reads declarations that have other rules to keep.</summary>
    public static DeclarationReader ReaderWith(IReadOnlyList<DeclarationRule> rules) => ReaderWith(rules, Vocabulary);

    /// <summary>Reads declarations that have other attributes, too.</summary>
    public static DeclarationReader ReaderWith(IReadOnlyList<DeclarationRule> rules, Vocabulary vocabulary) => new(vocabulary, rules, Plan);

    private static void Plan(ReadDeclaration read, bool isForGpu)
    {
        if (read.Model is { } model)
        {
            _ = DecoderPlan.Of(model);
            if (DeviceTypes.HaveKernels(model.Weights))
            {
                var ilgpu = IlgpuDecoderPlan.Of(model);
                if (isForGpu && model.Traits.Any())
                {
                    _ = new DecoderLaunches(ilgpu); // refuses operations that no kernel computes
                }
            }

            _ = KernelRequest.Of(model, CpuKernelEmitter.Set);
        }
        else if (read.Layer is { } layer)
        {
            _ = KernelRequest.Of(layer, CpuKernelEmitter.Set);
        }
    }
}
