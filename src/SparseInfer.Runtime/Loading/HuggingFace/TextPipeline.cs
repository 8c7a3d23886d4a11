using SparseInfer.Files;
using SparseInfer.Text;

namespace SparseInfer.Loading;

/// <summary>The normalizer, pre-tokenizer and decoder of a <c>tokenizer.json</c>.</summary>
internal sealed class TextPipeline
{
    private const string EscapedSpace = "\u2581";

    private readonly List<Rule[]> _passes = [];
    private readonly List<Rule[]> _spelledPasses = [];

    private TextPipeline()
    {
    }

    /// <summary>Whether text is spelled in bytes.</summary>
    public bool SpellsBytes { get; private set; }

    /// <summary>What is done to a text first.</summary>
    public TextPreparation Preparation { get; private set; } = new();

    /// <summary>What cuts a text.</summary>
    public PreTokenizer PreTokenizer => _passes.Count == 0 ? PreTokenizer.None : new PreTokenizer([.. _passes]);

    /// <summary>What cuts it once it is spelled in bytes.</summary>
    public PreTokenizer SpelledPreTokenizer => _spelledPasses.Count == 0 ? PreTokenizer.None : new PreTokenizer([.. _spelledPasses]);

    /// <summary>Reads the three.</summary>
    /// <exception cref="ModelFormatException">One of them is not supported.</exception>
    public static TextPipeline Read(JsonNode root)
    {
        var pipeline = new TextPipeline();
        pipeline.ReadNormalizer(root["normalizer"]);
        if (pipeline.Preparation is { Prefix: PrefixSpace.Always, EscapeSpaces: false })
        {
            throw root["normalizer"].Error($"puts '{EscapedSpace}' in front but leaves spaces as they are, which is not supported");
        }

        pipeline.ReadPreTokenizer(root["pre_tokenizer"]);
        pipeline.CheckDecoder(root["decoder"]);
        return pipeline;
    }

    private void ReadNormalizer(JsonNode normalizer)
    {
        switch (normalizer["type"].TextOrNull())
        {
            case null when normalizer.IsNull:
                break;
            case "Sequence":
                foreach (JsonNode one in normalizer["normalizers"].Items())
                {
                    ReadNormalizer(one);
                }

                break;
            case "NFC":
                Preparation = Preparation with { Compose = true };
                break;
            case "Prepend" when normalizer["prepend"].TextOrNull() == EscapedSpace:
                Preparation = Preparation with { Prefix = PrefixSpace.Always };
                break;
            case "Replace" when normalizer["pattern"]["String"].TextOrNull() == " " && normalizer["content"].TextOrNull() == EscapedSpace:
                Preparation = Preparation with { EscapeSpaces = true };
                break;
            case var other:
                throw normalizer["type"].NotSupported(other ?? "none");
        }
    }

    private void ReadPreTokenizer(JsonNode step)
    {
        switch (step["type"].TextOrNull())
        {
            case null when step.IsNull:
                break;
            case "Sequence":
                foreach (JsonNode one in step["pretokenizers"].Items())
                {
                    ReadPreTokenizer(one);
                }

                break;
            case "ByteLevel":
                ReadByteLevel(step);
                break;
            case "Split":
                ReadSplit(step);
                break;
            case "Digits":
                Pass(step["individual_digits"].Flag(byDefault: false) ? PreTokenizers.SingleNumbers : PreTokenizers.RunsOfNumbers);
                break;
            case "Punctuation":
                Pass([ReadPunctuation(step["behavior"])]);
                break;
            case "Metaspace":
                ReadMetaspace(step);
                break;
            case var other:
                throw step["type"].NotSupported(other ?? "none");
        }
    }

    private void ReadByteLevel(JsonNode step)
    {
        if (SpellsBytes)
        {
            throw step.Error("spells in bytes what another step has spelled in bytes already");
        }

        if (step["add_prefix_space"].Flag(byDefault: true))
        {
            if (_passes.Count > 0)
            {
                throw step["add_prefix_space"].Error("is true behind a step that cuts, which is not supported");
            }

            Preparation = Preparation with { Prefix = PrefixSpace.Always, PrefixOnlyWhereNone = true };
        }

        if (step["use_regex"].Flag(byDefault: true))
        {
            Pass(PreTokenizers.Gpt2);
        }

        SpellsBytes = true;
    }

    private void ReadSplit(JsonNode step)
    {
        string behavior = step["behavior"].Text();
        JsonNode pattern = step["pattern"];
        if (pattern["String"].TextOrNull() is { } text)
        {
            // The normalizer has left none.
            if (text != " " || !Preparation.EscapeSpaces)
            {
                throw pattern["String"].NotSupported(text);
            }

            return;
        }

        string expression = pattern["Regex"].Text();
        Rule[] rules = KnownExpressions.Find(expression) ?? throw pattern["Regex"].NotSupported(expression);
        bool inverted = step["invert"].Flag(byDefault: false);

        // Without what lies between matches, where nothing does, is the same as with it.
        if (!(behavior == "Isolated" && !inverted) && !(behavior == "Removed" && inverted && KnownExpressions.CoversAll(rules)))
        {
            throw step["behavior"].NotSupported($"{behavior}{(inverted ? ", inverted" : "")}");
        }

        Pass(rules);
    }

    private static Rule ReadPunctuation(JsonNode behavior)
    {
        CharacterSet punctuation = CharacterSet.Of(CharacterClass.Punctuation, "$+<=>^`|~");
        return behavior.TextOrNull() switch
        {
            null or "Isolated" => new Few(punctuation, most: 1),
            "Contiguous" => new Run(Prefix.None, punctuation),
            { } other => throw behavior.NotSupported(other),
        };
    }

    private void ReadMetaspace(JsonNode step)
    {
        if (step["replacement"].TextOrNull() is { } replacement && replacement != EscapedSpace)
        {
            throw step["replacement"].NotSupported(replacement);
        }

        PrefixSpace prefix = step["prepend_scheme"].TextOrNull() switch
        {
            "always" => PrefixSpace.Always,
            "first" => PrefixSpace.AtStart,
            "never" => PrefixSpace.Never,
            null => step["add_prefix_space"].Flag(byDefault: true) ? PrefixSpace.Always : PrefixSpace.Never,
            { } other => throw step["prepend_scheme"].NotSupported(other),
        };
        if (SpellsBytes || _passes.Count > 0)
        {
            throw step.Error("comes behind another step, which is not supported");
        }

        Preparation = Preparation with { EscapeSpaces = true, Prefix = prefix, PrefixOnlyWhereNone = true };
        if (step["split"].Flag(byDefault: true))
        {
            Pass([new UntilCharacter(EscapedSpace[0])]);
        }
    }

    private void Pass(Rule[] rules) => (SpellsBytes ? _spelledPasses : _passes).Add(rules);

    private void CheckDecoder(JsonNode decoder)
    {
        switch (decoder["type"].TextOrNull())
        {
            case null when decoder.IsNull:
                break;
            case "Sequence":
                foreach (JsonNode one in decoder["decoders"].Items())
                {
                    CheckDecoder(one);
                }

                break;
            case "ByteLevel" when SpellsBytes:
            case "Metaspace" or "ByteFallback" or "Fuse":
            case "Replace" when decoder["pattern"]["String"].TextOrNull() == EscapedSpace && decoder["content"].TextOrNull() == " ":
            case "Strip" when decoder["content"].TextOrNull() == " ":
                break;
            case var other:
                throw decoder["type"].NotSupported(other ?? "none");
        }
    }
}
