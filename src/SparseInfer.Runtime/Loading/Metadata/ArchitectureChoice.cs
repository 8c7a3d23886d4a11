using SparseInfer.Files;

namespace SparseInfer.Loading;

/// <summary>Which architecture a file is read as: what it says, or what the user said.</summary>
/// <param name="Architecture">The architecture; null: the file says nothing of itself, or it is refused.</param>
/// <param name="Stated">What the file calls it; null: nothing.</param>
/// <param name="Refusal">Why the file cannot be computed, whatever is declared; null: it may be.</param>
internal readonly record struct ArchitectureChoice(Architecture? Architecture, string? Stated, string? Refusal)
{
    /// <summary>Longer names are no architecture's: nothing is looked up by them.</summary>
    private const int MaxNameLength = 64;

    public static ArchitectureChoice Of(ModelFile file, Func<string, bool> isIgnored, LoadOptions options)
    {
        OverrideNames names = options.OverrideNames;
        bool gguf = file.Format == ModelFileFormat.Gguf;
        if (options.Architecture is { } wanted)
        {
            string? stated = Read(file, gguf ? "general.architecture" : "model_type", isIgnored, out string? unreadable);
            return unreadable is not null ? new(null, null, unreadable)
                : Architectures.Find(wanted) is { } chosen ? Checked(chosen, stated, gguf)
                : new(null, stated, Refused(wanted, gguf, names, names.Asked));
        }

        return gguf ? OfGguf(file, isIgnored, names) : OfConfig(file, isIgnored, names);
    }

    private static ArchitectureChoice OfGguf(ModelFile file, Func<string, bool> isIgnored, OverrideNames names)
    {
        if (Read(file, "general.architecture", isIgnored, out string? unreadable) is { } name)
        {
            return Architectures.Find(name) is { } known && known.Name == name ? Checked(known, name, gguf: true) : new(null, name, Refused(name, gguf: true, names));
        }

        // A file that says nothing of its graph is taken as declared, like safetensors without a config.json.
        string[] keys = [.. file.Metadata.Keys.Where(key => !isIgnored(key) && !GgufKeys.Namespaces.Contains(Namespace(key)))];
        return new(null, null, unreadable ?? (keys.Length == 0 ? null
            : $"there is no 'general.architecture' that says what {FileText.Quote(keys[0])} and other keys mean: "
                + $"if the graph is one that can be declared, {names.AskFor("llama")}, or its name"));
    }

    private static ArchitectureChoice OfConfig(ModelFile file, Func<string, bool> isIgnored, OverrideNames names)
    {
        ModelMetadata config = file.Metadata;
        if (config.Keys.Count == 0)
        {
            return default;
        }

        string? type = Read(file, "model_type", isIgnored, out string? unreadable);
        if (unreadable is not null)
        {
            return new(null, null, unreadable);
        }

        IReadOnlyList<string> classes = [];
        if (!isIgnored("architectures") && config.Describe("architectures") is { } form)
        {
            classes = MetadataValue.Read(config, "architectures").Texts ?? [];
            if (classes.Count == 0 && form != "an array")
            {
                return new(null, type, $"'architectures' is {form}, but must be an array of class names");
            }
        }

        if (type is null && classes.Count == 0)
        {
            return new(null, null, "the config.json has neither 'model_type' nor 'architectures': "
                + $"if the graph is one that can be declared, {names.AskFor("llama")}, or its name");
        }

        Architecture? known = type is null ? Architectures.FindClass(classes[0]) : Architectures.Find(type);
        if (known is null || (type is not null && !known.ModelTypes.Contains(type)))
        {
            string name = type ?? UnsupportedArchitectures.OfClass(classes[0]) ?? classes[0];
            return new(null, name, Refused(name, gguf: false, names) + Nested(config));
        }

        return classes.FirstOrDefault(name => !known.Classes.Contains(name)) is { } other && known.ConfigReason is null
            ? new(null, type, $"'architectures' names {FileText.Quote(other)}, but model type {known.Name} is computed as "
                + $"{(known.Classes.Count > 0 ? known.Classes[0] : known.Name)}: if that is the same graph, {names.Ignore("architectures")}")
            : Checked(known, type ?? known.Name, gguf: false);
    }

    private static ArchitectureChoice Checked(Architecture architecture, string? stated, bool gguf) => architecture.Reason(gguf) is { } reason
        ? new(null, stated, $"architecture {Plain(architecture.Name)} is not supported: {reason}")
        : new(architecture, stated, null);

    private static string Refused(string name, bool gguf, OverrideNames names, string subject = "architecture")
    {
        string refused = $"{subject} {Plain(name)} is not supported: ";
        if (UnsupportedArchitectures.Reason(name) is { } reason)
        {
            return refused + reason;
        }

        string? closest = name.Length > MaxNameLength ? null
            : ClosestName.Find(name.ToLowerInvariant(), Architectures.Names.Concat(UnsupportedArchitectures.Names));
        return $"{refused}it is not known{(closest is null ? "" : $"; the closest is '{closest}'")}. Known are {string.Join(", ", Architectures.SupportedNames(gguf))}: "
            + $"if the graph is one of these, {names.AskForOne}";
    }

    /// <summary>A model of several parts has the language model's configuration in an object of its own.</summary>
    private static string Nested(ModelMetadata config)
    {
        string? part = config.Keys.FirstOrDefault(key => key is "text_config.model_type" or "llm_config.model_type" or "language_config.model_type");
        return part is not null && config.TryGetString(part, out string? type)
            ? $". Its language model is {FileText.Quote(type)} ('{part}'): export that alone"
            : "";
    }

    private static string? Read(ModelFile file, string key, Func<string, bool> isIgnored, out string? unreadable)
    {
        unreadable = null;
        if (isIgnored(key) || file.Metadata.Describe(key) is not { } form)
        {
            return null;
        }

        if (file.Metadata.TryGetString(key, out string? name))
        {
            return name;
        }

        unreadable = $"'{key}' is {form}, but must be a string";
        return null;
    }

    private static string Namespace(string key) => key.IndexOf('.', StringComparison.Ordinal) is > 0 and int dot ? key[..dot] : key;

    private static string Plain(string name) =>
        name.Length <= MaxNameLength && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.') && name.Length > 0 ? name : FileText.Quote(name);
}
