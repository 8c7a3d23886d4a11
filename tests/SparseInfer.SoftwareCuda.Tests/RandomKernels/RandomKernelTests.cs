using System.Globalization;
using System.Reflection;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using SparseInfer.SoftwareCuda.Tests.CompiledKernels;
using OptimizationLevel = ILGPU.OptimizationLevel;

namespace SparseInfer.SoftwareCuda.Tests.RandomKernels;

/// <summary>
/// Kernels made up at random, compiled to PTX by ILGPU, against the same program on the host, bit for bit. For a longer hunt:
/// <c>SPARSEINFER_RANDOM_KERNELS=500 SPARSEINFER_RANDOM_KERNELS_FIRST=1000</c>.
/// </summary>
public sealed class RandomKernelTests
{
    private static readonly int Kernels = Setting("SPARSEINFER_RANDOM_KERNELS") ?? 24;
    private static readonly int First = Setting("SPARSEINFER_RANDOM_KERNELS_FIRST") ?? 0;

    private delegate void Launch(AcceleratorStream stream, KernelConfig config, ArrayView<int> input, ArrayView<float> floats, ArrayView<int> output, int n);

    [Theory]
    [InlineData(OptimizationLevel.O1)]
    [InlineData(OptimizationLevel.O2)]
    public void A_kernel_does_what_its_text_says(OptimizationLevel level)
    {
        Assembly assembly = Compile(level);
        // Opens the driver, for ILGPU's own devices too.
        using var bench = new Bench();
        using Context context = Context.Create(builder => builder.Optimize(level).Cuda());
        using CudaAccelerator accelerator = context.CreateCudaAccelerator(0);
        int threads = RandomKernel.Threads * RandomKernel.Groups;
        int[] input = [.. Enumerable.Range(0, threads).Select(i => (i * 7919) - 1000)];
        float[] floats = [.. Enumerable.Range(0, threads).Select(i => (i * 37 % 101) - 50.25f)];
        using MemoryBuffer1D<int, Stride1D.Dense> deviceInput = accelerator.Allocate1D(input);
        using MemoryBuffer1D<float, Stride1D.Dense> deviceFloats = accelerator.Allocate1D(floats);
        for (int seed = First; seed < First + Kernels; seed++)
        {
            Type type = assembly.GetType($"Random{seed}")!;
            Launch launch = accelerator.LoadKernel<Launch>(type.GetMethod("Kernel")!);
            Action<int[], float[], int[], int, int> host = type.GetMethod("Host")!.CreateDelegate<Action<int[], float[], int[], int, int>>();
            using MemoryBuffer1D<int, Stride1D.Dense> output = accelerator.Allocate1D<int>(threads * 2);
            int[] expected = new int[threads * 2];
            for (int n = 1; n <= 4; n += 3)
            {
                launch(
                    accelerator.DefaultStream,
                    (RandomKernel.Groups, RandomKernel.Threads),
                    deviceInput.View.BaseView,
                    deviceFloats.View.BaseView,
                    output.View.BaseView,
                    n);
                accelerator.Synchronize();
                for (int group = 0; group < RandomKernel.Groups; group++)
                {
                    host(input, floats, expected, n, group);
                }

                output.GetAsArray1D().ShouldBe(expected, $"kernel {seed}, n = {n}");
            }
        }
    }

    private static Assembly Compile(OptimizationLevel level)
    {
        string text = "using System; using ILGPU; using ILGPU.Runtime; using Half = ILGPU.Half;\n"
            + string.Join('\n', Enumerable.Range(First, Kernels).Select(seed => new RandomKernel(seed).Text));
        IEnumerable<MetadataReference> references = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!)
            .Split(Path.PathSeparator)
            .Append(typeof(ArrayView<>).Assembly.Location)
            .Distinct()
            .Select(path => MetadataReference.CreateFromFile(path));
        var compilation = CSharpCompilation.Create(
            $"RandomKernels{level}",
            [CSharpSyntaxTree.ParseText(text)],
            references,
            new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, optimizationLevel: Microsoft.CodeAnalysis.OptimizationLevel.Release));
        using var stream = new MemoryStream();
        Microsoft.CodeAnalysis.Emit.EmitResult result = compilation.Emit(stream);
        result.Diagnostics.Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error).ShouldBeEmpty();
        return Assembly.Load(stream.ToArray());
    }

    private static int? Setting(string name) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.None, CultureInfo.InvariantCulture, out int value) ? value : null;
}
