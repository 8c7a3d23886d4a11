using System.Reflection;
using System.Reflection.Emit;
using SparseInfer.Ilgpu.StandIn.Execution;

namespace SparseInfer.Ilgpu.StandIn.Rewriting;

/// <summary>Rewrites a device function: as it is, with the lane as its last parameter.</summary>
internal sealed class FunctionRewriter(KernelBuilder builder, MethodText text, ILGenerator il, int lane)
    : MethodRewriter(builder, text, il)
{
    protected override void LoadLane() => Il.Emit(OpCodes.Ldarg, (short)lane);

    protected override void LoadArgument(int argument, bool fieldFollows) => Il.Emit(OpCodes.Ldarg, (short)argument);

    protected override void LoadArgumentAddress(int argument) => Il.Emit(OpCodes.Ldarga, (short)argument);

    protected override void StoreArgument(int argument) => Il.Emit(OpCodes.Starg, (short)argument);

    protected override void Return() => Il.Emit(OpCodes.Ret);

    protected override void Meet(Instruction instruction, MethodInfo method, Meeting meeting) =>
        throw Broken(
            instruction,
            $"{method.DeclaringType!.Name}.{method.Name} stands in a device function; shuffles and barriers stand in the kernel itself");

    protected override void Share(Instruction instruction, MethodInfo method) =>
        throw Broken(instruction, "shared memory is allocated in a device function; allocate it in the kernel and pass the view");
}
