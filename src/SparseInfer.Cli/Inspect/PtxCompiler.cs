using System.Globalization;
using System.Reflection;
using ILGPU;

namespace SparseInfer.Cli.Inspect;

/// <summary>
/// Compiles kernels to PTX without a device, by ILGPU's PTX backend. The stand-in has none, so it is reached by name: the same code is
/// built with either.
/// </summary>
internal static class PtxCompiler
{
    private const string Backends = "ILGPU.Backends.";

    private static Assembly Ilgpu => typeof(Context).Assembly;

    /// <summary>Requires ILGPU itself.</summary>
    /// <exception cref="CliException">This was built with the stand-in.</exception>
    public static void RequirePackage()
    {
        if (Ilgpu.GetType(Backends + "PTX.PTXBackend") is null)
        {
            throw new CliException(
                "--ptx needs the ILGPU package, and this was built with the stand-in for it: "
                + "build where a package source serves ILGPU 1.5.3, or with -p:Ilgpu=package or -p:IlgpuPath=FOLDER.");
        }
    }

    /// <summary>Compiles a kernel as a device's accelerator would.</summary>
    /// <param name="kernel">The method.</param>
    /// <param name="architecture">As <c>sm_87</c>.</param>
    /// <exception cref="CliException">ILGPU refuses it.</exception>
    public static string Compile(MethodInfo kernel, string architecture)
    {
        int number = int.Parse(architecture.AsSpan("sm_".Length), CultureInfo.InvariantCulture);

        // PTX of the oldest instruction set that has the architecture's target: newer drivers take it. Above sm_80 ILGPU writes sm_80.
        object target = Create("ILGPU.Runtime.Cuda.CudaArchitecture", number / 10, number % 10);
        object instructions = number < 80
            ? Create("ILGPU.Runtime.Cuda.CudaInstructionSet", 6, 4)
            : Create("ILGPU.Runtime.Cuda.CudaInstructionSet", 7, 0);

        // A fresh one for each kernel: after a failure a context is of no use, and labels do not depend on what came before.
        using Context context = Context.Create(builder => builder.Optimize(OptimizationLevel.O2).Inlining(InliningMode.Aggressive));
        using var backend = (IDisposable)Create(Backends + "PTX.PTXBackend", context, target, instructions, null);
        object entry = Ilgpu.GetType(Backends + "EntryPoints.EntryPointDescription", throwOnError: true)!
            .GetMethod("FromExplicitlyGroupedKernel", [typeof(MethodInfo)])!
            .Invoke(null, [kernel])!;
        Type specialization = Ilgpu.GetType("ILGPU.Runtime.KernelSpecialization", throwOnError: true)!;
        MethodInfo compile = backend.GetType().GetMethod(
            "Compile", [entry.GetType().MakeByRefType(), specialization.MakeByRefType()])!;
        try
        {
            object compiled = compile.Invoke(backend, [entry, Activator.CreateInstance(specialization)])!;
            return (string)compiled.GetType().GetProperty("PTXAssembly")!.GetValue(compiled)!;
        }
        catch (TargetInvocationException exception) when (exception.InnerException is { } inner)
        {
            throw new CliException($"--ptx: ILGPU does not compile {kernel.Name}: {(inner.InnerException ?? inner).Message}");
        }
    }

    private static object Create(string type, params object?[] arguments) => Activator.CreateInstance(
        Ilgpu.GetType(type, throwOnError: true)!, arguments)!;
}
