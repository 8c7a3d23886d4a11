using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>What of a model no kernel computes.</summary>
internal static class GpuLimit
{
    /// <summary>In words, and what to change; null: there are kernels for all of it.</summary>
    public static string? Of(ModelSpec model) => Missing(model) is { } missing
        ? $"{missing}; remove what declares it, or reference SparseInfer.Runtime instead of SparseInfer.Runtime.Ilgpu"
        : null;

    /// <summary>In words; null: there are kernels for all of it.</summary>
    public static string? Missing(ModelSpec model)
    {
        string[] unknown = [.. Unknown(model)];
        return unknown.Length == 0 ? null : $"no kernel for GPUs computes {string.Join(", nor ", unknown)}";
    }

    private static IEnumerable<string> Unknown(ModelSpec model)
    {
        string[] policies = [.. model.Policies.Where(policy => policy.Policy is not IIlgpuPolicy).Select(policy => $"the policy '{policy.Policy.Label()}'").Distinct()];
        if (policies.Length > 0)
        {
            return policies;
        }

        var code = new CodeWriter();
        IlgpuDecoderPlan plan = IlgpuDecoderPlan.Of(model);
        var program = ModelProgram.Of(model).Unobserved;
        var together = new FeedForwardTogether(code, plan);
        LaunchPass[] passes =
        [
            new TokenPass(code, plan, program),
            new PromptPass(code, plan, program, together),
            .. plan.DecodesTogether ? [new TogetherPass(code, plan, program, together)] : Array.Empty<LaunchPass>(),
        ];
        return passes.SelectMany(pass => pass.Unknown).Distinct();
    }
}
