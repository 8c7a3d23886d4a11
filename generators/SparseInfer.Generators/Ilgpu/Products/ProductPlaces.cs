using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>
/// Where lanes that load parts of rows put them in a tile that stands column by column: a row's lanes have columns each, whose places are
/// turned so that a warp's 32 stores go to 32 banks.
/// </summary>
/// <param name="lanes">Lanes of a row; they divide the step's columns.</param>
/// <param name="rows">Rows of the tile.</param>
/// <param name="name">What variables begin with; <c>namePart</c> and <c>namePlace</c> are declared.</param>
internal sealed class ProductPlaces(CodeWriter code, ProductTile tile, int lanes, int rows, string name)
{
    /// <summary>Rows between two loads of a thread.</summary>
    public int Apart => tile.Threads / lanes;

    /// <summary>Loads of a thread.</summary>
    public int Count => rows / Apart;

    /// <summary>How far a lane's columns are turned for each lane before it.</summary>
    private int Turn => RowPlan.Lanes / lanes;

    /// <summary>Places that differ by more than a constant: turning changes bits below 32.</summary>
    private int Bases => Math.Min(Count, Math.Max(1, RowPlan.Lanes / Apart));

    /// <summary>The view and the offset in it where a thread's load begins.</summary>
    public (string View, int Offset) this[int load] => ($"{name}To{load % Bases}", load / Bases * Bases * Apart);

    /// <summary>What a reader's quad is turned by, for columns from <c>depth</c> on.</summary>
    public static string Turned(int lanes, string quad) => $"({quad} ^ (depth / {ProductTile.Depth / lanes} * {RowPlan.Lanes / lanes / 4}))";

    public void Emit()
    {
        for (int n = 0; n < Bases; n++)
        {
            string row = n == 0 ? $"{name}Place" : $"({name}Place + {n * Apart})";
            code.Line($"int {name}Base{n} = ({name}Part * {ProductTile.Depth / lanes * rows}) + ({row} ^ ({name}Part * {Turn}));");
        }
    }

    public void EmitViews()
    {
        for (int n = 0; n < Bases; n++)
        {
            code.Line($"ArrayView<float> {name}To{n} = {name}Places.SubView((half * {ProductTile.Depth * rows}) + {name}Base{n});");
        }
    }
}
