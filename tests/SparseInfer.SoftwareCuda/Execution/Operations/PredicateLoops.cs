namespace SparseInfer.SoftwareCuda.Execution.Operations;

/// <summary>Logic of predicates: a word has all lanes'.</summary>
internal static unsafe class PredicateLoops
{
    public static void And(byte* r, Instruction* i, uint mask) => Set(r, i, mask, *(uint*)(r + i->O[1]) & *(uint*)(r + i->O[2]));

    public static void Or(byte* r, Instruction* i, uint mask) => Set(r, i, mask, *(uint*)(r + i->O[1]) | *(uint*)(r + i->O[2]));

    public static void Xor(byte* r, Instruction* i, uint mask) => Set(r, i, mask, *(uint*)(r + i->O[1]) ^ *(uint*)(r + i->O[2]));

    public static void Not(byte* r, Instruction* i, uint mask) => Set(r, i, mask, ~*(uint*)(r + i->O[1]));

    public static void Move(byte* r, Instruction* i, uint mask) => Set(r, i, mask, *(uint*)(r + i->O[1]));

    private static void Set(byte* r, Instruction* i, uint mask, uint value)
    {
        uint* d = (uint*)(r + i->O[0]);
        *d = (*d & ~mask) | (value & mask);
    }
}
