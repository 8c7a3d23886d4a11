namespace SparseInfer.Serving;

/// <summary>
/// Calls between tags (<see cref="ToolCallFormat.Tags"/>). White space before a call goes with it, and so does that after the last one. A call whose end tag is missing
/// at the end of the answer counts where it is whole.
/// </summary>
internal sealed class TagReader : AnswerReader
{
    public const string Begin = "<tool_call>";
    public const string End = "</tool_call>";

    private string _held = "";
    private bool _isInside;
    private bool _hasCalled;

    public override void Append(string text, List<AnswerPart> parts)
    {
        _held += text;
        while (true)
        {
            int at = _isInside ? EndOfCall(_held) : _held.IndexOf(Begin, StringComparison.Ordinal);
            if (at < 0)
            {
                break;
            }

            if (_isInside)
            {
                TakeCall(_held[Begin.Length..at], _held[..(at + End.Length)], parts);
                _held = _held[(at + End.Length)..];
            }
            else
            {
                AddText(_held[..at].TrimEnd(), parts);
                _held = _held[at..];
            }

            _isInside = !_isInside;
        }

        if (!_isInside)
        {
            int free = Free(_held, Begin);
            AddText(_held[..free], parts);
            _held = _held[free..];
        }
    }

    public override void Flush(List<AnswerPart> parts)
    {
        // A string that was not closed would hide the tags behind it.
        while (_isInside && _held.IndexOf(End, StringComparison.Ordinal) is var at && at >= 0)
        {
            TakeCall(_held[Begin.Length..at], _held[..(at + End.Length)], parts);
            _held = _held[(at + End.Length)..];
            _isInside = false;
            Append("", parts);
        }

        if (_isInside)
        {
            TakeCall(_held[Begin.Length..], _held, parts);
        }
        else if (!_hasCalled || !string.IsNullOrWhiteSpace(_held))
        {
            AddText(_held, parts);
        }

        _held = "";
    }

    /// <summary>How many characters come before the white space and the tag that the text may end with.</summary>
    internal static int Free(string text, string tag)
    {
        int end = text.Length;
        for (int length = Math.Min(tag.Length - 1, text.Length); length > 0; length--)
        {
            if (text.AsSpan().EndsWith(tag.AsSpan(0, length), StringComparison.Ordinal))
            {
                end -= length;
                break;
            }
        }

        return text.AsSpan(0, end).TrimEnd().Length;
    }

    /// <summary>Where the end tag is that no string of the call's arguments has in it; -1: nowhere yet.</summary>
    private static int EndOfCall(string held)
    {
        bool isString = false;
        for (int i = Begin.Length; i < held.Length; i++)
        {
            if (isString && held[i] == '\\')
            {
                i++;
            }
            else if (held[i] == '"')
            {
                isString = !isString;
            }
            else if (!isString && held[i] == '<' && held.AsSpan(i).StartsWith(End, StringComparison.Ordinal))
            {
                return i;
            }
        }

        return -1;
    }

    private void TakeCall(string json, string whole, List<AnswerPart> parts)
    {
        if (CallJson.TryRead(json, out ChatToolCall? call))
        {
            parts.Add(AnswerPart.Of(call));
            _hasCalled = true;
        }
        else
        {
            AddText(whole, parts);
        }
    }
}
