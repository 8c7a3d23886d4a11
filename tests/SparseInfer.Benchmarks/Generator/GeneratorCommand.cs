using System.Diagnostics;
using System.Globalization;
using System.IO.Enumeration;
using System.Runtime.InteropServices;
using BenchmarkDotNet.Environments;

namespace SparseInfer.Benchmarks;

/// <summary>
/// <c>generator [--generator NAME=PATH]... [--repetitions N] [--filter PATTERN]</c>: what the generator costs a build and an edit, this
/// build of it and others in turns, as a Markdown table.
/// </summary>
internal static class GeneratorCommand
{
    public const string Name = "generator";

    private const string Usage = "usage: generator [--generator NAME=PATH]... [--repetitions N] [--filter PATTERN]";
    private const string ThisBuild = "this build";

    private static readonly GeneratorCase[] Cases =
    [
        new("0/cpu", 0, Gpu: false),
        new("1/cpu", 1, Gpu: false),
        new("1/cpu+gpu", 1, Gpu: true),
        new("10/cpu", 10, Gpu: false),
        new("10/cpu+gpu", 10, Gpu: true),
    ];

    public static int Run(ReadOnlySpan<string> arguments)
    {
        int repetitions = 5;
        string filter = "*";
        var generators = new List<(string Name, string Path)>();
        for (int i = 0; i < arguments.Length; i++)
        {
            bool hasValue = i + 1 < arguments.Length;
            switch (arguments[i])
            {
                case "--repetitions" when hasValue
                    && int.TryParse(arguments[i + 1], CultureInfo.InvariantCulture, out repetitions) && repetitions > 0:
                    i++;
                    break;
                case "--filter" when hasValue:
                    filter = arguments[++i];
                    break;
                case "--generator" when hasValue && arguments[i + 1].Split('=', 2) is [{ Length: > 0 } name, { Length: > 0 } path]:
                    i++;
                    generators.Add((name, Path.GetFullPath(path)));
                    break;
                default:
                    Console.Error.WriteLine($"'{arguments[i]}' is not understood, or its value is not.\n{Usage}");
                    return 2;
            }
        }

        generators.Add((ThisBuild, Path.Combine(AppContext.BaseDirectory, CompilerContext.Generator + ".dll")));
        GeneratorCase[] asked = [.. Cases.Where(project => FileSystemName.MatchesSimpleExpression(filter, project.Name))];
        string? error = asked.Length == 0
            ? $"Nothing is named '{filter}': there are {string.Join(", ", Cases.Select(project => project.Name))}; * stands for anything."
            : generators.Where(generator => !File.Exists(generator.Path))
                .Select(generator => $"--generator {generator.Name}: there is no file '{generator.Path}'.").FirstOrDefault()
            ?? generators.GroupBy(generator => generator.Name).Where(group => group.Count() > 1)
                .Select(group => $"--generator {group.Key}: another one has that name already.").FirstOrDefault();
        if (error is not null)
        {
            Console.Error.WriteLine(error);
            return 2;
        }

        try
        {
            Print(asked, generators, repetitions);
            return 0;
        }
        catch (GeneratorProcessException exception)
        {
            Console.Error.WriteLine(exception.Message);
            return 1;
        }
    }

    private static void Print(GeneratorCase[] cases, List<(string Name, string Path)> generators, int repetitions)
    {
        var stopwatch = Stopwatch.StartNew();
        var processes = new Dictionary<(GeneratorCase Case, int Generator), List<GeneratorRun[]>>();
        for (int repetition = 0; repetition < repetitions; repetition++)
        {
            foreach (GeneratorCase project in cases)
            {
                foreach (int i in Alternation.Turns(repetition, generators.Count))
                {
                    GeneratorRun[] runs = GeneratorProcess.Measure(generators[i].Name, generators[i].Path, project);
                    CollectionsMarshal.GetValueRefOrAddDefault(processes, (project, i), out _) ??= [];
                    processes[(project, i)].Add(runs);
                }
            }
        }

        Console.WriteLine("| models | run | generator | ms | least | most | CPU, ms | of the first's | JIT, ms | methods | MiB | files | KiB |");
        Console.WriteLine("|---|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
        foreach (GeneratorCase project in cases)
        {
            List<GeneratorRun[]> first = processes[(project, 0)];
            for (int kind = 0; kind < first[0].Length; kind++)
            {
                for (int i = 0; i < generators.Count; i++)
                {
                    GeneratorRun[] runs = [.. processes[(project, i)].Select(process => process[kind])];
                    double[] ratios = [.. runs.Zip(first, (run, reference) => Processor([run]) / Processor([reference[kind]]))];
                    Console.WriteLine($"| {project.Name} | {runs[0].Kind} | {generators[i].Name} | {Columns(runs, ratios)} |");
                }
            }
        }

        string processor = HostEnvironmentInfo.GetCurrent().Cpu.Value.ToString().TrimEnd('.');
        Console.WriteLine(FormattableString.Invariant(
            $"\n{processor}; {repetitions} processes each, in turns; {stopwatch.Elapsed.TotalSeconds:f0} s."));
    }

    private static double Processor(GeneratorRun[] runs) => Alternation.Median([.. runs.SelectMany(run => run.ProcessorMilliseconds)]);

    private static string Columns(GeneratorRun[] runs, double[] ratios)
    {
        double[] times = [.. runs.SelectMany(run => run.Milliseconds)];
        string time = FormattableString.Invariant($"{Alternation.Median(times):f1} | {times.Min():f1} | {times.Max():f1} | {Processor(runs):f1}");
        string jit = FormattableString.Invariant(
            $"{Alternation.Median([.. runs.Select(run => run.JitMilliseconds)]):f0} | {runs[0].JitMethods}");
        string written = FormattableString.Invariant(
            $"{runs[0].AllocatedBytes / 1048576.0:f1} | {runs[0].Files} | {runs[0].Bytes / 1024.0:f0}");
        return FormattableString.Invariant($"{time} | {Alternation.Median(ratios):f2} | {jit} | {written}");
    }
}
