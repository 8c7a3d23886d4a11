using System.Net;
using SparseInfer.Cli.Run;

namespace SparseInfer.Cli.Serve;

/// <summary>What <c>sparseinfer serve</c> was asked for.</summary>
internal sealed record ServeOptions
{
    public required ModelRequest Model { get; init; }

    /// <summary>What a request is answered with where it does not say. <see cref="GenerationOptions.MaxTokens"/> is a limit too.</summary>
    public required GenerationOptions Generation { get; init; }

    public SparsityMode Mode { get; init; } = SparsityMode.Predicted;

    /// <summary>Tokens of a request, prompt and answer together; null: the model's context.</summary>
    public int? Context { get; init; }

    /// <summary>A Jinja file in place of the model's template; null: the model's.</summary>
    public string? Template { get; init; }

    /// <summary>What the model is called; null: as its file.</summary>
    public string? Alias { get; init; }

    /// <summary>Where it listens.</summary>
    public IPAddress Address { get; init; } = IPAddress.Loopback;

    /// <summary>0: one that is free.</summary>
    public int Port { get; init; }

    /// <summary>What every request has to know; null: nothing.</summary>
    public ApiKey? Key { get; init; }

    /// <summary>Answers that are computed at a time.</summary>
    public int Parallel { get; init; } = 16;

    /// <summary>Answers that wait beside those.</summary>
    public int Queue { get; init; } = 64;

    /// <summary>Sessions that are kept for what they have computed.</summary>
    public int Kept { get; init; } = 16;

    /// <summary>How keys and values are stored; null: as the device does.</summary>
    public KeyValueType? CacheType { get; init; }

    /// <summary>One of so many steps of decoding is metered; 0: none.</summary>
    public int MeterEvery { get; init; }

    /// <summary>What embeddings are made of; null: what the file says.</summary>
    public EmbeddingPooling? Pooling { get; init; }

    /// <summary>Whether requests for embeddings may ask for the first of their dimensions.</summary>
    public bool Matryoshka { get; init; }

    /// <summary>Bytes of a request's body.</summary>
    public long MaxBody { get; init; } = 4 << 20;

    /// <summary>Bytes of all bodies that are being read: <see cref="Http.BodyBudget"/>.</summary>
    public long MaxBodies { get; init; } = 64 << 20;

    /// <summary>How long an answer may take, its waiting included.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>How long a client may take to read what was written.</summary>
    public TimeSpan WriteTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long running answers have when the server is asked to end.</summary>
    public TimeSpan ShutdownTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Whether a line of the log is an object.</summary>
    public bool Json { get; init; }

    /// <summary>Whether other machines can reach it.</summary>
    public bool IsLoopback => IPAddress.IsLoopback(Address);
}
