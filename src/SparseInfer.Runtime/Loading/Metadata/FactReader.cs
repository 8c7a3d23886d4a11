using SparseInfer.Files;

namespace SparseInfer.Loading;

/// <summary>Reads every key of a file's metadata by its rule.</summary>
internal sealed class FactReader
{
    /// <summary>Most keys that are named one by one: a file can have any number.</summary>
    private const int MaxNamed = 20;

    private readonly ModelFacts _facts;
    private readonly LoadOptions _options;
    private readonly ModelMetadata _metadata;
    private readonly bool _gguf;
    private readonly List<Entry> _values = [];
    private readonly List<string> _unknown = [];
    private Architecture _architecture = null!;
    private string _prefix = "";

    public FactReader(ModelFile file, LoadOptions options)
    {
        _facts = new ModelFacts(file);
        _options = options;
        _metadata = file.Metadata;
        _gguf = file.Format == ModelFileFormat.Gguf;
    }

    public ModelFacts Read()
    {
        ArchitectureChoice choice = ArchitectureChoice.Of(_facts.File, IsIgnored, _options);
        _facts.Architecture = choice.Architecture;
        _facts.Refusal = choice.Refusal;
        if (choice.Architecture is { } architecture)
        {
            _architecture = architecture;
            _facts.ArchitectureText = _options.Architecture is not null ? $"the file is read as '{architecture.Name}'"
                : $"'{(_gguf ? "general.architecture" : "model_type")}' is '{choice.Stated}'";
            _prefix = _gguf ? (choice.Stated ?? architecture.Name) + "." : "";
            ReadKeys();
            State(_architecture);
            Settle();
            Check();
            if (choice.Stated is { } stated && _options.Architecture is { } wanted && stated != wanted)
            {
                _facts.Notes.Add($"The file says architecture {FileText.Quote(stated)}; it is read as '{wanted}'.");
            }
        }

        CheckIgnored();
        return _facts;
    }

    /// <summary>A key that was named, or, in a config.json, one inside an object that was.</summary>
    private bool IsIgnored(string key) => _options.IgnoreMetadata.Any(name => Covers(name, key));

    private bool Covers(string name, string key) =>
        name == key || (!_gguf && key.Length > name.Length && key[name.Length] == '.' && key.StartsWith(name, StringComparison.Ordinal));

    private KeyRule? RuleOf(string name) =>
        (_gguf ? _architecture.GgufRules : _architecture.ConfigRules).TryGetValue(name, out KeyRule? own) ? own
        : _architecture.Traits.Select(trait => trait.Rules(_gguf).GetValueOrDefault(name)).FirstOrDefault(rule => rule is not null)
        ?? (_gguf ? GgufKeys.Rules : ConfigKeys.Rules).GetValueOrDefault(name);

    private void ReadKeys()
    {
        IReadOnlyList<string> activations = _gguf ? GgufKeys.Activations : ConfigKeys.Activations;
        var foreign = new Dictionary<string, List<string>>();
        foreach (string key in _metadata.Keys)
        {
            if (IsIgnored(key))
            {
                continue;
            }

            if (!key.StartsWith(_prefix, StringComparison.Ordinal))
            {
                string space = key[..Math.Max(0, key.IndexOf('.', StringComparison.Ordinal))];
                if (_gguf && space == PowerInferFiles.Namespace && key != PowerInferFiles.SparseThresholdKey)
                {
                    _unknown.Add(key);
                }
                else if (Architectures.Find(space) is not null || UnsupportedArchitectures.Reason(space) is not null)
                {
                    (foreign.TryGetValue(space, out List<string>? keys) ? keys : foreign[space] = []).Add(key);
                }

                continue;
            }

            string name = key[_prefix.Length..];
            if (RuleOf(name) is not { } rule)
            {
                if (_gguf || !ConfigKeys.HarmlessObjects.Any(harmless => Covers(harmless, key)))
                {
                    _unknown.Add(key);
                }

                continue;
            }

            if (rule == KeyRule.Harmless)
            {
                continue;
            }

            MetadataValue value = MetadataValue.Read(_metadata, key);
            _values.Add(new(key, value, rule));
            if (rule.Fact is { } fact && value.Number is { } number && rule.Applies(_facts))
            {
                _facts.State(fact, number, $"{FileText.Quote(key)} is {value.Shown}");
            }

            if (activations.Contains(name) && value.Text is { } activation)
            {
                _facts.Activations.Add((key, activation));
            }
        }

        foreach ((string space, List<string> keys) in foreign)
        {
            string more = keys.Count > 1 ? $" and {keys.Count - 1} more" : "";
            _facts.Problems.Add($"{FileText.Quote(keys[0])}{more} would be of architecture '{space}', but the file is read as {_architecture.Name}, with keys {FileText.Quote(_prefix + "...")}");
        }
    }

    /// <summary>What the architecture says where the file says nothing.</summary>
    private void State(Architecture architecture)
    {
        foreach ((string name, Func<ModelFacts, double?> meaning) in _gguf ? architecture.GgufDefaults : architecture.ConfigDefaults)
        {
            string key = _prefix + name;
            if (_metadata.Describe(key) is not null || IsIgnored(key) || RuleOf(name) is not { } rule
                || (rule.Fact is { } fact && _facts.First(fact) is not null) || meaning(_facts) is not { } number)
            {
                continue;
            }

            string text = $"{FileText.Quote(key)} is absent, which means {MetadataValue.Show(number)} in architecture {architecture.Name}";
            if (rule.Fact is { } stated)
            {
                _facts.State(stated, number, text);
            }
            else if (rule.Trait is not null)
            {
                State(rule, number, text);
            }
            else if (!rule.Passes!(_facts, MetadataValue.Of(number)))
            {
                _facts.Problems.Add(text + rule.Refusal);
            }
        }
    }

    /// <summary>Facts that follow from several keys, or from none.</summary>
    private void Settle()
    {
        SettleScaling();
        SettleWindow();
        SettleRotation();
        SettleThreshold();
        SettleTraits();
        RequireEpsilon();
        if (!_gguf && Value(ConfigKeys.TiedEmbeddings)?.Flag is { } tied)
        {
            _facts.TiedEmbedding = tied;
        }

        SettleExperts();
        Default(Fact.KeyValueHeads, _gguf ? "attention.head_count_kv" : "num_key_value_heads", _facts.First(Fact.Heads), "as many as heads");
        double? share = _facts.First(Fact.Hidden) / _facts.First(Fact.Heads);
        Default(Fact.HeadDimension, _gguf ? "attention.key_length" : "head_dim", share is { } size ? Math.Floor(size) : null, "hidden size / heads");
        double? head = _facts.First(Fact.HeadDimension);
        foreach (StatedFact fraction in _facts.Stated.Where(stated => stated.Fact == Fact.RopeFraction && head is not null).ToArray())
        {
            _facts.State(Fact.RopeDimensions, Math.Truncate(head!.Value * fraction.Value), fraction.Text);
        }

        Default(Fact.RopeDimensions, _gguf ? "rope.dimension_count" : "partial_rotary_factor", head, "all of a head");
        Default(Fact.RopeTheta, _gguf ? "rope.freq_base" : "rope_theta", 10000, null);
        Default(Fact.RopeScaling, _gguf ? "rope.scaling.factor" : "rope_scaling.factor", 1, null);
        Default(Fact.EmbeddingScale, _gguf ? "embedding_scale" : "embedding_multiplier", 1, null);
    }

    private void Default(Fact fact, string name, double? value, string? meaning)
    {
        string key = _prefix + name;
        if (value is { } number && _facts.First(fact) is null && _metadata.Describe(key) is null && !IsIgnored(key))
        {
            _facts.State(fact, number, $"{FileText.Quote(key)} is absent, which means {MetadataValue.Show(number)}{(meaning is null ? "" : $", {meaning}")}", fromSizes: meaning is not null);
        }
    }

    /// <summary>Another kind of scaling than linear has the factor for itself; a factor of 0 never means anything.</summary>
    private void SettleScaling()
    {
        IEnumerable<string> types = _gguf ? [GgufKeys.RopeScalingType] : ConfigKeys.RopeScalingTypes;
        string[] others = [.. types.Select(name => _prefix + name).Where(key => Value(key)?.Text is { } kind && !kind.Equals("linear", StringComparison.OrdinalIgnoreCase))];
        if (others.Length > 0)
        {
            _facts.Forget(Fact.RopeScaling);
            string kind = Value(others[0])!.Value.Text!.ToLowerInvariant();
            string text = $"{FileText.Quote(others[0])} is {Value(others[0])!.Value.Shown}";
            if (kind is "none" or "default" or "yarn" or "llama3")
            {
                _facts.State(Fact.RopeScaling, 1, text);
            }

            var reader = new ScalingReader(_metadata, _facts, _gguf ? [_prefix + "rope.scaling."] : ["rope_scaling.", "rope_parameters."], IsIgnored);
            _facts.ScalingText = text;
            _facts.Scaling = kind == "yarn" ? reader.Yarn(text) : kind == "llama3" ? reader.Llama3(text) : null;
        }
        else if (_facts.First(Fact.RopeScaling) == 0)
        {
            _facts.Forget(Fact.RopeScaling);
        }

        if (_gguf && _facts.First(Fact.EmbeddingScale) == 0)
        {
            _facts.Forget(Fact.EmbeddingScale); // llama.cpp: no scale
        }
    }

    /// <summary>Without experts, nothing of them is a fact.</summary>
    private void SettleExperts()
    {
        Default(Fact.Experts, _gguf ? "expert_count" : _architecture.Router == RouterInput.Layer ? "moe_num_primary_experts" : "num_local_experts", 0, null);
        if (_facts.First(Fact.Experts) == 0)
        {
            _facts.Forget(Fact.ExpertGating);
            return;
        }

        if (!_gguf && Value(ConfigKeys.RouterSoftmax) is { Flag: { } softmax } value)
        {
            _facts.State(Fact.ExpertGating, Number(softmax ? ExpertGating.Softmax : ExpertGating.Sigmoid), $"{FileText.Quote(ConfigKeys.RouterSoftmax)} is {value.Shown}");
        }

        if (_facts.First(Fact.ExpertGating) is null or 0)
        {
            _facts.Forget(Fact.ExpertGating);
            _facts.State(Fact.ExpertGating, Number(_architecture.Gating), $"architecture {_architecture.Name} weights experts by {_architecture.Gating} where nothing else is said");
        }

        static int Number(ExpertGating gating) => (int)gating + 1;
    }

    /// <summary>Which layers' attention slides, where there is a window; none of them: there is none.</summary>
    private void SettleWindow()
    {
        if (_gguf)
        {
            if (HasGlobalLayers)
            {
                _facts.Slides = layer => layer % _architecture.WindowPeriod != 0;
            }

            return;
        }

        bool slides = Value(ConfigKeys.UseSlidingWindow)?.Flag
            ?? !(_architecture.ConfigDefaults.TryGetValue(ConfigKeys.UseSlidingWindow, out Func<ModelFacts, double?>? meaning) && meaning(_facts) == 0);
        if (Value(ConfigKeys.LayerTypes)?.Texts is { } types)
        {
            slides &= types.Contains("sliding_attention");
            _facts.Slides = layer => types.ElementAtOrDefault(layer) == "sliding_attention";
            RequireWindow(slides, ConfigKeys.LayerTypes, "sliding_window");
        }
        else if (Value(ConfigKeys.WindowLayout) is not null || Value(ConfigKeys.WindowSize) is not null)
        {
            IReadOnlyList<double> layout = Value(ConfigKeys.WindowLayout)?.Numbers ?? [];
            slides &= layout.Contains(1);
            _facts.Slides = layer => layout.ElementAtOrDefault(layer) == 1;
            RequireWindow(slides, ConfigKeys.WindowLayout, ConfigKeys.WindowSize);
        }
        else if (_architecture.ConfigDefaults.TryGetValue(ConfigKeys.MaxWindowLayers, out Func<ModelFacts, double?>? usual))
        {
            double? first = Value(ConfigKeys.MaxWindowLayers)?.Number ?? usual(_facts);
            _facts.Slides = layer => layer >= first;
        }

        if (!slides)
        {
            _facts.Forget(Fact.Window);
        }
    }

    private void RequireWindow(bool slides, string layers, string size)
    {
        if (slides && _facts.First(Fact.Window) is null)
        {
            _facts.Problems.Add($"'{layers}' has layers whose attention slides, but there is no '{size}'");
        }
    }

    /// <summary>Whether it is a GGUF file in which some layers have no window and do not rotate, and the others have one.</summary>
    private bool HasGlobalLayers => _gguf && _architecture.WindowPeriod > 0 && _facts.First(Fact.Window) > 0;

    /// <summary>Which layers rotate no queries and keys.</summary>
    private void SettleRotation()
    {
        int interval = _architecture.UnrotatedPeriod;
        if (_architecture.IsUnrotated)
        {
            _facts.Forget(Fact.RopeTheta);
            _facts.Forget(Fact.RopeDimensions);
            _facts.IsUnrotated = _ => true;
            _facts.UnrotatedText = _facts.ArchitectureText;
            return;
        }

        if (HasGlobalLayers)
        {
            _facts.IsUnrotated = layer => layer % _architecture.WindowPeriod == 0;
            _facts.UnrotatedText = $"{_facts.ArchitectureText}, with a window";
            return;
        }

        foreach (string key in _gguf ? [] : (string[])[ConfigKeys.NoRopeLayers, ConfigKeys.RopeLayout])
        {
            if (Value(key) is { Numbers: { } layers } value)
            {
                _facts.IsUnrotated = layer => layer < layers.Count && layers[layer] == 0;
                _facts.UnrotatedText = $"'{key}' is {value.Shown}";
                return;
            }
        }

        _facts.UnrotatedText = _facts.ArchitectureText;
        if (!_gguf && Value(ConfigKeys.NoRopeInterval)?.Number is >= 0 and <= int.MaxValue and { } stated)
        {
            interval = (int)stated;
            _facts.UnrotatedText = $"'{ConfigKeys.NoRopeInterval}' is {interval}";
        }

        if (interval > 0)
        {
            _facts.IsUnrotated = layer => (layer + 1) % interval == 0;
        }
    }

    /// <summary>A parameter of the activation is a threshold only where the activation has one.</summary>
    private void SettleThreshold()
    {
        if (!_facts.Activations.Exists(stated => StoredActivation.TryParse(stated.Name, out Activation activation) && activation == Activation.FatRelu))
        {
            _facts.Forget(Fact.Threshold);
        }
    }

    /// <summary>What keys make of the architecture's traits. Without any key, and none that was to be ignored, there is nothing of a trait.</summary>
    private void SettleTraits()
    {
        foreach ((string key, MetadataValue value, KeyRule rule) in _values)
        {
            if (rule.Trait is not null && value.Number is { } number)
            {
                State(rule, number, $"{FileText.Quote(key)} is {value.Shown}");
            }
        }

        foreach (TraitKeys trait in _architecture.Traits)
        {
            foreach (StatedTrait told in trait.Told?.Invoke(_facts) ?? [])
            {
                _facts.State(told.Fact, told.Value, told.Text);
            }

            foreach (TraitFact fact in trait.Facts.Where(fact => _facts.Traits.All(stated => stated.Fact != fact)))
            {
                string[] keys = [.. trait.Rules(_gguf).Where(pair => pair.Value.Trait == fact).Select(pair => _prefix + pair.Key)];
                if (!keys.Any(key => IsIgnored(key) || _metadata.Describe(key) is not null))
                {
                    _facts.State(fact, fact.Usual, $"{FileText.Quote(keys[0])} is absent, which means {MetadataValue.Show(fact.Usual)}");
                }
            }
        }
    }

    private void State(KeyRule rule, double number, string text)
    {
        double meant = rule.Meaning!(_facts, number);
        if (meant is > 0 and <= float.MaxValue)
        {
            _facts.State(rule.Trait!, meant, text);
        }
        else
        {
            _facts.Problems.Add($"{text}, which makes {rule.Trait} {MetadataValue.Show(meant)}: that cannot be declared");
        }
    }

    /// <summary>An epsilon has no usual value: where neither the file nor its architecture says it, any declared one could be wrong.</summary>
    private void RequireEpsilon()
    {
        string[] keys = [.. (_gguf ? GgufKeys.Rules : ConfigKeys.Rules).Where(pair => pair.Value.Fact == Fact.NormEpsilon).Select(pair => _prefix + pair.Key)];
        if (_facts.First(Fact.NormEpsilon) is null && !keys.Any(key => IsIgnored(key) || _metadata.Describe(key) is not null))
        {
            _facts.Problems.Add($"{FileText.Quote(_prefix + _architecture.EpsilonKey(_gguf))} is absent, so the file says no epsilon of its norms: "
                + $"if the declared one is right, name the key in {_options.OverrideNames.IgnoreMetadata}");
        }
    }

    private MetadataValue? Value(string key)
    {
        int index = _values.FindIndex(value => value.Key == key);
        return index < 0 ? null : _values[index].Value;
    }

    private void Check()
    {
        foreach ((string key, MetadataValue value, KeyRule rule) in _values)
        {
            if (rule.WantsNumber && value.Number is null)
            {
                _facts.Problems.Add($"{FileText.Quote(key)} is {value.Shown}{(value.Numbers is null ? ", but must be a number" : ": layers differ, which cannot be declared")}");
            }
            else if (rule.Passes is { } passes && !passes(_facts, value))
            {
                _facts.Problems.Add($"{FileText.Quote(key)} is {value.Shown}{rule.Refusal}");
            }
        }

        CheckUnknown();
    }

    /// <summary>In a config.json, the keys of one object are one problem.</summary>
    private void CheckUnknown()
    {
        IEnumerable<IGrouping<string, string>> groups = _unknown.GroupBy(key =>
            !_gguf && key.IndexOf('.', StringComparison.Ordinal) is > 0 and int dot && !ConfigKeys.OpenObjects.Contains(key[..dot]) ? key[..dot] : key);
        int left = 0;
        foreach (IGrouping<string, string> group in groups)
        {
            if (left++ < MaxNamed)
            {
                string shown = group.First() == group.Key ? MetadataValue.Read(_metadata, group.Key).Shown : $"an object with {group.Count()} keys";
                _facts.Problems.Add($"{FileText.Quote(group.Key)} is {shown}, and what it does is not known: "
                    + $"if it does not change the result, name it in {_options.OverrideNames.IgnoreMetadata}");
            }
        }

        if (left > MaxNamed)
        {
            _facts.Problems.Add($"{left - MaxNamed} more keys are not known");
        }
    }

    /// <summary>A name that is no key would be a misspelt one: what it was to do is not done.</summary>
    private void CheckIgnored()
    {
        foreach (string name in _options.IgnoreMetadata)
        {
            string[] keys = [.. _metadata.Keys.Where(key => Covers(name, key))];
            bool absent = keys.Length == 0 && (_prefix.Length == 0 || name.StartsWith(_prefix, StringComparison.Ordinal))
                && _architecture is not null && RuleOf(name[_prefix.Length..]) is not null;
            if (keys.Length > 0 || absent)
            {
                string shown = keys.Length == 0 ? "absent" : keys[0] == name ? MetadataValue.Read(_metadata, name).Shown : $"an object with {keys.Length} keys";
                _facts.Notes.Add($"Ignored on request: {FileText.Quote(name)}, which is {shown}.");
            }
            else
            {
                string closest = ClosestName.Find(name, _metadata.Keys.Where(key => key.Length <= 2 * name.Length)) is { } key ? $"; the closest is {FileText.Quote(key)}" : "";
                _facts.Problems.Add($"{_options.OverrideNames.IgnoreMetadata} names {FileText.Quote(name)}, which the file does not have{closest}");
            }
        }
    }

    /// <summary>A key that was read.</summary>
    /// <param name="Key">With its prefix.</param>
    /// <param name="Value">What it holds.</param>
    /// <param name="Rule">What becomes of it.</param>
    private sealed record Entry(string Key, MetadataValue Value, KeyRule Rule);
}
