using SparseInfer.Sampling;

namespace SparseInfer.Text;

/// <summary>
/// The text of generated tokens until it can be handed out: whole tokens, whole characters, and nothing that may belong to a stop string.
/// </summary>
/// <param name="tokenizer">Which text a token is.</param>
/// <param name="stopStrings">What ends the text.</param>
/// <param name="spelled">Control tokens that are text all the same.</param>
internal sealed class HeldText(Tokenizer tokenizer, IReadOnlyList<string> stopStrings, IReadOnlyDictionary<int, string> spelled)
{
    private const int InsideCharacter = int.MaxValue;

    private readonly TokenStream _stream = tokenizer.CreateStream();
    private readonly StopStringMatcher _matcher = new(stopStrings);

    /// <summary>Where each token's text ends in <see cref="Text"/>.</summary>
    private readonly List<int> _ends = [];

    /// <summary>What is held back; after a stop string came, what is before it and belongs to a token that reaches into it.</summary>
    public string Text { get; private set; } = "";

    /// <summary>Tokens that are held back.</summary>
    public int Tokens => _ends.Count;

    /// <summary>The stop string that came; null: none did.</summary>
    public string? StoppedBy => _matcher.StoppedBy;

    /// <summary>Whether a stop string came.</summary>
    public bool IsStopped => StoppedBy is not null;

    /// <summary>Takes the next token.</summary>
    /// <returns>How many of the tokens can be handed out now, and their text.</returns>
    public (int Tokens, string Text) Append(int token)
    {
        string piece = spelled.TryGetValue(token, out string? spelling) ? _stream.Flush() + spelling : _stream.Append(token);
        int free = Text.Length - _matcher.HeldLength + _matcher.Append(piece).Length;
        Text += piece;
        _ends.Add(_stream.IsInsideCharacter ? InsideCharacter : Text.Length);

        int tokens = _ends.FindLastIndex(end => end <= free) + 1;
        int length = tokens == 0 ? 0 : _ends[tokens - 1];
        string released = Text[..length];
        Text = IsStopped ? Text[length..free] : Text[length..];
        _ends.RemoveRange(0, tokens);
        for (int i = 0; i < _ends.Count; i++)
        {
            _ends[i] = _ends[i] == InsideCharacter ? InsideCharacter : _ends[i] - length;
        }

        return (tokens, released);
    }

    /// <summary>Hands out what is held back, but for a character that is not whole: no stop string comes of it.</summary>
    /// <returns>How many of the tokens are whole, and the text.</returns>
    public (int Tokens, string Text) Release()
    {
        (int tokens, string text) = (_ends.FindLastIndex(end => end != InsideCharacter) + 1, Text);
        Text = "";
        _ends.Clear();
        return (tokens, text);
    }

    /// <summary>Ends the text: no stop string came of what was held back, or one came, and what is before it is the rest.</summary>
    /// <returns>The rest; U+FFFD ends it where the last character has remained incomplete, and no stop string came before that.</returns>
    public string Flush()
    {
        string rest = IsStopped ? Text : Text + _stream.Flush();
        Text = "";
        _ends.Clear();
        return rest;
    }
}
