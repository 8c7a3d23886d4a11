namespace SparseInfer.Serving;

/// <summary>
/// Calls after a mark, to the end of the answer (<see cref="ToolCallFormat.Mistral"/>): a JSON array, or, of later models, a name, <c>[ARGS]</c> and an object for each mark. White
/// space before the mark goes with it.
/// </summary>
internal sealed class MistralReader : AnswerReader
{
    public const string Mark = "[TOOL_CALLS]";
    public const string ArgumentsMark = "[ARGS]";
    public const string IdMark = "[CALL_ID]";

    private string _held = "";
    private bool _isInside;

    public override void Append(string text, List<AnswerPart> parts)
    {
        _held += text;
        if (_isInside)
        {
            return;
        }

        int at = _held.IndexOf(Mark, StringComparison.Ordinal);
        _isInside = at >= 0;
        int free = _isInside ? _held.AsSpan(0, at).TrimEnd().Length : TagReader.Free(_held, Mark);
        AddText(_held[..free], parts);
        _held = _held[free..];
    }

    public override void Flush(List<AnswerPart> parts)
    {
        IReadOnlyList<ChatToolCall> calls = _isInside ? Read(_held.Trim()) : [];
        if (calls.Count == 0)
        {
            AddText(_held, parts);
        }

        parts.AddRange(calls.Select(AnswerPart.Of));
        _held = "";
    }

    private static IReadOnlyList<ChatToolCall> Read(string text)
    {
        string first = text[Mark.Length..].Trim();
        if (first.StartsWith('['))
        {
            return CallJson.ReadArray(first);
        }

        var calls = new List<ChatToolCall>();
        foreach (string each in first.Split(Mark))
        {
            int at = each.IndexOf(ArgumentsMark, StringComparison.Ordinal);
            string arguments = at < 0 ? "" : each[(at + ArgumentsMark.Length)..].Trim();
            if (!CallJson.IsObject(arguments))
            {
                return [];
            }

            string name = each[..at].Split(IdMark)[0].Trim();
            calls.Add(new ChatToolCall(name, arguments));
        }

        return calls;
    }
}
