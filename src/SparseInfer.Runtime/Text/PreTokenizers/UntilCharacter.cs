namespace SparseInfer.Text;

/// <summary>Up to the next place with a certain character, which begins what comes next.</summary>
internal sealed class UntilCharacter(char character) : Rule
{
    public override int Match(ref Stretch stretch, int start)
    {
        int next = stretch.Text[(start + 1)..stretch.End].IndexOf(character);
        return next < 0 ? stretch.End : start + 1 + next;
    }
}
