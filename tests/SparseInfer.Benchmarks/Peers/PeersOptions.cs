using System.Globalization;
using SparseInfer.Cli.Compilation;
using SparseInfer.Cli.Synthetic;

namespace SparseInfer.Benchmarks;

/// <summary>What <c>peers</c> was asked for, checked.</summary>
internal sealed record PeersOptions
{
    public const string Usage = """
        usage: peers (--model FILE [--activation NAME] | --synthetic SHAPE [--weights TYPE] [--layers N] [--sparsity S])
                     [--tests decode,prompt,together,context] [--sequences 8] [--threads 1,2] [--rounds N]
               peers --clients 1,4,8,16 (--model FILE [--activation NAME] | --synthetic SHAPE [--weights TYPE] [--layers N] [--sparsity S]) [--threads N] [--rounds N]
               peers --load (--model FILE [--activation NAME] | --synthetic SHAPE [--weights TYPE] [--layers N]) [--rounds N]
               peers --start [--program NAME=PATH]... [--rounds N]
        """;

    public string? Model { get; private set; }

    public Activation? Activation { get; private set; }

    /// <summary>A shape with the layers and the weight type that were asked for.</summary>
    public ModelDeclaration? Synthetic { get; private set; }

    public double Sparsity { get; private set; } = 0.9;

    public IReadOnlyList<string> Tests { get; private set; } = PeerTest.Names;

    public IReadOnlyList<int> Threads { get; private set; } = [1, 2];

    /// <summary>Numbers of sequences that are decoded together.</summary>
    public IReadOnlyList<int> Sequences { get; private set; } = [8];

    public int Rounds { get; private set; } = 5;

    public bool Start { get; private set; }

    /// <summary>Whether loading is measured.</summary>
    public bool Load { get; private set; }

    /// <summary>Numbers of clients that are served at once; empty: none are.</summary>
    public IReadOnlyList<int> Clients { get; private set; } = [];

    /// <summary>Builds of the sample, by name.</summary>
    public List<(string Name, string Path)> Programs { get; } = [];

    /// <summary>Reads arguments.</summary>
    /// <returns>Null where they are not understood; <paramref name="error"/> says which.</returns>
    /// <exception cref="Cli.CliException">There is no such shape.</exception>
    public static PeersOptions? Read(ReadOnlySpan<string> arguments, out string error)
    {
        var options = new PeersOptions();
        string? shape = null;
        var type = WeightType.F16;
        int? layers = null;
        var synthetic = new List<string>();
        var rates = new List<string>();
        error = "";
        for (int i = 0; i < arguments.Length; i++)
        {
            string name = arguments[i];
            if (name == "--start")
            {
                options.Start = true;
                continue;
            }

            if (name == "--load")
            {
                options.Load = true;
                continue;
            }

            string value = ++i < arguments.Length ? arguments[i] : "";
            if (name is "--weights" or "--layers" or "--sparsity")
            {
                synthetic.Add(name);
            }

            if (name is "--tests" or "--threads" or "--sequences")
            {
                rates.Add(name);
            }

            bool understood = name switch
            {
                "--model" => (options.Model = value).Length > 0,
                "--activation" when ActivationNames.TryParse(value, out Activation activation) => (options.Activation = activation) is not null,
                "--synthetic" => (shape = value).Length > 0,
                "--weights" => Enum.TryParse(value, ignoreCase: true, out type) && Enum.IsDefined(type) && !int.TryParse(value, out _),
                "--layers" => (layers = Positive(value)) is not null,
                "--sparsity" => double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out double share)
                    && (options.Sparsity = share) is >= 0 and < 1,
                "--tests" => (options.Tests = value.Split(',')).All(test => Array.IndexOf(PeerTest.Names, test) >= 0),
                "--threads" => (options.Threads = [.. value.Split(',').Select(text => Positive(text) ?? 0)]).All(count => count is >= 1 and <= CpuDevice.MaxThreads),
                "--sequences" => (options.Sequences = [.. value.Split(',').Select(text => Positive(text) ?? 0)]).All(count => count is >= 1 and <= 256),
                "--clients" => (options.Clients = [.. value.Split(',').Select(text => Positive(text) ?? 0)]).All(count => count is >= 1 and <= 256),
                "--rounds" => (options.Rounds = Positive(value) ?? 0) > 0,
                "--program" when value.Split('=', 2) is [{ Length: > 0 } program, { Length: > 0 } path] => options.Add(program, path),
                _ => false,
            };
            if (!understood)
            {
                error = $"'{name} {value}' is not understood.";
                return null;
            }
        }

        int what = (options.Model is null ? 0 : 1) + (shape is null ? 0 : 1) + (options.Start ? 1 : 0);
        error = what != 1 ? "One of --model, --synthetic and --start says what to measure."
            : shape is null && synthetic is [var first, ..] ? $"{first} is for --synthetic."
            : options.Model is null && options.Activation is not null ? "--activation is for --model."
            : options.Start && options.Load ? "--start measures other programs, which --load does not."
            : options.Load && rates is [var rate, ..] ? $"{rate} is not for --load, which takes one token and all processors."
            : options.Clients.Count > 0 && (options.Load || options.Start) ? "--clients is measured by itself, without --load and --start."
            : options.Clients.Count > 0 && rates.Find(name => name is "--tests" or "--sequences") is { } test ? $"{test} is not for --clients."
            : !options.Tests.Contains("together") && rates.Contains("--sequences") ? "--sequences is for --tests together."
            : options.Clients.Count > 0 && options.Threads.Count > 1 && rates.Contains("--threads") ? "--clients takes one number of --threads."
            : !options.Start && options.Programs.Count > 0 ? "--program is for --start."
            : "";
        if (error.Length > 0)
        {
            return null;
        }

        if (shape is not null)
        {
            ModelDeclaration published = NamedShape.Find(shape).Declaration;
            options.Synthetic = published with { Layers = layers ?? published.Layers, Weights = [type] };
        }

        return options;
    }

    private static int? Positive(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value) && value > 0 ? value : null;

    private bool Add(string name, string path)
    {
        Programs.Add((name, Path.GetFullPath(path)));
        return true;
    }
}
