namespace SparseInfer.Kernels.Cpu;

/// <summary>How a block type's rows, and the inputs that they meet, become what <see cref="IntegerTile"/> multiplies, and what its sums become.</summary>
internal unsafe interface ITileFormat
{
    /// <summary>Columns of a block of the tile: a block of the type.</summary>
    static abstract int Columns { get; }

    /// <summary>Bytes of a block of a token's input.</summary>
    static abstract int InputBytes { get; }

    /// <summary>Sums of an output that are added at the end: those of even blocks and of odd ones, or one.</summary>
    static abstract int Chains { get; }

    /// <summary>Brings a block of a prepared input to its places.</summary>
    /// <param name="prepared">The input, as <see cref="IWeightArithmetic.PrepareInput"/> left it.</param>
    /// <param name="block">Which of its blocks.</param>
    /// <param name="packed">The block of all tokens, <see cref="InputBytes"/> for each.</param>
    /// <param name="token">Which token.</param>
    /// <param name="tokens">How many there are.</param>
    static abstract void PackInput(byte* prepared, int block, byte* packed, int token, int tokens);

    /// <summary>Adds a block of 16 rows to the sums.</summary>
    /// <param name="rows">The rows' first bytes.</param>
    /// <param name="block">Which of their blocks.</param>
    /// <param name="packed">The same block of all tokens.</param>
    /// <param name="tokens">Number of tokens.</param>
    /// <param name="scratch">Room for panel and sums of integers.</param>
    /// <param name="sums">16 sums of each token: of this block's chain.</param>
    static abstract void AddBlock(byte** rows, int block, byte* packed, int tokens, in TileScratch scratch, float* sums);
}

/// <summary>A thread's room for one block of 16 outputs.</summary>
internal readonly unsafe ref struct TileScratch(byte* memory)
{
    /// <summary>Bytes of a panel of 32 columns, as bytes or as 16-bit integers, whichever is more.</summary>
    private const int PanelBytes = 2 * IntegerTile.ByteSteps * IntegerTile.StepBytes;

    /// <summary>Integer scales of 8 parts, a pair of 16 bits an output, for both halves; then minima, the same.</summary>
    private const int ScalesBytes = 2 * 8 * IntegerTile.StepBytes;

    /// <summary>Bytes for so many tokens.</summary>
    public static int Bytes(int tokens) => PanelBytes + (2 * ScalesBytes) + (2 * IntegerTile.StepBytes) + (tokens * IntegerTile.StepBytes);

    /// <summary>Weights.</summary>
    public byte* Panel { get; } = memory;

    /// <summary>Integer scales.</summary>
    public byte* Scales { get; } = memory + PanelBytes;

    /// <summary>Pairs of integers that meet sums of inputs.</summary>
    public byte* Pairs { get; } = memory + PanelBytes + ScalesBytes;

    /// <summary>16 scales in F32, then 16 of minima.</summary>
    public float* Halves { get; } = (float*)(memory + PanelBytes + (2 * ScalesBytes));

    /// <summary>16 sums of each token.</summary>
    public int* Totals { get; } = (int*)(memory + PanelBytes + (2 * ScalesBytes) + (2 * IntegerTile.StepBytes));
}
