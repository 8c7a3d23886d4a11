using System.Text;
using SparseInfer.Files;
using SparseInfer.Text;

namespace SparseInfer.Loading;

/// <summary>
/// Builds the tokenizer that a GGUF file describes. What is odd but has one sensible reading is read so and noted; what has none makes the
/// vocabulary unusable, with a reason, and leaves the model to those who work with token ids.
/// </summary>
internal sealed partial class GgufTokenizer
{
    private const string TokensKey = "tokenizer.ggml.tokens";
    private const string ScoresKey = "tokenizer.ggml.scores";
    private const string TypesKey = "tokenizer.ggml.token_type";
    private const string BeginKey = "tokenizer.ggml.bos_token_id";
    private const string EndKey = "tokenizer.ggml.eos_token_id";
    private const string UnknownKey = "tokenizer.ggml.unknown_token_id";

    private const string NameKey = "general.name";
    private const int MaxNameBytes = 1024;
    private const string KindKey = "tokenizer.ggml.model";
    private const string SentencePieceKind = "llama";
    private const string BpeKind = "gpt2";

    private readonly ModelMetadata _metadata;
    private readonly ICollection<string> _notes;
    private readonly string[] _pieces;
    private readonly TokenType[] _types;

    private GgufTokenizer(ModelMetadata metadata, ICollection<string> notes)
    {
        _metadata = metadata;
        _notes = notes;
        _pieces = metadata.TryGetStringArray(TokensKey, out string[]? pieces)
            ? pieces
            : throw new InvalidDataException($"'{TokensKey}' {WhatIsWrong(TokensKey, "an array of texts")}");
        _types = ReadTypes();
    }

    /// <summary>The tokenizer, or null with the reason why there is none that can be used.</summary>
    /// <param name="file">The file.</param>
    /// <param name="notes">Gets a sentence for each oddity.</param>
    /// <param name="reason">What is wrong, as a clause that can follow a colon.</param>
    /// <param name="endOfGeneration">Ids of tokens at which generation ends as well, from elsewhere; those it does not have are ignored.</param>
    public static Tokenizer? Read(
        ModelFile file, ICollection<string> notes, out string? reason, IReadOnlyList<int>? endOfGeneration = null)
    {
        try
        {
            reason = WhyNone(file);
            return reason is null ? new GgufTokenizer(file.Metadata, notes).Build(endOfGeneration ?? []) : null;
        }
        catch (InvalidDataException wrong)
        {
            reason = wrong.Message.TrimEnd('.');
        }
        catch (ModelFormatException wrong)
        {
            reason = wrong.Fault.TrimEnd('.');
        }

        return null;
    }

    /// <summary>What becomes of the reason where the tokenizer is what was asked for.</summary>
    public static ModelFormatException Refuse(ModelFile file, string? reason) =>
        new(file.Path, $"has no tokenizer that can be used: {reason}.");

    private static string? WhyNone(ModelFile file)
    {
        if (file.Metadata.TryGetString(KindKey, out string? kind))
        {
            return kind is SentencePieceKind or BpeKind
                ? null
                : $"'{KindKey}' is {FileText.Quote(kind)}, and only '{SentencePieceKind}' (SentencePiece BPE) and '{BpeKind}' (byte-level BPE) "
                    + "are supported";
        }

        return file.Format == ModelFileFormat.Gguf ? $"the file has no '{KindKey}'" : "safetensors files have none";
    }

    private Tokenizer Build(IReadOnlyList<int> endOfGeneration)
    {
        int[] ends =
        [
            .. EndOfGenerationIds.GgufKeys.Select(key => ReadToken(key, byDefault: null)).OfType<int>(),
            .. endOfGeneration.Where(id => id >= 0 && id < _pieces.Length),
        ];
        return _metadata.TryGetString(KindKey, out string? kind) && kind == BpeKind ? BuildBpe(ends) : BuildSentencePiece(ends);
    }

    private SentencePieceTokenizer BuildSentencePiece(int[] endOfGeneration)
    {
        int? begin = ReadToken(BeginKey, byDefault: 1);
        int? end = ReadToken(EndKey, byDefault: 2);
        int? unknown = ReadToken(UnknownKey, byDefault: 0);
        bool addBegin = ReadAddBegin(byDefault: true, begin);
        MarkControl();
        var vocabulary = new SentencePieceVocabulary(
            _pieces, ReadScores(), _types, begin, end, unknown ?? 0, addBegin,
            !_metadata.TryGetBoolean("tokenizer.ggml.add_space_prefix", out bool space) || space,
            endOfGeneration);
        NoteTexts(vocabulary.Repeated, vocabulary.RepeatedCount);
        return new SentencePieceTokenizer(vocabulary, ReadStrips(), EndsWhole);
    }

    /// <summary>Whether sequences open with a token for it: not where there is none.</summary>
    private bool ReadAddBegin(bool byDefault, int? begin)
    {
        bool wanted = _metadata.TryGetBoolean("tokenizer.ggml.add_bos_token", out bool add) ? add : byDefault;
        if (wanted && begin is null)
        {
            _notes.Add($"There is no begin-of-sequence token ('{BeginKey}'): sequences start without one.");
        }

        return wanted && begin is not null;
    }

    /// <summary>Whether whole texts end with the token that ends sequences.</summary>
    private bool EndsWhole => _metadata.TryGetBoolean("tokenizer.ggml.add_eos_token", out bool add) && add;

    /// <summary>The token that a key names: null where there is none. An id that is no token's counts as if the key were not there.</summary>
    private int? ReadToken(string key, int? byDefault)
    {
        if (_metadata.TryGetInt64(key, out long id) && id >= 0 && id < _pieces.Length)
        {
            return (int)id;
        }

        // What llama.cpp takes as well. Only a file says that its token 1 opens sequences; a word that lies there must not.
        int? usual = byDefault is { } common && common < Math.Min(_pieces.Length, _types.Length)
            && _types[common] is TokenType.Control or TokenType.Unknown ? common : null;
        if (_metadata.Describe(key) is { } found)
        {
            string what = _metadata.TryGetInt64(key, out id) ? $"{id}" : found;
            string instead = usual is null ? "there is no such token" : $"it is {usual}, as usual";
            _notes.Add($"'{key}' is {what}, which is none of the {_pieces.Length} tokens: as if the key were absent, {instead}.");
        }

        return usual;
    }

    private float[] ReadScores()
    {
        if (_metadata.TryGetSingleArray(ScoresKey, out float[]? scores))
        {
            return scores;
        }

        if (_metadata.Describe(ScoresKey) is not null)
        {
            throw new InvalidDataException($"'{ScoresKey}' {WhatIsWrong(ScoresKey, "an array of numbers")}");
        }

        // SentencePiece numbers the pieces of a BPE model in the order of their scores, the first merge first.
        _notes.Add($"'{ScoresKey}' is missing: pieces merge in the order of their ids, as SentencePiece numbers them.");
        return [.. Enumerable.Range(0, _pieces.Length).Select(token => -(float)token)];
    }

    private TokenType[] ReadTypes()
    {
        if (_metadata.TryGetInt32Array(TypesKey, out int[]? stored))
        {
            int unknown = stored.Count(type => !Enum.IsDefined((TokenType)type));
            if (unknown > 0)
            {
                _notes.Add($"'{TypesKey}' has types for {unknown} tokens that are not defined: they are taken for ordinary tokens.");
            }

            return [.. stored.Select(type => Enum.IsDefined((TokenType)type) ? (TokenType)type : TokenType.Undefined)];
        }

        if (_metadata.Describe(TypesKey) is not null)
        {
            throw new InvalidDataException($"'{TypesKey}' {WhatIsWrong(TypesKey, "an array of integers")}");
        }

        _notes.Add($"'{TypesKey}' is missing: bytes are known by their text (<0x0A>), and special tokens by their ids.");
        TokenType[] types = [.. _pieces.Select(piece => SentencePieceVocabulary.TryParseByte(piece, out _) ? TokenType.Byte : TokenType.Normal)];
        Mark(UnknownKey, 0, TokenType.Unknown);
        Mark(BeginKey, 1, TokenType.Control);
        Mark(EndKey, 2, TokenType.Control);
        return types;

        void Mark(string key, long byDefault, TokenType type)
        {
            long id = _metadata.TryGetInt64(key, out long named) && named >= 0 && named < types.Length ? named : byDefault;
            if (id < types.Length && types[id] == TokenType.Normal)
            {
                types[id] = type;
            }
        }
    }

    /// <summary>
    /// Files do not say it, but Phi-3's special tokens take the white space behind them with them; llama.cpp knows the model by its name too.
    /// </summary>
    private Dictionary<int, TokenSides> ReadStrips()
    {
        string name = _metadata is GgufMetadata gguf && gguf.TextLength(NameKey) <= MaxNameBytes
            ? Encoding.Latin1.GetString(gguf.Raw(NameKey)) // one that is no UTF-8 matters to nobody here
            : "";
        bool isPhi3 = name.Contains("phi-3", StringComparison.OrdinalIgnoreCase) || name.Contains("phi3", StringComparison.OrdinalIgnoreCase);
        return !isPhi3 ? [] : Enumerable.Range(0, _pieces.Length)
            .Where(token => _types[token] is TokenType.Control or TokenType.UserDefined or TokenType.Unknown
                && _pieces[token] is not ("<unk>" or "<s>" or "<|endoftext|>"))
            .ToDictionary(token => token, _ => TokenSides.Right);
    }

    /// <summary>As in llama.cpp: text from outside must not end a turn, though many files call such tokens ordinary ones.</summary>
    private void MarkControl()
    {
        for (int token = 0; token < Math.Min(_types.Length, _pieces.Length); token++)
        {
            if (_types[token] is TokenType.Normal or TokenType.Undefined or TokenType.UserDefined && EndOfGenerationTokens.IsControl(_pieces[token]))
            {
                _types[token] = TokenType.Control;
            }
        }
    }

    private void NoteTexts((int Earlier, int Later)? repeated, int repeatedCount)
    {
        int empty = _pieces.Count(piece => piece.Length == 0);
        if (empty > 0)
        {
            _notes.Add($"{empty} of the {_pieces.Length} tokens have no text: nothing is encoded as them, and they decode to nothing.");
        }

        if (repeated is { } first)
        {
            _notes.Add($"{repeatedCount} tokens have the text of another, tokens {first.Earlier} and {first.Later} "
                + $"{FileText.Quote(_pieces[first.Later])}: the last of such tokens is what text is encoded as, as in llama.cpp.");
        }
    }

    private string WhatIsWrong(string key, string wanted) =>
        _metadata.Describe(key) is { } found ? $"is {found}, but must be {wanted}" : $"is missing; it must be {wanted}";
}
