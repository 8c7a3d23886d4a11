using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// Rows of a block type times a batch of inputs. A group of 16 rows goes block by block past all tokens, whose quants lie block by block too; a
/// token's sums, of 16 rows, stay in the first-level cache. The bits are those of the dot products: sums of integers are exact, and what is added to
/// floats is added in the same order.
/// </summary>
internal static unsafe class IntegerProduct
{
    /// <summary>Tokens whose sums stay in the first-level cache.</summary>
    public const int TokenBlock = 128;

    /// <summary>Fewer tokens are faster row by row, in most types.</summary>
    public const int LeastTokens = 3;

    private const int Outputs = IntegerTile.Outputs;

    /// <summary>Brings a batch's inputs to their places, and notes what undoes their scale.</summary>
    /// <param name="paddedColumns">Columns.</param>
    /// <param name="x">The inputs.</param>
    /// <param name="xStride">Elements between tokens.</param>
    /// <param name="tokens">Number of tokens.</param>
    /// <param name="undo">A factor for each token.</param>
    /// <param name="inputs">Where they go: a row of F32 for each token has room for what it becomes.</param>
    /// <param name="row">A row of F32, elsewhere.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Pack<T, TTile>(
        int paddedColumns, ref float x, int xStride, int tokens, float* undo, float* inputs, float* row)
        where T : IWeightArithmetic
        where TTile : struct, ITileFormat
    {
        for (int from = 0; from < tokens; from += TokenBlock)
        {
            int count = Math.Min(TokenBlock, tokens - from);
            int padded = Pad(count);
            byte* packed = (byte*)(inputs + ((nint)from * paddedColumns));
            for (int t = 0; t < padded; t++)
            {
                // Behind the last token it is repeated: nobody reads what that gives.
                int token = from + Math.Min(t, count - 1);
                undo[token] = T.PrepareInput(in Unsafe.Add(ref x, (nint)token * xStride), ref *row, paddedColumns);
                for (int block = 0; block < paddedColumns / TTile.Columns; block++)
                {
                    TTile.PackInput((byte*)row, block, packed + ((nint)block * padded * TTile.InputBytes), t, padded);
                }
            }
        }
    }

    /// <summary>The products of some rows with inputs that <see cref="Pack{T,TTile}"/> left.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply<TTile>(
        in WeightMatrix w,
        int fromRow,
        int toRow,
        int paddedColumns,
        int tokens,
        ref float y,
        int yStride,
        float* undo,
        float* inputs,
        float* memory)
        where TTile : struct, ITileFormat
    {
        byte** rows = stackalloc byte*[Outputs];
        for (int from = 0; from < tokens; from += TokenBlock)
        {
            int count = Math.Min(TokenBlock, tokens - from);
            int padded = Pad(count);
            byte* packed = (byte*)(inputs + ((nint)from * paddedColumns));
            float* sums = memory;
            var scratch = new TileScratch((byte*)(sums + (TTile.Chains * padded * Outputs)));
            int blocks = paddedColumns / TTile.Columns;
            nint ahead = ((Outputs * w.Stride / blocks) + 63) / 64 * 64;
            for (int row = fromRow; row < toRow; row += Outputs)
            {
                for (int i = 0; i < Outputs; i++)
                {
                    rows[i] = (byte*)Unsafe.AsPointer(ref w.Row(Math.Min(row + i, toRow - 1)));
                }

                byte* next = (byte*)Unsafe.AsPointer(ref w.Row(Math.Min(row + Outputs, toRow - 1)));
                new Span<float>(sums, TTile.Chains * padded * Outputs).Clear();
                for (int block = 0; block < blocks; block++)
                {
                    for (byte* line = next + (block * ahead), end = line + ahead; line < end; line += 64)
                    {
                        Prefetch.Line(line);
                    }

                    TTile.AddBlock(
                        rows,
                        block,
                        packed + ((nint)block * padded * TTile.InputBytes),
                        padded,
                        in scratch,
                        sums + (block % TTile.Chains * padded * Outputs));
                }

                Store<TTile>(sums, padded, undo + from, count, ref Unsafe.Add(ref y, ((nint)from * yStride) + row), yStride, toRow - row);
            }
        }
    }

    /// <summary>Tokens rounded up to those that tiles take.</summary>
    public static int Pad(int tokens) => (tokens + (IntegerTile.TokenMultiple - 1)) & ~(IntegerTile.TokenMultiple - 1);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Store<TTile>(float* sums, int padded, float* undo, int tokens, ref float y, int yStride, int rows)
        where TTile : struct, ITileFormat
    {
        for (int t = 0; t < tokens; t++, sums += Outputs)
        {
            Vector512<float> sum = Vector512.Load(sums);
            if (TTile.Chains > 1)
            {
                sum += Vector512.Load(sums + (padded * Outputs));
            }

            sum *= undo[t];
            ref float result = ref Unsafe.Add(ref y, (nint)t * yStride);
            if (rows >= Outputs)
            {
                sum.StoreUnsafe(ref result);
                continue;
            }

            for (int i = 0; i < rows; i++)
            {
                Unsafe.Add(ref result, i) = sum.GetElement(i);
            }
        }
    }
}
