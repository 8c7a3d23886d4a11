namespace SparseInfer.Sampling;

/// <summary>
/// Passes generated text through until a stop string occurs in it, wherever the pieces are cut. It holds back only what may turn out to
/// be the beginning of a stop string. Not safe for use by several threads at once.
/// </summary>
/// <remarks>
/// The stop string that is complete first ends the text; of several complete at the same character, the longest. The result therefore does
/// not depend on how the text is cut into pieces. Each string is followed by the automaton of Knuth, Morris and Pratt, so the time
/// per stop string is linear in the text, whatever the text.
/// </remarks>
public sealed class StopStringMatcher
{
    private readonly string[] _stopStrings;
    private readonly int[][] _fallbacks;
    private readonly int[] _matched;
    private string _held = "";

    /// <summary>Makes a matcher for one text.</summary>
    /// <param name="stopStrings">The strings to stop at; with none, everything passes.</param>
    /// <exception cref="ArgumentNullException"><paramref name="stopStrings"/> is null.</exception>
    /// <exception cref="ArgumentException">A stop string is null or empty.</exception>
    public StopStringMatcher(IReadOnlyList<string> stopStrings)
    {
        ArgumentNullException.ThrowIfNull(stopStrings);
        if (stopStrings.Any(string.IsNullOrEmpty))
        {
            throw new ArgumentException("A stop string is null or empty.", nameof(stopStrings));
        }

        _stopStrings = [.. stopStrings];
        _fallbacks = [.. _stopStrings.Select(BuildFallbacks)];
        _matched = new int[_stopStrings.Length];
    }

    /// <summary>The stop string that ended the text, or null as long as none has.</summary>
    public string? StoppedBy { get; private set; }

    /// <summary>How many characters are held back.</summary>
    internal int HeldLength => _held.Length;

    /// <summary>Takes the next piece of text.</summary>
    /// <param name="piece">Any number of characters.</param>
    /// <returns>
    /// The text now known not to belong to a stop string. When <see cref="StoppedBy"/> is set, this was the last: the text just before
    /// the stop string. From then on nothing comes out.
    /// </returns>
    /// <exception cref="ArgumentNullException"><paramref name="piece"/> is null.</exception>
    public string Append(string piece)
    {
        ArgumentNullException.ThrowIfNull(piece);
        if (StoppedBy is not null)
        {
            return "";
        }

        for (int i = 0; i < piece.Length; i++)
        {
            if (Advance(piece[i]) is { } stopString)
            {
                StoppedBy = stopString;
                return Release(piece, _held.Length + i + 1 - stopString.Length, keepRest: false);
            }
        }

        int longest = 0;
        foreach (int matched in _matched)
        {
            longest = Math.Max(longest, matched);
        }

        return Release(piece, _held.Length + piece.Length - longest, keepRest: true);
    }

    /// <summary>Ends the text.</summary>
    /// <returns>What was still held back, as no stop string came of it.</returns>
    public string Flush()
    {
        string rest = _held;
        _held = "";
        Array.Clear(_matched);
        return rest;
    }

    /// <summary>For each number of matched characters, how many remain matched when the next one differs.</summary>
    private static int[] BuildFallbacks(string stopString)
    {
        int[] fallbacks = new int[stopString.Length];
        for (int i = 1, matched = 0; i < stopString.Length; i++)
        {
            fallbacks[i] = matched;
            while (matched > 0 && stopString[i] != stopString[matched])
            {
                matched = fallbacks[matched];
            }

            if (stopString[i] == stopString[matched])
            {
                matched++;
            }
        }

        return fallbacks;
    }

    /// <summary>Moves every automaton by one character; the longest string thereby completed, or null.</summary>
    private string? Advance(char next)
    {
        string? completed = null;
        for (int i = 0; i < _stopStrings.Length; i++)
        {
            string stopString = _stopStrings[i];
            int matched = _matched[i];
            while (matched > 0 && stopString[matched] != next)
            {
                matched = _fallbacks[i][matched];
            }

            if (stopString[matched] == next)
            {
                matched++;
            }

            _matched[i] = matched;
            if (matched == stopString.Length && matched > (completed?.Length ?? 0))
            {
                completed = stopString;
            }
        }

        return completed;
    }

    /// <summary>
    /// The first characters of what is held back and <paramref name="piece"/> together; the rest is held back, or dropped.
    /// </summary>
    private string Release(string piece, int count, bool keepRest)
    {
        if (_held.Length == 0 && count == piece.Length)
        {
            return piece;
        }

        string text = _held + piece;
        _held = keepRest ? text[count..] : "";
        return text[..count];
    }
}
