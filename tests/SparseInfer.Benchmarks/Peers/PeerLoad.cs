using System.Diagnostics;
using System.Globalization;
using LLama;
using LLama.Common;
using LLama.Native;
using SparseInfer.Cli;
using SparseInfer.Cli.Compilation;
using SparseInfer.Files;
using SparseInfer.LlamaCpp;

namespace SparseInfer.Benchmarks;

/// <summary>
/// What loading a model takes and copies: a file, the same prepared, and llama.cpp on the file as it comes (mapped), each in processes of its own,
/// in turns, the files in the page cache. Time is from before the file is opened to the logits of one token; memory is what the process has
/// more then, in pages of its own (copies) and in pages of files.
/// </summary>
internal static class PeerLoad
{
    /// <summary>The command that a process is started with: <c>ENGINE FILE ACTIVATION</c>.</summary>
    public const string Name = "peers-load";

    private const string Theirs = "llama.cpp";
    private const string Ours = "ours";

    /// <summary>Measures, and writes the table.</summary>
    /// <param name="file">The model.</param>
    /// <param name="rounds">Turns that each gets.</param>
    /// <param name="output">Where to.</param>
    /// <param name="cancellationToken">Ends it between two turns.</param>
    public static void Run(PeerFile file, int rounds, TextWriter output, CancellationToken cancellationToken)
    {
        string prepared = Path.Combine(Path.GetTempPath(), $"sparseinfer-peers-{Environment.ProcessId}-prepared.gguf");
        try
        {
            using (ModelFile source = ModelFile.Open(file.Path))
            {
                ModelPreparation.Write(source, prepared, cancellationToken: cancellationToken);
            }

            (string Name, string Engine, string Path)[] loads =
                [("llama.cpp, mapped", Theirs, file.Path), ("the file as it is", Ours, file.Path), ("the file prepared", Ours, prepared)];
            Load[][] taken = [.. loads.Select(_ => new Load[rounds])];
            for (int round = -1; round < rounds; round++)
            {
                foreach (int i in Alternation.Turns(round + 1, loads.Length))
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    Load load = Start(loads[i].Engine, loads[i].Path, file.Declaration.Activation);
                    if (round >= 0) // the first brings the files into memory
                    {
                        taken[i][round] = load;
                    }
                }
            }

            output.WriteLine("| load | file, MiB | to the first token's logits, ms | memory of its own, MiB | pages of files, MiB |");
            output.WriteLine("|---|---:|---:|---:|---:|");
            for (int i = 0; i < loads.Length; i++)
            {
                string Spread(Func<Load, double> value) => PeerTable.Spread([.. taken[i].Select(value)], "0");
                output.WriteLine(
                    $"| {loads[i].Name} | {new FileInfo(loads[i].Path).Length >> 20} | {Spread(load => load.Milliseconds)} "
                    + $"| {Spread(load => load.OwnMebibytes)} | {Spread(load => load.FileMebibytes)} |");
            }
        }
        finally
        {
            File.Delete(prepared);
        }
    }

    /// <summary>What such a process does: it loads the model, computes one token, and writes what that took.</summary>
    public static int LoadOnce(ReadOnlySpan<string> arguments)
    {
        (string engine, string path) = (arguments[0], arguments[1]);
        Func<(double Milliseconds, IDisposable Model)> load = engine == Ours ? PrepareOurs(path, Enum.Parse<Activation>(arguments[2])) : PrepareTheirs(path);
        GC.Collect(); // what compiling left behind is not the model's
        (double own, double mapped) = Resident();
        (double milliseconds, IDisposable model) = load();
        (double ownThen, double mappedThen) = Resident();
        model.Dispose();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{milliseconds} {ownThen - own} {mappedThen - mapped}"));
        return 0;
    }

    private static Func<(double Milliseconds, IDisposable Model)> PrepareOurs(string path, Activation activation)
    {
        using PeerFile file = PeerFile.Of(path, activation);
        CompiledModel compiled = ModelCompiler.Compile(file.Declaration, CancellationToken.None);
        CpuDevice device = Device.Cpu(); // lives as long as the process
        return () =>
        {
            long start = Stopwatch.GetTimestamp();
            LanguageModel model = compiled.Load(ModelFile.Open(path), device, new LoadOptions());
            using Session session = model.CreateSession(new() { Context = 64 });
            session.Forward([1]);
            return (Stopwatch.GetElapsedTime(start).TotalMilliseconds, model);
        };
    }

    private static Func<(double Milliseconds, IDisposable Model)> PrepareTheirs(string path)
    {
        if (LlamaCppLibrary.Load(Console.Error.Write) is { } why)
        {
            throw new CliException(why);
        }

        int threads = Environment.ProcessorCount;
        var parameters = new ModelParams(path) { ContextSize = 64, GpuLayerCount = 0, Threads = threads, BatchThreads = threads, LoadMode = LLamaLoadMode.MemoryMap };
        return () =>
        {
            long start = Stopwatch.GetTimestamp();
            LLamaWeights weights = LLamaWeights.LoadFromFile(parameters);
            using LLamaContext context = weights.CreateContext(parameters);
            var batch = new LLamaBatch();
            batch.Add(1, 0, LLamaSeqId.Zero, logits: true);
            context.NativeHandle.Decode(batch);
            _ = context.NativeHandle.GetLogitsIth(0);
            return (Stopwatch.GetElapsedTime(start).TotalMilliseconds, weights);
        };
    }

    private static Load Start(string engine, string path, Activation activation)
    {
        string host = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";
        var start = new ProcessStartInfo(host, [typeof(PeerLoad).Assembly.Location, Name, engine, path, activation.ToString()]) { RedirectStandardOutput = true };
        using Process process = Process.Start(start)!;
        string line = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        double[] numbers = process.ExitCode == 0
            ? [.. line.Split(' ').Select(number => double.Parse(number, CultureInfo.InvariantCulture))]
            : throw new CliException($"loading {path} with {engine} ended with exit code {process.ExitCode}.");
        return new Load(numbers[0], numbers[1], numbers[2]);
    }

    /// <summary>Resident memory in MiB, which Linux tells: the process's own, and that of files.</summary>
    private static (double Own, double Mapped) Resident()
    {
        double Of(string field) => File.ReadLines("/proc/self/status")
            .Where(line => line.StartsWith(field, StringComparison.Ordinal))
            .Sum(line => double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture) / 1024);
        return (Of("RssAnon:"), Of("RssFile:"));
    }

    private sealed record Load(double Milliseconds, double OwnMebibytes, double FileMebibytes);
}
