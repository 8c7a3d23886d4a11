using SparseInfer.Serving;

namespace SparseInfer.Cli.Serve;

/// <summary>How far a server is.</summary>
internal enum ServerPhase
{
    /// <summary>The model is being loaded.</summary>
    Loading,

    /// <summary>It answers.</summary>
    Ready,

    /// <summary>Running answers end; it takes no other.</summary>
    Stopping,
}

/// <summary>What all requests look at: the model, when it is there, and whether the server is about to end.</summary>
internal sealed class ServerState : IDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private readonly CancellationTokenSource _ended = new();
    private volatile ServedModel? _model;
    private volatile string? _fault;

    public ServerPhase Phase => _stopping.IsCancellationRequested ? ServerPhase.Stopping : _model is null ? ServerPhase.Loading : ServerPhase.Ready;

    /// <summary>The model; null: it is being loaded, or gone.</summary>
    public ServedModel? Model => _model;

    /// <summary>Why it can answer nothing any more, such as a lost device; null: it can.</summary>
    public string? Fault => _fault;

    /// <summary>Canceled when the server is asked to end: what would go on for ever ends now.</summary>
    public CancellationToken Stopping => _stopping.Token;

    /// <summary>Canceled when running answers have had their time.</summary>
    public CancellationToken Ended => _ended.Token;

    /// <summary>The model is there.</summary>
    public void Open(ServedModel model) => _model = model;

    /// <summary>The model is about to go.</summary>
    public void Close() => _model = null;

    /// <summary>From now on no request is taken.</summary>
    public void BeginStop() => _stopping.Cancel();

    /// <summary>It can answer nothing any more.</summary>
    public void Fail(string fault) => _fault = fault;

    /// <summary>Ends what still runs.</summary>
    public void End() => _ended.Cancel();

    public void Dispose()
    {
        _stopping.Dispose();
        _ended.Dispose();
    }
}

/// <summary>A model that answers.</summary>
/// <param name="Name">What requests call it.</param>
/// <param name="Created">When its file was made, in seconds since 1970.</param>
/// <param name="Fingerprint">The same for two servers whose answers to a request with a seed are the same.</param>
/// <param name="Service">What answers.</param>
internal sealed record ServedModel(string Name, long Created, string Fingerprint, ModelService Service)
{
    public LanguageModel Model => Service.Model;

    public Text.Tokenizer Tokenizer => Model.Tokenizer;
}
