namespace SparseInfer.Generators.Ilgpu;

/// <summary>How a group of attention goes through the key-value cache: 16 bytes a lane, and as few lanes for a position as take its head.</summary>
/// <param name="Type">What numbers are stored in: <see cref="WeightType.F16"/> or <see cref="WeightType.F32"/>.</param>
/// <param name="HeadDimension">Elements of a head.</param>
internal sealed record CachePlan(WeightType Type, int HeadDimension)
{
    /// <summary>The types that a session may ask for, the usual one first.</summary>
    public static readonly IReadOnlyList<WeightType> Types = [WeightType.F16, WeightType.F32];

    /// <summary>Whole loads of either type.</summary>
    public static int Pad(int headDimension) => (headDimension + 7) / 8 * 8;

    private RowPlan Row => new(Type, Pad(HeadDimension));

    /// <summary>Loads of a head of one position.</summary>
    public int Words => Row.Words;

    /// <summary>Queries and sums, in fours, that meet one load.</summary>
    public int Quads => Row.Quads;

    /// <summary>Lanes that share a position; a power of two.</summary>
    public int Lanes
    {
        get
        {
            int lanes = 1;
            while (lanes < Words && lanes < RowPlan.Lanes)
            {
                lanes *= 2;
            }

            return lanes;
        }
    }

    /// <summary>Loads that a lane makes for a position.</summary>
    public int Steps => (Words + Lanes - 1) / Lanes;

    /// <summary>Positions that a group takes side by side.</summary>
    public int Positions => IlgpuDecoderPlan.AttentionThreads / Lanes;

    /// <summary>Positions of a lane whose loads are under way together; few where queries and sums fill the registers.</summary>
    public int AtOnce => Steps > 2 ? 1 : Math.Min(4, IlgpuDecoderPlan.SplitPositions / Positions);

    /// <summary>Whether every lane makes the load of a step.</summary>
    public bool IsWhole(int step) => (step + 1) * Lanes <= Words;
}
