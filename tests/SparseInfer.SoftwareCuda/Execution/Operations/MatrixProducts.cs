namespace SparseInfer.SoftwareCuda.Execution.Operations;

internal interface IMatrixElement<TSum>
    where TSum : unmanaged
{
    /// <summary>Elements in a register.</summary>
    static abstract int PerRegister { get; }

    static abstract TSum MultiplyAdd(uint a, uint b, int element, TSum sum);
}

internal struct MatrixF16 : IMatrixElement<float>
{
    public static int PerRegister => 2;

    public static float MultiplyAdd(uint a, uint b, int element, float sum) =>
        MathF.FusedMultiplyAdd(Narrow.F16(a >> (16 * element)), Narrow.F16(b >> (16 * element)), sum);
}

internal struct MatrixBF16 : IMatrixElement<float>
{
    public static int PerRegister => 2;

    public static float MultiplyAdd(uint a, uint b, int element, float sum) =>
        MathF.FusedMultiplyAdd(Narrow.BF16((a >> (16 * element)) & 0xFFFF), Narrow.BF16((b >> (16 * element)) & 0xFFFF), sum);
}

internal struct MatrixBytes<TA, TB> : IMatrixElement<int>
    where TA : struct, ISign
    where TB : struct, ISign
{
    public static int PerRegister => 4;

    public static int MultiplyAdd(uint a, uint b, int element, int sum) =>
        sum + (TA.Extend((byte)(a >> (8 * element))) * TB.Extend((byte)(b >> (8 * element))));
}

/// <summary>
/// <c>mma.sync.aligned.m16n8kK.row.col</c>: D = A B + C. Each product is exact; an element's sum begins with C's and takes the products in the
/// order of k, rounded to 32 bits after each. PTX leaves the order open, and hardware sums several at once: its last bits may differ.
/// </summary>
internal static unsafe class MatrixProducts
{
    /// <summary>Operands: 4 of D, then A's, B's, and 4 of C. Aux: registers of B; A has twice as many.</summary>
    public static void Multiply<TElement, TSum>(byte* r, Instruction* i, uint mask)
        where TElement : struct, IMatrixElement<TSum>
        where TSum : unmanaged
    {
        int registers = i->Aux;
        int per = TElement.PerRegister;
        TSum* sums = stackalloc TSum[16 * 8];
        for (int row = 0; row < 16; row++)
        {
            for (int column = 0; column < 8; column++)
            {
                int place = (row & 7) * 4 + (column >> 1);
                TSum sum = ((TSum*)(r + i->O[4 + (3 * registers) + ((row >> 3) * 2) + (column & 1)]))[place];
                for (int register = 0; register < registers; register++)
                {
                    uint* a = (uint*)(r + i->O[4 + (2 * register) + (row >> 3)]);
                    uint* b = (uint*)(r + i->O[4 + (2 * registers) + register]);
                    for (int k = 0; k < 4 * per; k++)
                    {
                        sum = TElement.MultiplyAdd(a[((row & 7) * 4) + (k / per)], b[(column * 4) + (k / per)], k % per, sum);
                    }
                }

                sums[(row * 8) + column] = sum;
            }
        }

        for (int row = 0; row < 16; row++)
        {
            for (int column = 0; column < 8; column++)
            {
                ((TSum*)(r + i->O[((row >> 3) * 2) + (column & 1)]))[((row & 7) * 4) + (column >> 1)] = sums[(row * 8) + column];
            }
        }
    }
}
