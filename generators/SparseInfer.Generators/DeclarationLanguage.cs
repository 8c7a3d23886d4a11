using SparseInfer.Generators.Cpu;
using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Emit;
using SparseInfer.Generators.Ilgpu;
using SparseInfer.Generators.Program;

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

    /// <summary>Plans what is declared, so that what throws does so here.</summary>
    /// <returns>What cannot be computed; null: all of it can.</returns>
    private static string? Plan(ReadDeclaration read, bool isForGpu)
    {
        if (read.Model is { } model)
        {
            if ((CutLimit.Of(model) ?? ExpertLimit.Of(model) ?? ResidualLimit.Of(model)) is { } limit)
            {
                return limit;
            }

            _ = DecoderPlan.Of(model);
            _ = IlgpuDecoderPlan.Of(model);
            _ = KernelRequest.Of(model, CpuKernelEmitter.Set);
            return isForGpu ? GpuLimit.Of(model) : null;
        }

        if (read.Layer is not { } layer)
        {
            return null;
        }

        _ = KernelRequest.Of(layer, CpuKernelEmitter.Set);
        return layer.Policy is IMemoryPolicy
            ? $"the policy '{layer.Policy.Label()}' chooses by the prompts of a session, which a layer alone does not have; declare it on a model"
            : layer.Policy is IPhasePolicy
            ? $"the policy '{layer.Policy.Label()}' wants tensors of a model's file, which a layer alone does not have; declare it on a model"
            : null;
    }
}
