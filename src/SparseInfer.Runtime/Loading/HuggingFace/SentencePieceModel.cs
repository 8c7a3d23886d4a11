using SparseInfer.Files;
using SparseInfer.Text;

namespace SparseInfer.Loading;

/// <summary>
/// Reads a SentencePiece model (<c>tokenizer.model</c>, a protocol buffer; sentencepiece_model.proto), and the tokens that the files beside
/// it add.
/// </summary>
internal sealed class SentencePieceModel
{
    private const int MaximumFileBytes = 64 << 20;
    private const int BytePairEncoding = 2;

    private readonly string _path;
    private readonly List<string> _pieces = [];
    private readonly List<float> _scores = [];
    private readonly List<TokenType> _types = [];

    // What the proto says where the file does not.
    private int _modelType = 1;
    private bool _byteFallback;
    private int _unknown;
    private int _begin = 1;
    private int _end = 2;
    private bool _addSpacePrefix = true;
    private bool _removeExtraSpaces = true;
    private bool _suffixes;
    private string _normalizer = "";
    private bool _hasCharacterMap;

    private SentencePieceModel(string path) => _path = path;

    /// <summary>Reads the file.</summary>
    /// <param name="files">The files that it belongs to.</param>
    /// <param name="name">Its name, <c>tokenizer.model</c>.</param>
    /// <param name="endOfGeneration">Further tokens at which generation ends; what is no token is ignored.</param>
    /// <exception cref="ModelFormatException">It is damaged, or not supported.</exception>
    public static Tokenizer Read(CompanionFiles files, string name, IReadOnlyList<int> endOfGeneration)
    {
        using FileRegion region = files.Open(name);
        if (region.Length > MaximumFileBytes)
        {
            throw new ModelFormatException(region.Path, $"this file has {region.Length} bytes; at most {MaximumFileBytes} are read. {FileText.Mend}");
        }

        var model = new SentencePieceModel(region.Path);
        model.ReadModel(new ProtobufReader(region.Span(0, (int)region.Length), region.Path));
        return model.Build(HuggingFaceConfig.Read(files), endOfGeneration);
    }

    private static bool IsFlag(ProtobufReader reader) => reader.Number != 0;

    private SentencePieceTokenizer Build(HuggingFaceConfig config, IReadOnlyList<int> endOfGeneration)
    {
        Require(_pieces.Count > 0, "it has no pieces");
        Require(_modelType == BytePairEncoding, $"its model_type is {_modelType}, and only {BytePairEncoding} (BPE) is supported");
        Require(_byteFallback, "it has no byte_fallback, which must be");
        Require(!_hasCharacterMap, $"its normalizer {FileText.Quote(_normalizer)} maps characters, which is not supported");
        Require(!_removeExtraSpaces, "it asks for remove_extra_whitespaces, which is not supported");
        Require(!_suffixes, "it asks for treat_whitespace_as_suffix, which is not supported");
        foreach ((int id, (string piece, bool special)) in config.AddedTokens.OrderBy(token => token.Key))
        {
            TokenType type = special ? TokenType.Control : TokenType.UserDefined;
            if (id < _pieces.Count)
            {
                Require(_pieces[id] == piece, $"its token {id} is {FileText.Quote(_pieces[id])}, but the tokenizer_config.json beside it has {FileText.Quote(piece)}");
                _types[id] = _types[id] == TokenType.Normal ? type : _types[id];
                continue;
            }

            Require(id == _pieces.Count, $"the tokenizer_config.json beside it adds token {id}, but there is no token {_pieces.Count}");
            Add(piece, 0, type);
        }

        int? begin = Token(_begin);
        try
        {
            var vocabulary = new SentencePieceVocabulary(
                [.. _pieces],
                [.. _scores],
                [.. _types],
                begin,
                Token(_end),
                Token(_unknown) ?? 0,
                addBeginOfSequence: (config.AddBeginOfSequence ?? true) && begin is not null,
                _addSpacePrefix,
                [.. endOfGeneration.Where(id => id >= 0 && id < _pieces.Count)]);
            return new SentencePieceTokenizer(vocabulary, strips: null, config.AddEndOfSequence);
        }
        catch (InvalidDataException wrong)
        {
            throw new ModelFormatException(_path, wrong.Message);
        }
    }

    private int? Token(int id) => id >= 0 && id < _pieces.Count ? id : null;

    private void Require(bool holds, string fault)
    {
        if (!holds)
        {
            throw new ModelFormatException(_path, fault + ".");
        }
    }

    private void ReadModel(ProtobufReader reader)
    {
        while (reader.Read())
        {
            switch (reader.Field)
            {
                case 1:
                    ReadPiece(reader.Message());
                    break;
                case 2:
                    ReadTraining(reader.Message());
                    break;
                case 3:
                    ReadNormalizer(reader.Message());
                    break;
            }
        }
    }

    private void ReadPiece(ProtobufReader reader)
    {
        (string piece, float score, TokenType type) = ("", 0, TokenType.Normal);
        while (reader.Read())
        {
            switch (reader.Field)
            {
                case 1:
                    piece = reader.Text();
                    break;
                case 2:
                    score = BitConverter.UInt32BitsToSingle((uint)reader.Number);
                    break;
                case 3:
                    type = (TokenType)(int)Math.Min(reader.Number, int.MaxValue); // the numbers are GGUF's
                    break;
            }
        }

        Add(piece, score, type);
    }

    private void Add(string piece, float score, TokenType type)
    {
        _pieces.Add(piece);
        _scores.Add(score);
        _types.Add(type);
    }

    private void ReadTraining(ProtobufReader reader)
    {
        while (reader.Read())
        {
            switch (reader.Field)
            {
                case 3:
                    _modelType = (int)Math.Min(reader.Number, int.MaxValue);
                    break;
                case 24:
                    _suffixes = IsFlag(reader);
                    break;
                case 35:
                    _byteFallback = IsFlag(reader);
                    break;
                case 40:
                    _unknown = (int)reader.Number;
                    break;
                case 41:
                    _begin = (int)reader.Number;
                    break;
                case 42:
                    _end = (int)reader.Number;
                    break;
            }
        }
    }

    private void ReadNormalizer(ProtobufReader reader)
    {
        while (reader.Read())
        {
            switch (reader.Field)
            {
                case 1:
                    _normalizer = reader.Text();
                    break;
                case 2:
                    _hasCharacterMap = !reader.Bytes.IsEmpty;
                    break;
                case 3:
                    _addSpacePrefix = IsFlag(reader);
                    break;
                case 4:
                    _removeExtraSpaces = IsFlag(reader);
                    break;
            }
        }
    }
}
