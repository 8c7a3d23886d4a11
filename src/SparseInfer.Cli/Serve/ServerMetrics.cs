using System.Diagnostics.Metrics;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using SparseInfer.Serving;

namespace SparseInfer.Cli.Serve;

/// <summary>What is counted, for <c>/metrics</c>: the service's own counts, read when somebody asks, and two times of each answer.</summary>
internal sealed class ServerMetrics : IDisposable
{
    /// <summary>Two servers of one process are told apart.</summary>
    private static int _servers;

    /// <summary>Seconds, from a cached prompt on a small model to a long one on a large model.</summary>
    private static readonly double[] Seconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 60, 120];

    private readonly ServerState _state;
    private readonly Meter _meter;
    private readonly Histogram<double> _firstToken;
    private readonly Histogram<double> _queue;
    private readonly TokenRate _rate;

    public ServerMetrics(ServerState state)
    {
        _state = state;
        int number = Interlocked.Increment(ref _servers);
        _meter = new Meter(number == 1 ? "SparseInfer.Server" : $"SparseInfer.Server.{number}");
        _rate = new TokenRate(() => Counts?.GeneratedTokens ?? 0);
        _firstToken = Times("sparseinfer.time_to_first_token", "From a request until its answer's first token, waiting included.");
        _queue = Times("sparseinfer.queue.time", "From a request until it is computed.");
        Count("sparseinfer.prompt_tokens", "{token}", "Tokens of prompts, cached ones included.", counts => counts.PromptTokens);
        Count("sparseinfer.cached_tokens", "{token}", "Tokens of prompts that were not computed again.", counts => counts.CachedTokens);
        Count("sparseinfer.generated_tokens", "{token}", "Tokens generated.", counts => counts.GeneratedTokens);
        _meter.CreateObservableGauge("sparseinfer.generated_tokens_per_second", () => _rate.PerSecond, null, "Tokens generated a second, in the last ten seconds.");
        Gauge("sparseinfer.requests.running", "{request}", "Answers that are computed.", counts => counts.Running);
        Gauge("sparseinfer.requests.queued", "{request}", "Answers that wait.", counts => counts.Queued);
        Gauge("sparseinfer.sessions.kept", "{session}", "Sessions that are kept for what they have computed.", counts => counts.KeptSessions);
        _meter.CreateObservableCounter("sparseinfer.answers", Outcomes, "{request}", "Answers that ended, and requests that were refused because the queue was full.");
        _meter.CreateObservableCounter("sparseinfer.prompt.time", () => Counts?.PromptTime.TotalSeconds ?? 0, "s", "Time in which prompts were computed, of answers that ended.");
        _meter.CreateObservableCounter("sparseinfer.decode.time", () => Counts?.DecodeTime.TotalSeconds ?? 0, "s", "Time in which tokens were generated, of answers that ended: a step of several counts for each.");
        Layer("sparseinfer.neurons.inactive", "Share of a layer's neurons that had an activation of zero, of the decoded tokens that were metered.", layer => layer.ActualSparsity);
        Layer("sparseinfer.neurons.skipped", "Share of a layer's neurons that a predictor skipped unread, of the decoded tokens that were metered.", layer => layer.PredictedSparsity);
        Layer("sparseinfer.feed_forward.bytes_per_token", "Bytes of a layer's feed-forward that a token touches, of the decoded tokens that were metered.", layer => layer.BytesPerToken);
        Provider = OpenTelemetry.Sdk.CreateMeterProviderBuilder()
            .ConfigureResource(resource => resource.AddService("sparseinfer", serviceVersion: typeof(ServerMetrics).Assembly.GetName().Version?.ToString(3)))
            .AddMeter(_meter.Name, "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "System.Runtime")
            .AddPrometheusExporter()
            .Build();
    }

    /// <summary>What the endpoint reads.</summary>
    public MeterProvider Provider { get; }

    private ServiceCounts? Counts => _state.Model?.Service.ReadCounts();

    /// <summary>An answer has ended.</summary>
    public void Answered(ServiceReport report)
    {
        _queue.Record(report.QueueTime.TotalSeconds);
        if (report.CompletionTokens > 0)
        {
            _firstToken.Record(report.TimeToFirstToken.TotalSeconds);
        }
    }

    public void Dispose()
    {
        _rate.Dispose();
        Provider.Dispose();
        _meter.Dispose();
    }

    private Histogram<double> Times(string name, string description) =>
        _meter.CreateHistogram(name, "s", description, advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = Seconds });

    private void Count(string name, string unit, string description, Func<ServiceCounts, long> read) =>
        _meter.CreateObservableCounter(name, () => Counts is { } counts ? read(counts) : 0, unit, description);

    private void Gauge(string name, string unit, string description, Func<ServiceCounts, int> read) =>
        _meter.CreateObservableGauge(name, () => Counts is { } counts ? read(counts) : 0, unit, description);

    private IEnumerable<Measurement<long>> Outcomes()
    {
        ServiceCounts counts = Counts ?? new();
        yield return new(counts.Answered, new KeyValuePair<string, object?>("outcome", "answered"));
        yield return new(counts.Canceled, new KeyValuePair<string, object?>("outcome", "canceled"));
        yield return new(counts.Invalid, new KeyValuePair<string, object?>("outcome", "invalid"));
        yield return new(counts.Failed, new KeyValuePair<string, object?>("outcome", "failed"));
        yield return new(counts.Refused, new KeyValuePair<string, object?>("outcome", "refused"));
    }

    private void Layer(string name, string description, Func<LayerMetrics, double> read) =>
        _meter.CreateObservableGauge(
            name,
            () => (Counts?.Layers ?? []).Where(layer => layer.Tokens > 0).Select(layer => new Measurement<double>(read(layer), new KeyValuePair<string, object?>("layer", layer.Layer))),
            unit: null, description);
}
