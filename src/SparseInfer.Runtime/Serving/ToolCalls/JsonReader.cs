namespace SparseInfer.Serving;

/// <summary>An answer that is calls and nothing else (<see cref="ToolCallFormat.Json"/>). One that begins with a brace is held back until its end, since only that tells.</summary>
internal sealed class JsonReader : AnswerReader
{
    /// <summary>Some models put this token before a call.</summary>
    public const string Mark = "<|python_tag|>";

    private string _held = "";
    private bool _isText;

    public override void Append(string text, List<AnswerPart> parts)
    {
        if (_isText)
        {
            AddText(text, parts);
            return;
        }

        _held += text;
        ReadOnlySpan<char> begin = _held.AsSpan().TrimStart();
        bool mayBeCall = begin.Length == 0 || begin[0] == '{'
            || (begin.Length < Mark.Length ? Mark.AsSpan().StartsWith(begin, StringComparison.Ordinal) : begin.StartsWith(Mark, StringComparison.Ordinal));
        if (!mayBeCall)
        {
            _isText = true;
            AddText(_held, parts);
            _held = "";
        }
    }

    public override void Flush(List<AnswerPart> parts)
    {
        string json = _held.Trim();
        IReadOnlyList<ChatToolCall> calls = CallJson.ReadSequence(json.StartsWith(Mark, StringComparison.Ordinal) ? json[Mark.Length..] : json);
        if (calls.Count == 0)
        {
            AddText(_held, parts);
        }

        parts.AddRange(calls.Select(AnswerPart.Of));
        _held = "";
    }
}
