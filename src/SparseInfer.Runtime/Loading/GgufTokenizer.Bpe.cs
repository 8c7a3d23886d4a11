using SparseInfer.Files;
using SparseInfer.Text;

namespace SparseInfer.Loading;

/// <content>Byte-level BPE, <c>tokenizer.ggml.model = gpt2</c>.</content>
internal sealed partial class GgufTokenizer
{
    private const string MergesKey = "tokenizer.ggml.merges";
    private const string PreTokenizerKey = "tokenizer.ggml.pre";

    /// <summary>What llama.cpp takes for both where the file does not say, from the days of Falcon.</summary>
    private const int UsualSpecialToken = 11;

    private BpeTokenizer BuildBpe(int[] endOfGeneration)
    {
        KnownPreTokenizer known = ReadPreTokenizer();
        int? begin = ReadToken(BeginKey, UsualSpecialToken);
        int? end = ReadToken(EndKey, UsualSpecialToken);
        MarkControl();
        var vocabulary = new BpeVocabulary(_pieces, _types, ReadMerges(), new BpeOptions
        {
            BeginOfSequence = begin,
            EndOfSequence = end,
            AddBeginOfSequence = ReadAddBegin(known.AddBeginOfSequence, begin),
            EndOfWhole = EndsWhole ? end : null,
            EndOfGeneration = endOfGeneration,
            IgnoreMerges = known.IgnoreMerges,
        });
        NoteTexts(vocabulary.Repeated, vocabulary.RepeatedCount);
        if (vocabulary.MissingBytes > 0)
        {
            _notes.Add($"{vocabulary.MissingBytes} of the 256 bytes have no token: what only they can spell is left out of a text.");
        }

        return new BpeTokenizer(vocabulary, known.PreTokenizer);
    }

    private KnownPreTokenizer ReadPreTokenizer()
    {
        if (!_metadata.TryGetString(PreTokenizerKey, out string? name))
        {
            if (_metadata.Describe(PreTokenizerKey) is not null)
            {
                throw new InvalidDataException($"'{PreTokenizerKey}' {WhatIsWrong(PreTokenizerKey, "a string")}");
            }

            _notes.Add($"'{PreTokenizerKey}' is missing: words are cut by llama.cpp's default, which may not be what the model was trained with.");
            name = PreTokenizers.Default;
        }

        return PreTokenizers.Find(name) ?? throw new InvalidDataException(
            $"'{PreTokenizerKey}' is {FileText.Quote(name)}, a pre-tokenizer that is not supported; supported are "
            + $"{string.Join(", ", PreTokenizers.Names)}, and others that cut words as one of these does");
    }

    private BpeMerge[] ReadMerges()
    {
        if (!_metadata.TryGetStringArray(MergesKey, out string[]? merges))
        {
            throw new InvalidDataException($"'{MergesKey}' {WhatIsWrong(MergesKey, "an array of texts")}");
        }

        var read = new BpeMerge[merges.Length];
        for (int i = 0; i < merges.Length; i++)
        {
            read[i] = BpeMerge.TryParse(merges[i], out BpeMerge merge)
                ? merge
                : throw new InvalidDataException($"'{MergesKey}': entry {i}, {FileText.Quote(merges[i])}, is not two texts with a space between");
        }

        return read;
    }
}
