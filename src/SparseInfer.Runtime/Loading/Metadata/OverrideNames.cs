namespace SparseInfer.Loading;

/// <summary>How messages tell a user to override what a file says: by options of a library, or of a command line.</summary>
/// <param name="Architecture">What names an architecture.</param>
/// <param name="IgnoreMetadata">What names a key to leave out.</param>
/// <param name="IsCommandLine">Whether values follow as arguments; else as C#.</param>
/// <param name="Verb">How a message begins that asks for an option of the library.</param>
internal sealed record OverrideNames(string Architecture, string IgnoreMetadata, bool IsCommandLine, string Verb = "load with")
{
    /// <summary>The properties of <see cref="LoadOptions"/>.</summary>
    public static OverrideNames Library { get; } = new("LoadOptions.Architecture", "LoadOptions.IgnoreMetadata", IsCommandLine: false);

    /// <summary>The properties of <see cref="PreparationOptions"/>.</summary>
    public static OverrideNames Preparation { get; } =
        new("PreparationOptions.Architecture", "PreparationOptions.IgnoreMetadata", IsCommandLine: false, Verb: "prepare with");

    /// <summary>Names an architecture: <c>load with LoadOptions.Architecture = "llama"</c>.</summary>
    public string AskFor(string architecture) =>
        IsCommandLine ? $"give {Architecture} {architecture}" : $"{Verb} {Architecture} = \"{architecture}\"";

    /// <summary>Names any of several architectures that were listed.</summary>
    public string AskForOne => IsCommandLine ? $"give {Architecture} and its name" : $"{Verb} {Architecture} = its name";

    /// <summary>How a message about the architecture that was asked for begins.</summary>
    public string Asked => IsCommandLine ? Architecture : Architecture + " =";

    /// <summary>Leaves a key out whose name is known.</summary>
    public string Ignore(string key) => IsCommandLine ? $"give {IgnoreMetadata} {key}" : $"{Verb} {IgnoreMetadata} = [\"{key}\"]";

    /// <summary>What names a file with tensors that policies want.</summary>
    public string PredictorFile => IsCommandLine ? "--predictor FILE" : "LoadOptions.PredictorFile";

    /// <summary>What lets a folder be prepared that has no tokenizer.</summary>
    public string NoTokenizer => IsCommandLine ? "--no-tokenizer" : "PreparationOptions.NoTokenizer";

    /// <summary>Prepares a folder that has no tokenizer.</summary>
    public string WithoutTokenizer => $"{(IsCommandLine ? "give" : Verb)} {NoTokenizer}";
}
