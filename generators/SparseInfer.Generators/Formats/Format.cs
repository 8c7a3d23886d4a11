namespace SparseInfer.Generators.Formats;

/// <summary>
/// What the compiler knows of a weight type. A type is a class, in a file of its own; nothing outside this folder asks which one it has.
/// docs/adding-a-weight-type.md says what else a type takes.
/// </summary>
internal abstract class Format
{
    /// <summary>All of them, in the vocabulary's order.</summary>
    public static IReadOnlyList<Format> All { get; } =
    [
        new F32(),
        new F16(),
        new BF16(),
        new Q8_0(),
        new Q4_0(),
        new Q5_0(),
        new Q5_1(),
        new Q4_K(),
        new Q5_K(),
        new Q6_K(),
    ];

    /// <summary>The word for it.</summary>
    public abstract WeightType Type { get; }

    /// <summary>Columns of a row that share a scale in a file; 1: there is none.</summary>
    public virtual int BlockColumns => 1;

    /// <summary>Bytes of a block in a file.</summary>
    public abstract int BlockBytes { get; }

    /// <summary>What measurements on CPUs chose; so far the same for all types.</summary>
    public virtual KernelTuning Tuning => new(GroupsAhead: 1, BlockNeurons: 8192, PromptBatch: 128);

    /// <summary>Columns that 16 bytes hold on a GPU, where scales lie apart.</summary>
    public abstract int ColumnsPerLoad { get; }

    /// <summary>Bytes that a GPU has at the end of a row, for each of those columns: bits that their 16 bytes have no place for.</summary>
    public virtual int HighBytes => 0;

    /// <summary>Halves of <see cref="BlockColumns"/> columns on a GPU, two bytes of integers counted as one.</summary>
    public virtual int ScaleHalves => 1;

    /// <summary>Instructions of a warp on a GPU for each of its loads of 16 bytes a lane, in dot products: docs/gpu-instructions.md.</summary>
    public abstract double InstructionsPerLoad { get; }

    /// <summary>What kernels take of a GPU's registers.</summary>
    public abstract KernelRegisters Registers { get; }

    /// <summary>Whether tensor cores multiply it as it is.</summary>
    public virtual bool IsTensorCoreOperand => false;

    /// <summary>How kernels for GPUs compute with blocks; null: the type has none.</summary>
    public virtual BlockArithmetic? Blocks => null;

    /// <summary>Whether weights are integers in blocks that share a scale.</summary>
    public bool IsBlock => BlockColumns > 1;

    public static Format Of(WeightType type) => All[(int)type];

    /// <summary>Whether weights of the type are integers in blocks that share a scale.</summary>
    public static bool HasBlocks(WeightType type) => Of(type).IsBlock;

    /// <summary>Bytes of so many columns of a row on a CPU; whole blocks.</summary>
    public long Bytes(long columns) => columns / BlockColumns * BlockBytes;
}
