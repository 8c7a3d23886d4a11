using System.CommandLine;

namespace SparseInfer.Cli.Convert;

/// <summary>The arguments of <c>sparseinfer convert</c>.</summary>
internal sealed class ConvertArguments
{
    private const string Description = """
        Prepares a GGUF file, or a Hugging Face folder of safetensors: down matrices neuron-major, the signs that predictors compare beside
        the matrices. The result is a GGUF file. It loads faster, and is used in place.

        Examples:
          sparseinfer convert prosparse-llama-2-7b.gguf prosparse-llama-2-7b.prepared.gguf
          sparseinfer convert prosparse-llama-2-7b.f32.gguf small.gguf --weights q8_0
          sparseinfer convert prosparse-llama-2-7b.gguf mixed.gguf --attention q8_0 --head q8_0
          sparseinfer convert SparseQwen2-7B/ sparseqwen2-7b.prepared.gguf
        """;

    private readonly Argument<string> _source = new("SOURCE") { Description = "The GGUF file to prepare, or a folder with safetensors, their config.json and tokenizer." };

    private readonly Argument<string> _destination = new("DESTINATION") { Description = "The file to write: whole, or not at all." };

    private readonly Option<WeightType?> _weights = ValueOption.Optional(
        "--weights", "TYPE", "Store all matrices as f32, f16, bf16, q8_0, q4_0, q5_0, q5_1, q4_k, q5_k or q6_k. [default: as they are]",
        $"one of {string.Join(", ", ValueOption.Names<WeightType>())}", ValueOption.Enumeration<WeightType>);

    private readonly Option<WeightType?> _embedding = OfRole("--embedding", "Store the token embedding and learned positions in this type.");

    private readonly Option<WeightType?> _attention = OfRole("--attention", "Store attention's query, key, value and output in this type.");

    private readonly Option<WeightType?> _feedForward = OfRole("--feed-forward", "Store gate, up and down in this type.");

    private readonly Option<WeightType?> _head = OfRole(
        "--head", "Store the output head in this type. A model whose head is its embedding gets one of its own.");

    private readonly Option<bool> _upSigns = new("--up-signs")
    {
        Description = "Store the signs of up matrices beside those of gates, as dReLU's predictor wants them. "
            + "Done unasked where the file names dReLU.",
    };

    private readonly Option<bool> _noTokenizer = new("--no-tokenizer") { Description = "Prepare a folder that has no tokenizer." };

    private readonly OverrideOptions _overrides = new();

    private readonly Option<bool> _force = new("--force") { Description = "Replace DESTINATION if it is there." };

    /// <summary>The command, without an action.</summary>
    public Command CreateCommand()
    {
        var command = new Command("convert", Description) { _source, _destination };
        foreach (Option option in (Option[])[_weights, _embedding, _attention, _feedForward, _head, _upSigns, _noTokenizer, .. _overrides.All, _force])
        {
            command.Options.Add(option);
        }

        return command;
    }

    /// <summary>What was asked for.</summary>
    /// <exception cref="CliException">A path is empty.</exception>
    public ConvertOptions Read(ParseResult parsed)
    {
        var preparation = new PreparationOptions
        {
            Weights = parsed.GetValue(_weights),
            Embedding = parsed.GetValue(_embedding),
            Attention = parsed.GetValue(_attention),
            FeedForward = parsed.GetValue(_feedForward),
            Head = parsed.GetValue(_head),
            UpSigns = parsed.GetValue(_upSigns),
            Overwrite = parsed.GetValue(_force),
            NoTokenizer = parsed.GetValue(_noTokenizer),
            Architecture = _overrides.Architecture(parsed),
            IgnoreMetadata = _overrides.Ignored(parsed),
            OverrideNames = _overrides.Names,
        };
        return new ConvertOptions(Path(parsed, _source), Path(parsed, _destination), preparation);
    }

    private static Option<WeightType?> OfRole(string name, string description) => ValueOption.Optional(
        name, "TYPE", $"{description} [default: as other matrices]", $"one of {string.Join(", ", ValueOption.Names<WeightType>())}",
        ValueOption.Enumeration<WeightType>);

    private static string Path(ParseResult parsed, Argument<string> argument) => parsed.GetRequiredValue(argument) is { Length: > 0 } path
        ? path
        : throw new CliException($"{argument.Name} is empty: give a path.");
}
