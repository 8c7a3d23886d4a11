namespace SparseInfer.Text;

/// <summary>Sides of a token in a text.</summary>
[Flags]
internal enum TokenSides
{
    None = 0,
    Left = 1,
    Right = 2,
}
