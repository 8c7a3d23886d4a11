using SparseInfer.SoftwareCuda.Counting;

namespace SparseInfer.SoftwareCuda.Execution;

/// <summary>What the main loop does with an instruction.</summary>
internal enum InstructionKind : byte
{
    /// <summary>Arithmetic lane by lane: <see cref="Instruction.Handler"/>.</summary>
    Lanes,
    Load,
    Store,
    Atomic,
    LoadParameter,
    Branch,
    BranchIndexed,
    Exit,
    Barrier,
    BarrierReduce,

    /// <summary>What lanes of a warp do together: a handler, once all of its member mask are there.</summary>
    Collective,
    Nothing,
    Trap,
    ActiveMask,
    Clock,
}

internal enum StateSpace : byte
{
    Generic,
    Global,
    Shared,
    Local,
}

/// <summary>
/// A decoded instruction, in native memory. Operands are byte offsets into a warp's registers: destinations first, then sources.
/// </summary>
internal unsafe struct Instruction
{
    public const int MaxOperands = 20;

    public delegate*<byte*, Instruction*, uint, void> Handler;
    public long Offset;
    public int Target;

    /// <summary>Where it stands in <see cref="Ptx.ExecutionOrder"/>.</summary>
    public int Rank;
    public int Line;
    public int Predicate;
    public int MemberMask;
    public int Aux;
    public fixed int O[MaxOperands];
    public InstructionKind Kind;
    public InstructionClass Class;
    public StateSpace Space;
    public byte Width;
    public byte Count;
    public bool PredicateNegated;
    public bool Address32;
    public bool SignExtend;

    /// <summary>Whether a collective reads other lanes' registers, each lane those of one.</summary>
    public bool ReadsLanes;

    /// <summary>Whether registers of it may be unwritten, or have to be noted as written.</summary>
    public bool Watched;
}
