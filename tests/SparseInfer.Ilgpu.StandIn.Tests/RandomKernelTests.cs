using System.Reflection;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace SparseInfer.Ilgpu.StandIn.Tests;

/// <summary>Kernels made up at random, compiled without and with optimisation, against the same program on the host.</summary>
public sealed class RandomKernelTests
{
    private const int Kernels = 40;

    private delegate void Launch(
        AcceleratorStream stream,
        KernelConfig config,
        ArrayView<int> input,
        ArrayView<float> floats,
        ArrayView<int> output,
        int n);

    [Theory]
    [InlineData(Microsoft.CodeAnalysis.OptimizationLevel.Debug)]
    [InlineData(Microsoft.CodeAnalysis.OptimizationLevel.Release)]
    public void A_rewritten_kernel_does_what_its_text_says(Microsoft.CodeAnalysis.OptimizationLevel level)
    {
        var assembly = Compile(level);
        using var bench = new Bench();
        var input = Enumerable.Range(0, RandomKernel.Threads).Select(i => (i * 7919) - 1000).ToArray();
        var floats = Enumerable.Range(0, RandomKernel.Threads).Select(i => MathF.Sin(i) * 50).ToArray();
        using var deviceInput = bench.Of(input);
        using var deviceFloats = bench.Of(floats);
        for (int seed = 0; seed < Kernels; seed++)
        {
            var type = assembly.GetType($"Random{seed}")!;
            var launch = bench.Accelerator.LoadKernel<Launch>(type.GetMethod("Kernel")!);
            var host = type.GetMethod("Host")!.CreateDelegate<Action<int[], float[], int[], int>>();
            using var output = bench.Unwritten<int>(RandomKernel.Threads);
            var expected = new int[RandomKernel.Threads];
            for (int n = 1; n <= 4; n += 3)
            {
                launch(
                    bench.Accelerator.DefaultStream,
                    (1, RandomKernel.Threads),
                    deviceInput.AsContiguous(),
                    deviceFloats.AsContiguous(),
                    output.AsContiguous(),
                    n);
                host(input, floats, expected, n);
                output.AsContiguous().GetAsArray().ShouldBe(expected, $"kernel {seed}, n = {n}");
            }
        }
    }

    private static Assembly Compile(Microsoft.CodeAnalysis.OptimizationLevel level)
    {
        string text = "using System; using ILGPU; using ILGPU.Runtime;\n"
            + string.Join('\n', Enumerable.Range(0, Kernels).Select(seed => new RandomKernel(seed).Text));
        var references = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!)
            .Split(Path.PathSeparator)
            .Append(typeof(ArrayView<>).Assembly.Location)
            .Distinct()
            .Select(path => MetadataReference.CreateFromFile(path));
        var compilation = CSharpCompilation.Create(
            $"RandomKernels{level}",
            [CSharpSyntaxTree.ParseText(text)],
            references,
            new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, optimizationLevel: level));
        using var stream = new MemoryStream();
        var result = compilation.Emit(stream);
        result.Diagnostics.Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error).ShouldBeEmpty();
        return Assembly.Load(stream.ToArray());
    }
}
