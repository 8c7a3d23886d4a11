using System.Text.Json;
using SparseInfer.Files;
using SparseInfer.Text;

namespace SparseInfer.Loading;

/// <summary>
/// Builds the tokenizer that a <c>tokenizer.json</c> of Hugging Face's tokenizers library describes. What it asks for and cannot have is
/// refused by name: a text must never be cut in another way than the model was trained with.
/// </summary>
internal sealed class TokenizerJson
{
    /// <summary>The largest real ones have some 35 MB.</summary>
    private const int MaximumFileBytes = 96 << 20;

    private readonly JsonNode _root;
    private readonly HuggingFaceConfig _config;
    private readonly TokenList _tokens = new();

    private TokenizerJson(JsonNode root, HuggingFaceConfig config)
    {
        _root = root;
        _config = config;
    }

    /// <summary>Reads the file.</summary>
    /// <param name="files">The files that it belongs to.</param>
    /// <param name="name">Its name, <c>tokenizer.json</c>.</param>
    /// <param name="endOfGeneration">Further tokens at which generation ends; what is no token is ignored.</param>
    /// <exception cref="ModelFormatException">It is damaged, or not supported.</exception>
    public static Tokenizer Read(CompanionFiles files, string name, IReadOnlyList<int> endOfGeneration)
    {
        using FileRegion region = files.Open(name);
        JsonNode root = JsonNode.Parse(region, MaximumFileBytes, out JsonDocument document);
        using (document)
        {
            return new TokenizerJson(root, HuggingFaceConfig.Read(files)).Build(endOfGeneration);
        }
    }

    private BpeTokenizer Build(IReadOnlyList<int> endOfGeneration)
    {
        JsonNode model = _root["model"];
        if (model["type"].TextOrNull() is { } kind && kind != "BPE")
        {
            throw model["type"].NotSupported(kind);
        }

        RequireNone(model["dropout"], model["continuing_subword_prefix"], model["end_of_word_suffix"]);
        var pipeline = TextPipeline.Read(_root);
        ReadTokens(model);
        string[] pieces = _tokens.Pieces();
        TokenType[] types = _tokens.Types(pieces);
        int? unknown = model["unk_token"].TextOrNull() is { } text ? Find(text, model["unk_token"]) : null;
        BpeAlphabet alphabet = pipeline.SpellsBytes ? BpeAlphabet.Bytes : BpeAlphabet.Characters;
        if (alphabet == BpeAlphabet.Characters && model["byte_fallback"].IsTrue)
        {
            for (int token = 0; token < pieces.Length; token++)
            {
                types[token] = types[token] == TokenType.Normal && SentencePieceVocabulary.TryParseByte(pieces[token], out _)
                    ? TokenType.Byte
                    : types[token];
            }
        }

        (int? begin, bool addBegin) = ReadBegin();
        int? configuredEnd = _config.EndOfSequence is { } end && _tokens.TryFind(end, out int endId) ? endId : null;
        var vocabulary = new BpeVocabulary(pieces, types, ReadMerges(model["merges"]), new BpeOptions
        {
            Alphabet = alphabet,
            BeginOfSequence = begin,
            EndOfSequence = configuredEnd,
            AddBeginOfSequence = addBegin,
            EndOfWhole = ReadEnd() ?? (_config.AddEndOfSequence ? configuredEnd : null),
            EndOfGeneration = [.. endOfGeneration.Where(id => id >= 0 && id < pieces.Length)],
            Unknown = unknown,
            FuseUnknown = model["fuse_unk"].Flag(byDefault: false),
            IgnoreMerges = model["ignore_merges"].Flag(byDefault: false),
            Strips = _tokens.Strips,
        });
        return new BpeTokenizer(vocabulary, pipeline.PreTokenizer, pipeline.Preparation, pipeline.SpelledPreTokenizer);
    }

    private static void RequireNone(params ReadOnlySpan<JsonNode> nodes)
    {
        foreach (JsonNode node in nodes)
        {
            if (!node.IsNull && !(node.IsString && node.TextOrNull() is null))
            {
                throw node.Error("is set, which is not supported");
            }
        }
    }

    private static BpeMerge[] ReadMerges(JsonNode merges)
    {
        List<BpeMerge> read = [];
        foreach (JsonNode item in merges.Items())
        {
            if (item.IsString)
            {
                read.Add(BpeMerge.TryParse(item.Text(), out BpeMerge merge)
                    ? merge
                    : throw item.Error($"is {FileText.Quote(item.Text())}, not two texts with a space between"));
            }
            else
            {
                string[] pair = [.. item.Items().Take(3).Select(text => text.Text())];
                read.Add(pair.Length == 2 ? new BpeMerge(pair[0], pair[1]) : throw item.Error("is neither a text nor two of them"));
            }
        }

        return [.. read];
    }

    private void ReadTokens(JsonNode model)
    {
        foreach ((string piece, JsonNode id) in model["vocab"].Properties())
        {
            _tokens.Add(piece, id, TokenType.Normal);
        }

        foreach (JsonNode added in _root["added_tokens"].Items())
        {
            if (added["single_word"].Flag(byDefault: false))
            {
                throw added["single_word"].Error("is true, which is not supported");
            }

            TokenSides strips = (added["lstrip"].Flag(byDefault: false) ? TokenSides.Left : TokenSides.None)
                | (added["rstrip"].Flag(byDefault: false) ? TokenSides.Right : TokenSides.None);
            string content = added["content"].Text();
            bool control = added["special"].Flag(byDefault: false) || EndOfGenerationTokens.IsControl(content);
            _tokens.Add(content, added["id"], control ? TokenType.Control : TokenType.UserDefined, strips);
        }
    }

    /// <summary>
    /// The token that opens sequences: the one with which the template of the post-processor begins. Without a template,
    /// <c>tokenizer_config.json</c> says.
    /// </summary>
    private (int? Token, bool Add) ReadBegin()
    {
        foreach (JsonNode one in Processors())
        {
            switch (one["type"].TextOrNull())
            {
                case null or "ByteLevel":
                    break;
                case "TemplateProcessing":
                    return OfTemplate(one, one["single"].Items().FirstOrDefault()) is { } token ? (token, true) : (Configured(), false);
                case "RobertaProcessing" or "BertProcessing":
                    return (Find(one["cls"]), true);
                case { } other:
                    throw one["type"].NotSupported(other);
            }
        }

        int? begin = Configured();
        return (begin, begin is not null && _config.AddBeginOfSequence == true);

        int? Configured() => _config.BeginOfSequence is { } text && _tokens.TryFind(text, out int token) ? token : null;
    }

    /// <summary>The token that whole texts end with, by the post-processor; null: it has none.</summary>
    private int? ReadEnd()
    {
        foreach (JsonNode one in Processors())
        {
            switch (one["type"].TextOrNull())
            {
                case "TemplateProcessing" when one["single"].Items().Skip(1).Any():
                    return OfTemplate(one, one["single"].Items().Last());
                case "RobertaProcessing" or "BertProcessing" when !one["sep"].IsNull:
                    return Find(one["sep"]);
            }
        }

        return null;
    }

    private IEnumerable<JsonNode> Processors()
    {
        JsonNode processor = _root["post_processor"];
        return processor["type"].TextOrNull() == "Sequence" ? processor["processors"].Items() : [processor];
    }

    /// <summary>The token of a template's part; null: the part is text.</summary>
    private int? OfTemplate(JsonNode template, JsonNode part)
    {
        if (part["SpecialToken"]["id"].TextOrNull() is not { } name)
        {
            return null;
        }

        JsonNode ids = template["special_tokens"][name]["ids"];
        JsonNode id = ids.Items().FirstOrDefault();
        return !id.IsNull && id.Id() < _tokens.Count ? id.Id() : throw ids.Error("has no token of the vocabulary");
    }

    /// <summary>The token that a pair of text and id names.</summary>
    private int Find(JsonNode pair)
    {
        JsonNode first = pair.Items().FirstOrDefault();
        return first.IsNull ? throw pair.Error("has no token") : Find(first.Text(), first);
    }

    private int Find(string text, JsonNode where) =>
        _tokens.TryFind(text, out int token) ? token : throw where.Error($"is {FileText.Quote(text)}, which is no token");
}
