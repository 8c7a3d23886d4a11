using System.Diagnostics;
using System.Globalization;
using SparseInfer.Cli;
using SparseInfer.Cli.Bench;
using SparseInfer.Cli.Compilation;
using SparseInfer.Files;
using SparseInfer.LlamaCpp;

namespace SparseInfer.Benchmarks;

/// <summary>
/// <c>peers</c>: llama.cpp in this process and generated programs on the same file, in turns, as the rows of docs/measured.md.
/// </summary>
internal static class PeersCommand
{
    public const string Name = "peers";

    public static int Run(ReadOnlySpan<string> arguments)
    {
        using var cancel = new CancellationTokenSource();
        Console.CancelKeyPress += (_, key) =>
        {
            key.Cancel = true; // so that a temporary file is deleted
            cancel.Cancel();
        };
        try
        {
            if (PeersOptions.Read(arguments, out string error) is not { } options)
            {
                Console.Error.WriteLine($"{error}\n{PeersOptions.Usage}");
                return 2;
            }

            Run(options, arguments, Console.Out, cancel.Token);
            return 0;
        }
        catch (OperationCanceledException)
        {
            return 130;
        }
        catch (Exception exception) when (exception is CliException or ModelFormatException or IOException or UnauthorizedAccessException
            or InsufficientMemoryException or LLama.Exceptions.LoadWeightsFailedException or System.ComponentModel.Win32Exception)
        {
            Console.Error.WriteLine(exception.Message);
            return 1;
        }
    }

    private static void Run(PeersOptions options, ReadOnlySpan<string> arguments, TextWriter output, CancellationToken cancellationToken)
    {
        var stopwatch = Stopwatch.StartNew();
        if (LlamaCppLibrary.Load(Console.Error.Write) is { } whyNot)
        {
            throw new CliException(whyNot);
        }

        output.WriteLine($"`{Name} {string.Join(' ', arguments)}`\n");
        output.WriteLine($"{Machine.CpuInfo}, {Environment.ProcessorCount} processors; .NET {Environment.Version}; {Widths()}. llama.cpp: {LlamaCppPeer.SystemInfo}\n");
        if (options.Start)
        {
            PeerStart.Run(options.Programs is [] ? [Sample()] : options.Programs, options.Rounds, output);
        }
        else
        {
            Compare(options, output, cancellationToken);
        }

        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"\nMedians of {options.Rounds} rounds, in brackets the least and the most; {stopwatch.Elapsed.TotalSeconds:0} s with setting up."));
    }

    private static void Compare(PeersOptions options, TextWriter output, CancellationToken cancellationToken)
    {
        using PeerFile file = options.Synthetic is { } shape
            ? PeerFile.Write(shape, options.Sparsity, cancellationToken)
            : PeerFile.Of(options.Model!, options.Activation);
        ModelDeclaration model = file.Declaration;
        string what = $"{model.Name}, {model.Layers} layers, {string.Join(", ", model.Weights)}";
        if (options.Load)
        {
            output.WriteLine($"{what}.\n");
            PeerLoad.Run(file, options.Rounds, output, cancellationToken);
            return;
        }

        if (options.Clients.Count > 0)
        {
            output.WriteLine($"{what}, {new FileInfo(file.Path).Length >> 20} MiB; tokens a second of all clients together.\n");
            PeerClients.Run(file, options.Threads[^1], options.Clients, options.Rounds, output, cancellationToken).GetAwaiter().GetResult();
            return;
        }

        CompiledModel compiled = ModelCompiler.Compile(model, cancellationToken);
        output.WriteLine($"{what}, {new FileInfo(file.Path).Length >> 20} MiB; tokens a second.\n");
        PeerTable.PrintHead(output);
        IReadOnlyList<PeerTest> tests = PeerTest.Of(options.Tests, model.Context, options.Sequences);
        int sequences = options.Sequences.Max();
        int context = tests.Max(test => test.Depth + test.Added);
        var random = new Random(1);
        int[] tokens = [.. Enumerable.Range(0, Math.Max(context, PeerTest.TogetherTokens(sequences))).Select(_ => random.Next(model.Vocabulary))];
        foreach (int threads in options.Threads)
        {
            using var engine = new SparseInferEngine(compiled, file.Path, threads, context, sequences);
            using var theirs = new LlamaCppPeer(file.Path, threads, context, sequences);
            Peer[] ours = [.. engine.Modes(model.HasZeros)];
            foreach (PeerTest test in tests)
            {
                Fill([theirs, ours[0]], test.Depth, tokens, cancellationToken);
                Peer[] peers = [theirs, .. test.DenseOnly ? ours.Take(1) : ours];
                double[][] rates = test.Measure(peers, tokens, options.Rounds, cancellationToken);
                PeerTable.PrintRow(output, test.Name, threads, peers.Zip(rates).ToDictionary(pair => pair.First.Name, pair => pair.Second));
            }
        }
    }

    /// <summary>Fills the long sequences; our modes share one, and compute prompts alike.</summary>
    private static void Fill(Peer[] peers, int depth, int[] tokens, CancellationToken cancellationToken)
    {
        foreach (Peer peer in peers)
        {
            peer.Rewind(0);
            for (int done = 0; done < depth; done += LlamaCppPeer.LongestPrompt)
            {
                cancellationToken.ThrowIfCancellationRequested();
                peer.Prompt(tokens.AsSpan(done, Math.Min(LlamaCppPeer.LongestPrompt, depth - done)));
            }
        }
    }

    private static string Widths()
    {
        using CpuDevice device = Device.Cpu(1);
        string[] set = [.. ((string[])["DOTNET_PreferredVectorBitWidth", "DOTNET_EnableAVX512", "DOTNET_EnableAVX2"])
            .Where(name => Environment.GetEnvironmentVariable(name) is not null)
            .Select(name => $"{name}={Environment.GetEnvironmentVariable(name)}")];
        return device.Description.Split(", ")[^1] + (set.Length > 0 ? $" ({string.Join(", ", set)})" : "");
    }

    private static (string Name, string Path) Sample()
    {
        string relative = Path.Combine("samples", "Stories", "bin", "Release", "net10.0", OperatingSystem.IsWindows() ? "Stories.exe" : "Stories");
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string path = Path.Combine(folder.FullName, relative);
            if (File.Exists(path))
            {
                return ("the sample, `dotnet build`", path);
            }
        }

        throw new CliException($"{relative} is not there: dotnet build -c Release samples/Stories, or name a build with --program NAME=PATH.");
    }
}
