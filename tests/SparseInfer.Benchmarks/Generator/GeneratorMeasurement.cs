using System.Diagnostics;
using System.Runtime;
using System.Text;
using System.Text.Json;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Text;

namespace SparseInfer.Benchmarks;

/// <summary>Measures the generator in a process that has done nothing else. All of it runs in a <see cref="CompilerContext"/>.</summary>
internal static class GeneratorMeasurement
{
    private const int WarmRuns = 7;

    /// <summary>Code is compiled to be called, then to be counted in, then for good, each time after a pause.</summary>
    private const int WarmUps = 4;
    private const double WarmUpMilliseconds = 1000;
    private const int PauseMilliseconds = 150;

    /// <summary>A cold run, then warm ones, then edits.</summary>
    /// <param name="models">How many models the project declares.</param>
    /// <param name="gpu">Whether for GPUs too.</param>
    /// <returns>A list of <see cref="GeneratorRun"/> as JSON: the caller has another copy of that type.</returns>
    public static string Measure(int models, bool gpu) => JsonSerializer.Serialize(Runs(new GeneratorProject(models, gpu)));

    private static List<GeneratorRun> Runs(GeneratorProject project)
    {
        GeneratorRun cold = Run("cold", null, project.Compilation, 1);
        for (int i = 0; i < WarmUps; i++)
        {
            TimeSpan used = Environment.CpuUsage.TotalTime;
            do
            {
                Driver().RunGenerators(project.Compilation.Clone());
            }
            while ((Environment.CpuUsage.TotalTime - used).TotalMilliseconds < WarmUpMilliseconds);
            Thread.Sleep(PauseMilliseconds);
        }

        GeneratorDriver before = Driver().RunGenerators(project.Compilation);
        return
        [
            cold,
            Run("warm", null, project.Compilation, WarmRuns),
            .. project.Edits.Select(edit => Run(edit.Edit, before, edit.Compilation, WarmRuns)),
        ];
    }

    private static GeneratorRun Run(string kind, GeneratorDriver? before, CSharpCompilation project, int count)
    {
        double[] milliseconds = new double[count];
        double[] processor = new double[count];
        TimeSpan jit = JitInfo.GetCompilationTime(currentThread: true);
        long methods = JitInfo.GetCompiledMethodCount(currentThread: true);
        long allocated = GC.GetAllocatedBytesForCurrentThread();
        GeneratorDriver after = Timed(0);
        jit = JitInfo.GetCompilationTime(currentThread: true) - jit;
        methods = JitInfo.GetCompiledMethodCount(currentThread: true) - methods;
        allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
        for (int i = 1; i < count; i++)
        {
            Timed(i);
        }

        HashSet<SourceText> kept = before is null ? [] : [.. Files(before)];
        string[] written = [.. Files(after).Where(text => !kept.Contains(text)).Select(text => text.ToString())];
        return new GeneratorRun(
            kind,
            milliseconds,
            processor,
            jit.TotalMilliseconds,
            (int)methods,
            allocated,
            written.Length,
            written.Sum(Encoding.UTF8.GetByteCount));

        GeneratorDriver Timed(int i)
        {
            // A clone, as nothing that a run has bound helps the next.
            CSharpCompilation fresh = project.Clone();
            TimeSpan used = Environment.CpuUsage.TotalTime;
            long start = Stopwatch.GetTimestamp();
            GeneratorDriver driver = (before ?? Driver()).RunGenerators(fresh);
            milliseconds[i] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            processor[i] = (Environment.CpuUsage.TotalTime - used).TotalMilliseconds;
            return driver;
        }
    }

    private static CSharpGeneratorDriver Driver()
    {
        var generator = (IIncrementalGenerator)Activator.CreateInstance(CompilerContext.GeneratorOf(typeof(GeneratorMeasurement).Assembly))!;
        return CSharpGeneratorDriver.Create([generator.AsSourceGenerator()], parseOptions: GeneratorProject.ParseOptions);
    }

    /// <summary>What there is after a run. Texts are the same objects where nothing was written again.</summary>
    /// <exception cref="InvalidOperationException">The generator failed, or reported something.</exception>
    private static IEnumerable<SourceText> Files(GeneratorDriver driver)
    {
        GeneratorRunResult result = driver.GetRunResult().Results.Single();
        if (result.Exception is { } fault)
        {
            throw new InvalidOperationException($"The generator failed: {fault}");
        }

        if (!result.Diagnostics.IsEmpty)
        {
            throw new InvalidOperationException($"The generator reports: {string.Join('\n', result.Diagnostics.Take(3))}");
        }

        return result.GeneratedSources.Select(source => source.SourceText);
    }
}
