using System.Text.Json.Serialization;

namespace SparseInfer.Cli.Serve.Sparsity;

/// <summary>What a page needs to know of a model. Properties' names, in snake case, are those of the output.</summary>
/// <param name="Model">Its name.</param>
/// <param name="Chat">Whether it answers conversations; else it goes on with texts.</param>
/// <param name="Context">Most tokens of prompt and answer together.</param>
/// <param name="Mode">What is skipped where a request does not say.</param>
/// <param name="Device">What computes it.</param>
/// <param name="NoMap">Why there is no map; null: there is one.</param>
/// <param name="Neurons">Neurons of a layer that a token has: of experts, those of the chosen ones.</param>
/// <param name="Blocks">Blocks that a map divides them into.</param>
/// <param name="Policies">What the mode predicted does in each layer.</param>
/// <param name="MaxMapped">Most tokens of an answer with a map.</param>
/// <param name="MaxCompared">Most tokens of each mode that is compared.</param>
/// <param name="Usual">What holds where a request does not say.</param>
internal sealed record SparsityFacts(
    string Model, bool Chat, int Context, string Mode, string Device, string? NoMap, int Neurons, int Blocks, IReadOnlyList<string> Policies, int MaxMapped, int MaxCompared,
    UsualSampling Usual);

/// <summary>How tokens are chosen.</summary>
/// <param name="Temperature">0: the likeliest.</param>
/// <param name="TopP">Of the likeliest tokens, so many as have this probability together.</param>
/// <param name="MaxTokens">Most tokens of an answer; null: as many as fit.</param>
internal sealed record UsualSampling(double Temperature, double TopP, int? MaxTokens);

/// <summary>What an answer with a map took: its last event.</summary>
/// <param name="PromptTokens">Tokens of the prompt.</param>
/// <param name="CompletionTokens">Tokens of the answer.</param>
/// <param name="Seed">Repeats it.</param>
internal sealed record MapEnd(int PromptTokens, int CompletionTokens, ulong Seed);

/// <summary>What the page is told, serialized by code made at build time.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(SparsityFacts))]
[JsonSerializable(typeof(MapPiece))]
[JsonSerializable(typeof(MapEnd))]
[JsonSerializable(typeof(ModeProgress))]
internal sealed partial class SparsityJson : JsonSerializerContext;
