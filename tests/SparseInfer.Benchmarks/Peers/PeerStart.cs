using System.Diagnostics;
using LLama;
using LLama.Common;
using LLama.Native;
using SparseInfer.LlamaCpp;

namespace SparseInfer.Benchmarks;

/// <summary>
/// From the start of a process to the first token that it writes, with the sample's model: builds of the sample, and LLamaSharp in a process of this
/// program, in turns.
/// </summary>
internal static class PeerStart
{
    /// <summary>The command that LLamaSharp's process is started with: <c>FILE</c>.</summary>
    public const string Name = "peers-first-token";

    private const string Prompt = "Once upon a time";

    /// <summary>Measures, and writes the table.</summary>
    /// <param name="programs">Builds of the sample, by the names of their rows.</param>
    /// <param name="rounds">Turns that each gets.</param>
    /// <param name="output">Where to.</param>
    public static void Run(IReadOnlyList<(string Name, string Path)> programs, int rounds, TextWriter output)
    {
        string model = Path.Combine(Path.GetDirectoryName(programs[0].Path)!, "model", "stories-relu.gguf");
        string host = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";
        (string Name, string File, string[] Arguments)[] starts =
        [
            ("LLamaSharp, `dotnet build`", host, [typeof(PeerStart).Assembly.Location, Name, model]),
            .. programs.Select(program => (program.Name, program.Path, (string[])["--quiet", "--temperature", "0", "--tokens", "1", "--prompt", Prompt])),
        ];
        double[][] times = [.. starts.Select(_ => new double[rounds])];
        for (int round = -1; round < rounds; round++)
        {
            foreach (int i in Alternation.Turns(round + 1, starts.Length))
            {
                double milliseconds = Time(starts[i].File, starts[i].Arguments);
                if (round >= 0) // the first brings the files into memory
                {
                    times[i][round] = milliseconds;
                }
            }
        }

        output.WriteLine("| start to first token | ms | of LLamaSharp's |");
        output.WriteLine("|---|---:|---:|");
        for (int i = 0; i < starts.Length; i++)
        {
            string ratio = PeerTable.Spread([.. times[i].Zip(times[0], (own, theirs) => own / theirs)], "0.00");
            output.WriteLine($"| {starts[i].Name} | {PeerTable.Spread(times[i], "0")} | {ratio} |");
        }
    }

    /// <summary>What LLamaSharp's process does: it loads the model, computes the prompt, and writes the likeliest token.</summary>
    public static int FirstToken(ReadOnlySpan<string> arguments)
    {
        if (LlamaCppLibrary.Load(Console.Error.Write) is { } why)
        {
            Console.Error.WriteLine(why);
            return 1;
        }

        var parameters = new ModelParams(arguments[0]) { ContextSize = 512, GpuLayerCount = 0, Threads = Environment.ProcessorCount, BatchThreads = Environment.ProcessorCount };
        using LLamaWeights weights = LLamaWeights.LoadFromFile(parameters);
        using LLamaContext context = weights.CreateContext(parameters);
        var batch = new LLamaBatch();
        LLamaToken[] tokens = weights.NativeHandle.Tokenize(Prompt, true, false, System.Text.Encoding.UTF8);
        for (int i = 0; i < tokens.Length; i++)
        {
            batch.Add(tokens[i], i, LLamaSeqId.Zero, logits: i == tokens.Length - 1);
        }

        context.NativeHandle.Decode(batch);
        ReadOnlySpan<float> logits = context.NativeHandle.GetLogitsIth(tokens.Length - 1);
        int best = 0;
        for (int token = 1; token < logits.Length; token++)
        {
            best = logits[token] > logits[best] ? token : best;
        }

        byte[] bytes = new byte[256];
        uint length = weights.NativeHandle.TokenToSpan((LLamaToken)best, bytes, lstrip: 0, special: false);
        Console.WriteLine(Prompt + System.Text.Encoding.UTF8.GetString(bytes, 0, (int)length));
        return 0;
    }

    private static double Time(string file, string[] arguments)
    {
        var start = new ProcessStartInfo(file, arguments) { RedirectStandardOutput = true };
        long begin = Stopwatch.GetTimestamp();
        using Process process = Process.Start(start)!;
        string? line = process.StandardOutput.ReadLine();
        double milliseconds = Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
        process.WaitForExit();
        return process.ExitCode == 0 && line?.Length > Prompt.Length
            ? milliseconds
            : throw new Cli.CliException($"{file} wrote no token after the prompt; exit code {process.ExitCode}.");
    }
}
