using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace SparseInfer.Cli.Bench.Reports;

/// <summary>An array of objects, a run each; names in snake case.</summary>
internal static class JsonReport
{
    /// <summary>How results are written for programs.</summary>
    public static readonly JsonSerializerOptions Options = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,

        // JSON has no such numbers, but a policy that ruins a model has such a perplexity.
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,

        // Read by programs and people, never by a browser.
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static string Write(IReadOnlyList<BenchRun> runs) => JsonSerializer.Serialize(runs, Options) + "\n";

    /// <summary>A run's fields by name, in order.</summary>
    public static JsonObject Fields(BenchRun run) => JsonSerializer.SerializeToNode(run, Options)!.AsObject();
}
