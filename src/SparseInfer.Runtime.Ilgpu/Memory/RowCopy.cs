using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Runtime;

/// <summary>Copies rows within the host's memory, several threads at once.</summary>
internal static unsafe class RowCopy
{
    /// <summary>Bytes that are worth a thread.</summary>
    private const int PieceBytes = 1 << 20;

    /// <summary>Copies rows to where they follow each other.</summary>
    /// <param name="source">The first row.</param>
    /// <param name="stride">Bytes from a row to the next.</param>
    /// <param name="target">Where the rows go.</param>
    /// <param name="rowBytes">Bytes of a row.</param>
    /// <param name="rows">Number of rows.</param>
    public static void Run(nint source, nint stride, nint target, long rowBytes, int rows)
    {
        int piece = (int)Math.Clamp(PieceBytes / Math.Max(1, rowBytes), 1, rows);
        ParallelLoop.For(0, (rows + piece - 1) / piece, index =>
        {
            int from = index * piece;
            int count = Math.Min(piece, rows - from);
            if (stride == rowBytes)
            {
                Copy(from, count * rowBytes);
                return;
            }

            for (int row = from; row < from + count; row++)
            {
                Copy(row, rowBytes);
            }
        });

        void Copy(int row, long bytes) =>
            Buffer.MemoryCopy((byte*)source + (row * stride), (byte*)target + (row * rowBytes), bytes, bytes);
    }
}
