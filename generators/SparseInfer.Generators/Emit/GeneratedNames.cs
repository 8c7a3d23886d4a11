using SparseInfer.Generators.Declare;

namespace SparseInfer.Generators.Emit;

/// <summary>
/// Names of generated classes. Programs and kernels lie in a namespace of their own, so that no name in the user's namespaces can take the
/// place of one that they mean; what is written into the user's types names everything in full.
/// </summary>
internal static class GeneratedNames
{
    public const string Namespace = "SparseInfer.Generated";

    /// <summary>
    /// The class that runs a declaration on a kind of device: <c>Zoo_Llama_Cpu</c> for <c>Zoo.Llama</c>. An underscore that stands for itself
    /// is followed by a zero, which begins no identifier: so no two declarations have one name.
    /// </summary>
    public static string Program(TargetSpec target, string device) => target.FullName.Replace("_", "_0").Replace('.', '_') + "_" + device;

    public static string QualifiedProgram(TargetSpec target, string device) => $"global::{Namespace}.{Program(target, device)}";
}
