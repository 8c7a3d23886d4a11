using System.Buffers;

namespace SparseInfer.Text;

/// <summary>
/// Cuts a text into the pieces that merging never crosses. Each pass cuts every piece of the one before it: from left to right, the first
/// of its rules that matches makes a piece, and so does what lies between two matches. Takes linear time.
/// </summary>
/// <param name="passes">The rules of each pass.</param>
internal sealed class PreTokenizer(params Rule[][] passes)
{
    /// <summary>Leaves the text as it is.</summary>
    public static PreTokenizer None { get; } = new();

    /// <summary>Where each piece ends, in order.</summary>
    /// <param name="text">Valid UTF-16.</param>
    public List<int> Split(ReadOnlySpan<char> text) => Split(text, text.IsEmpty ? [] : [text.Length]);

    /// <summary>As <see cref="Split(ReadOnlySpan{char})"/>, for a text that is cut into pieces already.</summary>
    /// <param name="text">Valid UTF-16.</param>
    /// <param name="ends">Where the pieces end.</param>
    public List<int> Split(ReadOnlySpan<char> text, List<int> ends)
    {
        if (passes.Length == 0 || text.IsEmpty)
        {
            return ends;
        }

        CharacterClass[] rented = ArrayPool<CharacterClass>.Shared.Rent(text.Length);
        try
        {
            Span<CharacterClass> classes = rented.AsSpan(0, text.Length);
            CharacterClasses.Fill(text, classes);
            foreach (Rule[] rules in passes)
            {
                var cut = new List<int>(ends.Count + text.Length / 4);
                int start = 0;
                foreach (int end in ends)
                {
                    Cut(rules, new Stretch { Text = text, Classes = classes, End = end }, start, cut);
                    start = end;
                }

                ends = cut;
            }

            return ends;
        }
        finally
        {
            ArrayPool<CharacterClass>.Shared.Return(rented);
        }
    }

    private static void Cut(Rule[] rules, Stretch stretch, int start, List<int> ends)
    {
        int open = start;
        int at = start;
        while (at < stretch.End)
        {
            int end = at;
            for (int i = 0; i < rules.Length && end == at; i++)
            {
                end = rules[i].Match(ref stretch, at);
            }

            if (end == at)
            {
                at += stretch.Width(at);
                continue;
            }

            if (open < at)
            {
                ends.Add(at);
            }

            ends.Add(end);
            open = at = end;
        }

        if (open < stretch.End)
        {
            ends.Add(stretch.End);
        }
    }
}
