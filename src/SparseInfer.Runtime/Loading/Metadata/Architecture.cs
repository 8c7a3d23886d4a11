namespace SparseInfer.Loading;

/// <summary>What a model's architecture fixes: what files of it do not say, and what must be declared for it.</summary>
/// <param name="Name">In GGUF files, <c>general.architecture</c>; or what it is called in messages, where there are none.</param>
internal sealed record Architecture(string Name)
{
    /// <summary>Whether norms are LayerNorm; else RMSNorm.</summary>
    public bool LayerNorm { get; init; }

    /// <summary>Which dimensions of a head GGUF files pair (llama.cpp, <c>llama_model_rope_type</c>).</summary>
    public RopePairing Pairing { get; init; }

    /// <summary>Whether no layer rotates queries and keys.</summary>
    public bool IsUnrotated { get; init; }

    /// <summary>In GGUF files, after how many layers one comes that does not rotate; 0: all rotate. They do not say it.</summary>
    public int UnrotatedPeriod { get; init; }

    /// <summary>
    /// In GGUF files with a window, which layers have it: of every so many layers, all but the first, which does not rotate; 0: all have it, and
    /// rotate. They do not say it.
    /// </summary>
    public int WindowPeriod { get; init; }

    /// <summary>Rows of the learned positions' table before that of position 0; null: positions are not learned.</summary>
    public int? PositionOffset { get; init; }

    /// <summary>What is called otherwise than in most safetensors: parts of names, and what they are here, in the order in which they are replaced.</summary>
    public IReadOnlyList<(string Usual, string Own)> ConfigNames { get; init; } = [];

    /// <summary>The activation that all models of it have; null: what is declared is used, as fine-tuning for sparsity changes it.</summary>
    public Activation? Activation { get; init; }

    /// <summary>How experts' logits become weights where a file does not say it.</summary>
    public ExpertGating Gating { get; init; }

    /// <summary>What the router of experts reads.</summary>
    public RouterInput Router { get; init; }

    /// <summary>The architecture that a folder of it becomes as a GGUF file: itself, or another of the same graph.</summary>
    public string WrittenAs { get; init; } = Name;

    /// <summary>Why GGUF files cannot be computed; null: they can.</summary>
    public string? GgufReason { get; init; }

    /// <summary>Why a <c>config.json</c> with safetensors cannot be computed; null: it can.</summary>
    public string? ConfigReason { get; init; }

    /// <summary>In a <c>config.json</c>, <c>model_type</c>.</summary>
    public IReadOnlyList<string> ModelTypes { get; init; } = [];

    /// <summary>In a <c>config.json</c>, <c>architectures</c>.</summary>
    public IReadOnlyList<string> Classes { get; init; } = [];

    /// <summary>Traits that its models may have.</summary>
    public IReadOnlyList<TraitKeys> Traits { get; init; } = [];

    /// <summary>Keys with another rule than usual, in GGUF files.</summary>
    public IReadOnlyDictionary<string, KeyRule> GgufRules { get; init; } = new Dictionary<string, KeyRule>();

    /// <summary>Keys with another rule than usual, in a <c>config.json</c>.</summary>
    public IReadOnlyDictionary<string, KeyRule> ConfigRules { get; init; } = new Dictionary<string, KeyRule>();

    /// <summary>Whether safetensors have query, key and value as one matrix, group by group: a group's queries, its key, its value.</summary>
    public bool FusesHeadsInGroups { get; init; }

    /// <summary>What absent keys of GGUF files mean; null: nothing can be said, as a size is missing.</summary>
    public IReadOnlyDictionary<string, Func<ModelFacts, double?>> GgufDefaults { get; init; } = NoDefaults;

    /// <summary>What absent keys of a <c>config.json</c> mean.</summary>
    public IReadOnlyDictionary<string, Func<ModelFacts, double?>> ConfigDefaults { get; init; } = NoDefaults;

    private static Dictionary<string, Func<ModelFacts, double?>> NoDefaults => [];

    /// <summary>The key that says the epsilon of its norms.</summary>
    public string EpsilonKey(bool gguf) => (LayerNorm, gguf) switch
    {
        (true, true) => "attention.layer_norm_epsilon",
        (true, false) => "layer_norm_eps",
        (false, true) => "attention.layer_norm_rms_epsilon",
        (false, false) => "rms_norm_eps",
    };

    /// <summary>Why files of a kind cannot be computed; null: they can.</summary>
    public string? Reason(bool gguf) => gguf ? GgufReason : ConfigReason;
}
