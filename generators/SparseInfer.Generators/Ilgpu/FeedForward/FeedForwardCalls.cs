using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Emit;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>The feed-forward in a GPU's program, in one weight type: a decoder's, one a layer, or a layer's that stands alone.</summary>
internal sealed class FeedForwardCalls(CodeWriter code, IlgpuFeedForwardPlan plan)
{
    /// <summary>Writes a layer's weights as its kernels take them.</summary>
    /// <param name="place">Where they go.</param>
    /// <param name="tensors">The feed-forward's.</param>
    /// <param name="matrix">Where a matrix is on the device; biases and what is derived are variables.</param>
    /// <param name="norm">Where the weights of a norm before down are; null: there is none.</param>
    public void EmitWeights(string place, IReadOnlyList<Tensor> tensors, Func<Tensor, string> matrix, IEnumerable<DerivedField> derived, string? norm = null)
    {
        using (code.Block($"{place} = new()", end: "};"))
        {
            foreach (Tensor tensor in tensors.Where(tensor => tensor.Columns is not null && !(plan.Shape.ByChannels && tensor.Role == TensorRole.Neurons)))
            {
                code.Line($"{tensor.Field} = {matrix(tensor)}.Words,");
                if (plan.Row.IsBlock)
                {
                    string cast = tensor.Role == TensorRole.Down ? ".Cast<Words4>()" : "";
                    code.Line($"{tensor.Field}Scales = {matrix(tensor)}.Scales{cast},");
                }
            }

            foreach (DerivedField field in derived)
            {
                code.Line($"{field.Name} = {field.Variable},");
            }

            foreach (Tensor bias in tensors.Where(tensor => tensor.Role == TensorRole.NeuronBias))
            {
                code.Line($"{bias.Field} = {bias.Variable},");
            }

            if (norm is not null)
            {
                code.Line($"{NeuronNorm.Weights} = {norm},");
            }
        }
    }

    /// <summary>Writes down's weights beside those that are there: a file may store it in another type.</summary>
    /// <param name="place">Where they go.</param>
    /// <param name="matrix">Where it is on the device.</param>
    /// <param name="norm">Where the weights of a norm before down are; null: there is none.</param>
    public void EmitDown(string place, string matrix, string? norm)
    {
        code.Line($"{place}.Down = {matrix}.Words;");
        if (plan.Row.IsBlock)
        {
            code.Line($"{place}.DownScales = {matrix}.Scales.Cast<Words4>();");
        }

        if (norm is not null)
        {
            code.Line($"{place}.{NeuronNorm.Weights} = {norm};");
        }
    }

    /// <summary>Writes which kernel computes the neurons and down of the weights <c>w</c>.</summary>
    /// <param name="kernels">Where the kernels are.</param>
    /// <param name="start">Writes what comes before, with <c>kernels</c> in scope.</param>
    /// <param name="groups">Groups of a launch, as C#; null: one for each slice.</param>
    /// <param name="threads">Threads of each of several dimensions; null: there is one.</param>
    /// <param name="mode">What the mode is called.</param>
    /// <param name="call">A kernel's launch.</param>
    public void EmitActivate(
        string kernels,
        IReadOnlyList<LayerPolicy> policies,
        Func<IlgpuKernelEmitter, IReadOnlyList<string>, string> call,
        Action? start = null,
        string? groups = null,
        string? threads = null,
        string mode = "Mode")
    {
        code.Line($"var config = new KernelConfig({groups ?? $"{plan.ClassName}.Slices"}, {threads ?? $"{plan.ClassName}.Threads"});");
        code.Line($"{plan.ClassName}.Kernels kernels = {kernels};");
        start?.Invoke();
        PolicySwitch.Emit(code, plan.Shape, policies, IlgpuKernelEmitter.Set, call, mode);
    }
}
