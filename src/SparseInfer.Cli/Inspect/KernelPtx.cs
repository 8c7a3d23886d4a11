using SparseInfer.SoftwareCuda.Ptx;

namespace SparseInfer.Cli.Inspect;

/// <summary>What a kernel's PTX says of it.</summary>
/// <param name="SharedBytes">Shared memory of a group.</param>
/// <param name="Registers">Registers of 32 bits a thread, estimated: what is alive at once in PTX. The driver's compiler decides.</param>
internal sealed record KernelPtx(int SharedBytes, int Registers)
{
    /// <summary>Compiles kernels and reads what came out.</summary>
    /// <exception cref="CliException">ILGPU refuses one.</exception>
    public static KernelPtx[] Of(IReadOnlyList<KernelMethod> kernels, string architecture, CancellationToken cancellationToken)
    {
        using var compiler = new PtxCompiler(architecture);
        var facts = new KernelPtx[kernels.Count];
        for (int i = 0; i < facts.Length; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            PtxFunction function = PtxModule.Load(compiler.Compile(kernels[i].Method)).Find("Kernel_" + kernels[i].Method.Name)!;
            facts[i] = new KernelPtx(function.SharedBytes, function.Registers);
        }

        return facts;
    }
}
