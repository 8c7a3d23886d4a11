using System.Text.Json;

namespace SparseInfer;

/// <summary>How a conversation is rendered.</summary>
public sealed record ChatTemplateOptions
{
    /// <summary>Open the assistant's next turn, so that the model answers. False: the conversation alone.</summary>
    public bool AddGenerationPrompt { get; init; } = true;

    /// <summary>Tools that the model may call.</summary>
    public IReadOnlyList<ChatTool> Tools { get; init; } = [];

    /// <summary>
    /// Further variables that the template knows, such as <c>enable_thinking</c>: null, <see cref="bool"/>, <see cref="int"/>,
    /// <see cref="long"/>, <see cref="double"/>, <see cref="string"/> or <see cref="JsonElement"/>. One named as a variable that is always
    /// there (<c>messages</c>, <c>bos_token</c>) takes its place.
    /// </summary>
    public IReadOnlyDictionary<string, object?> Variables { get; init; } = new Dictionary<string, object?>();

    /// <summary>What <c>strftime_now</c> reads, in local time; null: the system's clock.</summary>
    public TimeProvider? Clock { get; init; }

    /// <summary>Every property, in the invariant culture.</summary>
    public override string ToString() => RecordText.Of(
        nameof(ChatTemplateOptions),
        (nameof(AddGenerationPrompt), AddGenerationPrompt),
        (nameof(Tools), Tools.Count > 0 ? Tools.Select(tool => tool.Name) : null),
        (nameof(Variables), Variables.Count > 0 ? Variables.Keys : null),
        (nameof(Clock), Clock is not null));
}
