using SparseInfer.Cli.Bench.Probes;
using SparseInfer.Cli.Compilation;
using SparseInfer.Cli.Synthetic;

namespace SparseInfer.Cli.Bench;

/// <summary>How results are written.</summary>
internal enum OutputFormat
{
    /// <summary>A table for people, in Markdown.</summary>
    Markdown,

    /// <summary>An array of runs.</summary>
    Json,

    /// <summary>A line a run, under a line of names.</summary>
    Csv,
}

/// <summary>Weights to make up.</summary>
/// <param name="Declaration">The shape, layers and weight type as asked for.</param>
/// <param name="Differs">What the published model has and the declaration cannot say.</param>
/// <param name="Target">What tokens shall find.</param>
/// <param name="Seed">The same seed makes the same weights.</param>
internal sealed record SyntheticRequest(ModelDeclaration Declaration, string? Differs, ActivityTarget Target, ulong Seed);

/// <summary>A model file to measure.</summary>
/// <param name="Path">The file.</param>
/// <param name="Activation">What the user said it was trained with.</param>
/// <param name="Threshold">FATReLU's.</param>
/// <param name="Alpha">The predictor's.</param>
/// <param name="Context">The declared context; null: the file's.</param>
/// <param name="Overrides">What is read otherwise than the file says; for the declaration and for loading alike.</param>
internal sealed record FileRequest(string Path, Activation? Activation, float? Threshold, float Alpha, int? Context, LoadOptions Overrides);

/// <summary>What <c>sparseinfer bench</c> was asked for.</summary>
internal sealed record BenchOptions
{
    /// <summary>What to make up; null where <see cref="File"/> is given.</summary>
    public SyntheticRequest? Synthetic { get; init; }

    public FileRequest? File { get; init; }

    /// <summary>Policy attributes; null: those of the shape, or of the file with its alpha.</summary>
    public IReadOnlyList<string>? Policies { get; init; }

    /// <summary>Lengths of the prompts; 0: none.</summary>
    public IReadOnlyList<int> Prompts { get; init; } = [512];

    /// <summary>Numbers of tokens to generate; 0: none.</summary>
    public IReadOnlyList<int> Generations { get; init; } = [128];

    /// <summary>Tokens in the key-value cache before each test.</summary>
    public IReadOnlyList<int> Depths { get; init; } = [0];

    /// <summary>What the key-value cache stores.</summary>
    public KeyValueType CacheType { get; init; }

    public IReadOnlyList<int> Threads { get; init; } = [Environment.ProcessorCount];

    /// <summary>Numbers of sessions that generate together; none: one session by itself.</summary>
    public IReadOnlyList<int> Sessions { get; init; } = [];

    public int Repetitions { get; init; } = 5;

    public IReadOnlyList<SparsityMode> Modes { get; init; } = Enum.GetValues<SparsityMode>();

    public OutputFormat Format { get; init; }

    public string? OutputFile { get; init; }

    /// <summary>Size of the buffer that the bandwidth probe reads.</summary>
    public long ProbeBytes { get; init; } = ReadBandwidthProbe.DefaultBytes;

    /// <summary>Most tokens that key-value caches have at once: a test's sessions', beside those of the one that is measured alone.</summary>
    public int LongestSequences => LongestSequence * MostSessions;

    /// <summary>Most sessions at once: a test's, beside the one that is measured alone.</summary>
    public int MostSessions => Sessions.Append(0).Max() + 1;

    /// <summary>Most tokens that a test has in a key-value cache.</summary>
    public int LongestSequence => Depths.Max() + Math.Max(Prompts.Max(), Generations.Max());
}
