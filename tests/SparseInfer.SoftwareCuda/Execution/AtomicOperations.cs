using SparseInfer.SoftwareCuda.Execution.Operations;

namespace SparseInfer.SoftwareCuda.Execution;

internal enum AtomicOperation
{
    Add,
    And,
    Or,
    Xor,
    Min,
    Max,
    Exchange,
    CompareExchange,
    Increment,
    Decrement,
}

/// <summary>Atomic operations on what memory holds.</summary>
internal static class AtomicOperations
{
    /// <summary>The operation and the type as one number; -1: PTX has none such.</summary>
    public static int Find(string operation, string type)
    {
        int op = Array.IndexOf(["add", "and", "or", "xor", "min", "max", "exch", "cas", "inc", "dec"], operation);
        int kind = Array.IndexOf(["u32", "s32", "b32", "f32", "u64", "s64", "b64", "f64", "f16", "bf16", "f16x2", "bf16x2", "b16"], type);
        bool real = kind is 3 or 7 or >= 8 and <= 11;
        return op < 0 || kind < 0 || (real && op != 0) || (kind == 12 && op != 7) ? -1 : (op << 4) | kind;
    }

    /// <summary>What memory holds afterwards.</summary>
    public static ulong Apply(int code, ulong old, ulong operand, ulong other)
    {
        var operation = (AtomicOperation)(code >> 4);
        switch (code & 15)
        {
            case 3:
                return BitConverter.SingleToUInt32Bits(Canonical.Of(BitConverter.UInt32BitsToSingle((uint)old) + BitConverter.UInt32BitsToSingle((uint)operand)));
            case 7:
                return BitConverter.DoubleToUInt64Bits(BitConverter.UInt64BitsToDouble(old) + BitConverter.UInt64BitsToDouble(operand));
            case 8:
                return AddNarrow<F16>.Of((uint)old, (uint)operand);
            case 9:
                return AddNarrow<BF16>.Of((uint)old, (uint)operand);
            case 10:
                return Pair2<AddNarrow<F16>>.Of((uint)old, (uint)operand);
            case 11:
                return Pair2<AddNarrow<BF16>>.Of((uint)old, (uint)operand);
            case 1:
                return (uint)Signed(operation, (int)old, (int)operand, (uint)old, (uint)operand, (uint)other);
            case 5:
                return Signed(operation, (long)old, (long)operand, old, operand, other);
            case 0 or 2:
                return (uint)Unsigned(operation, (uint)old, (uint)operand, (uint)other);
            default:
                return Unsigned(operation, old, operand, other);
        }
    }

    private static ulong Signed(AtomicOperation operation, long old, long operand, ulong oldBits, ulong operandBits, ulong other) => operation switch
    {
        AtomicOperation.Min => (ulong)Math.Min(old, operand),
        AtomicOperation.Max => (ulong)Math.Max(old, operand),
        _ => Unsigned(operation, oldBits, operandBits, other),
    };

    private static ulong Unsigned(AtomicOperation operation, ulong old, ulong operand, ulong other) => operation switch
    {
        AtomicOperation.Add => old + operand,
        AtomicOperation.And => old & operand,
        AtomicOperation.Or => old | operand,
        AtomicOperation.Xor => old ^ operand,
        AtomicOperation.Min => Math.Min(old, operand),
        AtomicOperation.Max => Math.Max(old, operand),
        AtomicOperation.Exchange => operand,
        AtomicOperation.CompareExchange => old == operand ? other : old,
        AtomicOperation.Increment => old >= operand ? 0 : old + 1,
        _ => old == 0 || old > operand ? operand : old - 1,
    };
}
