using System.Reflection;
using ILGPU;
using ILGPU.Runtime;

namespace SparseInfer.Ilgpu.StandIn.Execution;

/// <summary>A kernel that was rewritten for an accelerator.</summary>
internal sealed class LoadedKernel
{
    public static LoadedKernel Load(Accelerator accelerator, MethodInfo? method, KernelSpecialization specialization, Type arguments)
    {
        ArgumentNullException.ThrowIfNull(method);
        return new LoadedKernel();
    }

    public void Launch(AcceleratorStream stream, KernelConfig config, KernelArguments arguments) =>
        throw new NotImplementedException();
}
