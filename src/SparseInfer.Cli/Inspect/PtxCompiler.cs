using System.Globalization;
using System.Reflection;
using ILGPU;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.PTX;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace SparseInfer.Cli.Inspect;

/// <summary>Compiles kernels to PTX without a device, as a device's accelerator would. After a failure it is of no use.</summary>
internal sealed class PtxCompiler : IDisposable
{
    private readonly Context _context;
    private readonly PTXBackend _backend;

    /// <param name="architecture">As <c>sm_87</c>.</param>
    public PtxCompiler(string architecture)
    {
        int number = int.Parse(architecture.AsSpan("sm_".Length), CultureInfo.InvariantCulture);

        // PTX of the oldest instruction set that has the architecture's target: newer drivers take it. Above sm_80 ILGPU writes sm_80.
        CudaInstructionSet instructions = number < 80 ? CudaInstructionSet.ISA_64 : CudaInstructionSet.ISA_70;
        _context = Context.Create(builder => builder.Optimize(OptimizationLevel.O2).Inlining(InliningMode.Aggressive));
        _backend = new PTXBackend(_context, new CudaArchitecture(number / 10, number % 10), instructions, nvvmAPI: null!);
    }

    /// <summary>Compiles one of a context of its own, so that labels do not depend on what came before.</summary>
    public static string Compile(MethodInfo kernel, string architecture)
    {
        using var compiler = new PtxCompiler(architecture);
        return compiler.Compile(kernel);
    }

    /// <summary>Compiles a kernel.</summary>
    /// <exception cref="CliException">ILGPU refuses it.</exception>
    public string Compile(MethodInfo kernel)
    {
        try
        {
            var compiled = (PTXCompiledKernel)_backend.Compile(EntryPointDescription.FromExplicitlyGroupedKernel(kernel), default(KernelSpecialization));
            return compiled.PTXAssembly;
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            throw new CliException($"ILGPU does not compile {kernel.Name} to PTX: {(exception.InnerException ?? exception).Message}");
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _backend.Dispose();
        _context.Dispose();
    }
}
