using System.Buffers;
using System.Text;
using SparseInfer.Files;
using SparseInfer.Loading;
using SparseInfer.Text.ChatTemplates;

namespace SparseInfer.Text;

/// <summary>
/// Turns text into the token ids a model was trained on, and back. A tokenizer is immutable: any number of threads may use one.
/// <see cref="Open(string, ICollection{string})"/> reads a file's. A kind that is not read can be written: derive from this class, and give the
/// tokenizer to <see cref="LoadOptions.Tokenizer"/>.
/// </summary>
public abstract class Tokenizer
{
    /// <summary>Number of tokens; ids run from 0 to one less.</summary>
    public abstract int VocabularySize { get; }

    /// <summary>The token that opens a sequence, or null where the model has none.</summary>
    public abstract int? BeginOfSequence { get; }

    /// <summary>The token that ends a sequence, or null where the model has none.</summary>
    public abstract int? EndOfSequence { get; }

    /// <summary>Reads a tokenizer; no model is loaded.</summary>
    /// <param name="path">
    /// A GGUF file (one with a vocabulary and no tensors will do), a <c>tokenizer.json</c>, a SentencePiece <c>tokenizer.model</c>, or a folder
    /// with one of these. In a folder, a GGUF file goes first, then <c>tokenizer.json</c>.
    /// </param>
    /// <param name="notes">Gets a sentence for everything that is odd about the vocabulary but does no harm; null: nobody asks.</param>
    /// <exception cref="FileNotFoundException">There is neither a file nor a folder of that name.</exception>
    /// <exception cref="ModelFormatException">It is no file of these, or has no tokenizer that can be used; the message says why.</exception>
    /// <exception cref="IOException">The operating system could not read it.</exception>
    public static Tokenizer Open(string path, ICollection<string>? notes = null) => TokenizerReader.Open(path, notes ?? []);

    /// <summary>
    /// Reads the tokenizer of an open model file, which is not needed any more afterwards: its own, or for safetensors the
    /// <c>tokenizer.json</c> or <c>tokenizer.model</c> beside it.
    /// </summary>
    /// <param name="file">The file; still the caller's to dispose.</param>
    /// <param name="notes">Gets a sentence for everything that is odd about the vocabulary but does no harm; null: nobody asks.</param>
    /// <exception cref="ModelFormatException">It has no tokenizer that can be used; the message says why.</exception>
    public static Tokenizer Open(ModelFile file, ICollection<string>? notes = null)
    {
        ArgumentNullException.ThrowIfNull(file);
        return TokenizerReader.Read(file, notes ?? [], out string? reason)
            ?? throw GgufTokenizer.Refuse(file, reason);
    }

    /// <summary>Splits <paramref name="text"/> into tokens.</summary>
    /// <param name="text">Any text; a lone surrogate counts as U+FFFD.</param>
    /// <param name="addBeginOfSequence">
    /// Put <see cref="BeginOfSequence"/> in front, if the model asks for one. A model that was trained without it gets none, as in
    /// llama.cpp.
    /// </param>
    /// <param name="parseControlTokens">
    /// Read the names of control tokens (<c>&lt;|end|&gt;</c>) in the text as those tokens. Only for text that the program itself wrote,
    /// such as a chat template: text from outside could otherwise end its own turn and speak for somebody else.
    /// </param>
    /// <param name="continuesText">The text goes on where other text ended: no space is put before it.</param>
    /// <returns>The token ids; empty for an empty text without a begin of sequence.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="text"/> is null.</exception>
    public abstract int[] Encode(string text, bool addBeginOfSequence, bool parseControlTokens = false, bool continuesText = false);

    /// <summary>The token that whole texts end with, as embeddings are computed of; null: they end as they are.</summary>
    internal virtual int? EndOfWhole => null;

    /// <summary>Splits a text that nothing follows, with the tokens around it that the model was trained with.</summary>
    internal int[] EncodeWhole(string text)
    {
        int[] tokens = Encode(text, addBeginOfSequence: true);
        return EndOfWhole is { } end ? [.. tokens, end] : tokens;
    }

    /// <summary>
    /// Splits a rendered conversation into tokens. The names of control tokens that the template wrote are these tokens; what the conversation
    /// brought is ordinary text, whatever it spells. User-defined tokens are found everywhere, as in <see cref="Encode(string, bool, bool, bool)"/>.
    /// </summary>
    /// <param name="prompt">The conversation.</param>
    /// <param name="continuesText">
    /// It goes on where a sequence ended. Otherwise <see cref="BeginOfSequence"/> is put in front, if the model asks for one and the template
    /// has not written it.
    /// </param>
    /// <returns>The token ids.</returns>
    /// <remarks>
    /// A tokenizer of one's own gets the parts of the text one by one, and joins no characters across the border of a part.
    /// </remarks>
    /// <exception cref="ArgumentNullException"><paramref name="prompt"/> is null.</exception>
    public int[] EncodeChat(ChatPrompt prompt, bool continuesText = false)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        if (prompt.IsAllFromOutside)
        {
            return Encode(prompt.Text, addBeginOfSequence: !continuesText, continuesText: continuesText);
        }

        int[] tokens = EncodeMarked(prompt.Text, prompt.Outside, continuesText);
        int[] begin = continuesText ? [] : Encode("", addBeginOfSequence: true);
        return tokens.AsSpan().StartsWith(begin) ? tokens : [.. begin, .. tokens];
    }

    /// <summary>Splits a text in which control tokens are recognised but in the parts from outside.</summary>
    internal virtual int[] EncodeMarked(string text, IReadOnlyList<OutsideSpan> outside, bool continuesText)
    {
        List<int> tokens = [];
        int start = 0;
        foreach (OutsideSpan span in outside.Append(new OutsideSpan(text.Length, text.Length)))
        {
            Add(start, span.Start, parse: true);
            Add(span.Start, span.End, parse: false);
            start = span.End;
        }

        return [.. tokens];

        void Add(int from, int to, bool parse)
        {
            if (from < to)
            {
                tokens.AddRange(Encode(text[from..to], addBeginOfSequence: false, parse, continuesText || from > 0));
            }
        }
    }

    /// <summary>
    /// The UTF-8 bytes that <paramref name="token"/> adds to a text: possibly a part of a character, nothing for control tokens.
    /// </summary>
    /// <param name="token">A token id.</param>
    /// <returns>The bytes, valid as long as the tokenizer.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="token"/> is not in the vocabulary.</exception>
    public abstract ReadOnlySpan<byte> GetBytes(int token);

    /// <summary>Whether generation ends at <paramref name="token"/>: the end of the sequence, of a turn or of a message.</summary>
    /// <param name="token">A token id.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="token"/> is not in the vocabulary.</exception>
    public abstract bool IsEndOfGeneration(int token);

    /// <summary>The text of a whole sequence. Bytes that are not UTF-8 become U+FFFD.</summary>
    /// <param name="tokens">Token ids from the beginning of a text; control tokens may be among them.</param>
    /// <returns>The text, without the space that <see cref="Encode(string, bool, bool, bool)"/> may have put in front.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A token is not in the vocabulary.</exception>
    public string Decode(ReadOnlySpan<int> tokens)
    {
        var text = new ArrayBufferWriter<byte>(Math.Max(16, 4 * tokens.Length));
        bool startOfText = true;
        foreach (int token in tokens)
        {
            text.Write(GetBytes(token, ref startOfText));
        }

        return Encoding.UTF8.GetString(text.WrittenSpan);
    }

    /// <summary>Starts decoding token by token.</summary>
    /// <param name="startOfText">
    /// False when the tokens go on from a prompt: every space is then real. True when they begin a text, whose first space may only be
    /// the one that
    /// <see cref="Encode(string, bool, bool, bool)"/> puts in front.
    /// </param>
    public TokenStream CreateStream(bool startOfText = false) => new(this, startOfText);

    /// <summary>
    /// Whether <paramref name="token"/>, as the first of a text, begins with a space that <see cref="Encode(string, bool, bool, bool)"/> has put there.
    /// </summary>
    /// <param name="token">A token id.</param>
    protected internal virtual bool BeginsWithPrefixSpace(int token) => false;

    /// <summary>As <see cref="GetBytes(int)"/>, less the prefix space when <paramref name="startOfText"/> is still true.</summary>
    internal ReadOnlySpan<byte> GetBytes(int token, ref bool startOfText)
    {
        ReadOnlySpan<byte> bytes = GetBytes(token);
        if (!startOfText || bytes.IsEmpty)
        {
            return bytes;
        }

        startOfText = false;
        return BeginsWithPrefixSpace(token) ? bytes[1..] : bytes;
    }
}
