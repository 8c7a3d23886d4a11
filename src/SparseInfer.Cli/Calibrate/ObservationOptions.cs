using SparseInfer.Cli.Bench;
using SparseInfer.Cli.Eval;

namespace SparseInfer.Cli.Calibrate;

/// <summary>A model, a text that it is looked at on, and where what is found goes.</summary>
internal abstract record ObservationOptions
{
    public required FileRequest File { get; init; }

    /// <summary>A UTF-8 text file.</summary>
    public required string TextFile { get; init; }

    /// <summary>The file to write.</summary>
    public required string Output { get; init; }

    /// <summary>Tokens of a window.</summary>
    public int Window { get; init; } = 256;

    /// <summary>Most tokens of the text.</summary>
    public int Tokens { get; init; } = 16384;

    public int Threads { get; init; } = Environment.ProcessorCount;

    /// <summary>The windows, as evaluation has them.</summary>
    public EvalOptions Windows => new() { File = File, TextFile = TextFile, Window = Window, Tokens = Tokens };
}
