namespace SparseInfer.Kernels.Cpu.Tests;

/// <summary>
/// The bits that kernels compute are those of kernel-bits.txt: on x64 and on ARM, with vectors of every width. Only where all vector instructions are
/// switched off (DOTNET_EnableHWIntrinsic=0) the runtime's exponential has other bits, and with it attention, SiLU and GELU.
/// </summary>
public sealed class KernelBitsTests
{
    [Fact]
    public void Every_kernel_of_every_type_has_the_bits_of_the_file()
    {
        var kernels = new KernelBits();
        kernels.AddType<F32>();
        kernels.AddType<F16>();
        kernels.AddType<BF16>();
        kernels.AddType<Q8_0>();
        kernels.AddType<Q4_0>();
        kernels.AddType<Q5_0>();
        kernels.AddType<Q5_1>();
        kernels.AddType<Q4_K>();
        kernels.AddType<Q5_K>();
        kernels.AddType<Q6_K>();
        kernels.AddLayers();
        kernels.Bits.ShouldBeThoseOf("kernel-bits.txt");
    }
}
