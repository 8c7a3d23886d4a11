using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Text.Json;

namespace SparseInfer.Benchmarks;

/// <summary>A process of its own for each measurement, because only a process's first run is cold.</summary>
internal static class GeneratorProcess
{
    /// <summary>The command that such a process is started with: <c>PATH MODELS GPU</c>.</summary>
    public const string Name = "generator-process";

    /// <summary>Measures in a new process.</summary>
    /// <param name="name">What the generator is called.</param>
    /// <param name="path">Path of its assembly.</param>
    /// <param name="project">The project that it is run in.</param>
    /// <exception cref="GeneratorProcessException">That process failed.</exception>
    public static GeneratorRun[] Measure(string name, string path, GeneratorCase project)
    {
        string[] arguments =
        [
            typeof(GeneratorProcess).Assembly.Location,
            Name,
            path,
            project.Models.ToString(CultureInfo.InvariantCulture),
            project.Gpu.ToString(),
        ];
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };

        // As the compiler's own process.
        start.Environment["DOTNET_gcServer"] = "1";
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0
            ? JsonSerializer.Deserialize<GeneratorRun[]>(output)!
            : throw new GeneratorProcessException($"{name}, {project.Name}: {errors.Result.TrimEnd()}");
    }

    /// <summary>What that process does.</summary>
    /// <param name="arguments">What follows its name.</param>
    public static int Run(ReadOnlySpan<string> arguments)
    {
        try
        {
            Assembly own = new CompilerContext(arguments[0]).LoadFromAssemblyName(typeof(GeneratorProcess).Assembly.GetName());
            Func<int, bool, string> measure = own.GetType(typeof(GeneratorMeasurement).FullName!)!
                .GetMethod(nameof(GeneratorMeasurement.Measure))!.CreateDelegate<Func<int, bool, string>>();
            Console.WriteLine(measure(int.Parse(arguments[1], CultureInfo.InvariantCulture), bool.Parse(arguments[2])));
            return 0;
        }
        catch (Exception exception) when (exception is InvalidOperationException or TypeLoadException or BadImageFormatException or IOException)
        {
            Console.Error.WriteLine(exception.Message);
            return 1;
        }
    }
}

/// <summary>A process failed; the message is what it wrote.</summary>
internal sealed class GeneratorProcessException(string message) : Exception(message);
