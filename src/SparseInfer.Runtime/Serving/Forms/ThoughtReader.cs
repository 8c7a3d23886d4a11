namespace SparseInfer.Serving;

/// <summary>Takes the thoughts before an answer of a given form apart from it. The grammar sees to it that they end.</summary>
/// <param name="answer">Reads the answer.</param>
/// <param name="thinking">Whether there are thoughts.</param>
internal sealed class ThoughtReader(AnswerReader answer, Thinking thinking) : AnswerReader
{
    public const string Begin = "<think>";
    public const string End = "</think>";

    private string _held = "";
    private Place _place = thinking == Thinking.Does ? Place.Thoughts : Place.Unknown;

    private enum Place
    {
        Unknown,
        Thoughts,
        Behind,
        Answer,
    }

    public override void Append(string text, List<AnswerPart> parts)
    {
        if (_place == Place.Answer)
        {
            answer.Append(text, parts);
            return;
        }

        _held += text;
        if (_place == Place.Unknown && !Begin.StartsWith(_held, StringComparison.Ordinal))
        {
            bool thinks = _held.StartsWith(Begin, StringComparison.Ordinal);
            _place = thinks ? Place.Thoughts : Place.Answer;
            _held = thinks ? _held[Begin.Length..] : _held;
        }

        if (_place == Place.Thoughts)
        {
            int at = _held.IndexOf(End, StringComparison.Ordinal);
            int free = at >= 0 ? _held.AsSpan(0, at).TrimEnd().Length : TagReader.Free(_held, End);
            Think(_held[..free], parts);
            _held = at >= 0 ? _held[(at + End.Length)..] : _held[free..];
            _place = at >= 0 ? Place.Behind : Place.Thoughts;
        }

        if (_place == Place.Behind)
        {
            // Lines between thoughts and answer belong to neither.
            _held = _held.TrimStart();
            _place = _held.Length > 0 ? Place.Answer : Place.Behind;
        }

        if (_place == Place.Answer)
        {
            answer.Append(_held, parts);
            _held = "";
        }
    }

    public override void Flush(List<AnswerPart> parts)
    {
        if (_place == Place.Thoughts)
        {
            Think(_held, parts);
        }
        else if (_held.Length > 0)
        {
            answer.Append(_held, parts);
        }

        _held = "";
        answer.Flush(parts);
    }

    private static void Think(string text, List<AnswerPart> parts)
    {
        if (text.Length > 0)
        {
            parts.Add(AnswerPart.OfReasoning(text));
        }
    }
}
