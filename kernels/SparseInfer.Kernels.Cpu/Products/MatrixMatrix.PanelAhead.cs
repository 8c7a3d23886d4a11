using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace SparseInfer.Kernels.Cpu;

/// <content>Prefetching.</content>
public static unsafe partial class MatrixMatrix
{
    /// <summary>
    /// The piece of the matrix that is widened after this one, asked for while this one is worked with: a row of it ends where the
    /// processor's own prefetching has just begun. Few lines at a time, for a burst of them would fill the queue of misses and stall
    /// the tile.
    /// </summary>
    private struct PanelAhead
    {
        private byte* _row;
        private nint _stride;
        private nint _offset;
        private nint _rowBytes;
        private int _lines;
        private int _share;

        /// <summary>Describes the piece.</summary>
        /// <param name="w">The matrix.</param>
        /// <param name="fromRow">The group's first row; past the end: nothing is fetched.</param>
        /// <param name="toRow">End of the rows.</param>
        /// <param name="column">First column.</param>
        /// <param name="columns">Number of columns.</param>
        /// <param name="calls">How often <see cref="Fetch"/> will be called.</param>
        public static PanelAhead Of<T>(in WeightMatrix w, int fromRow, int toRow, int column, int columns, int calls)
            where T : IWeightFormat
        {
            nint rowBytes = T.RowBytes(columns);
            int lines = Math.Clamp(toRow - fromRow, 0, RowGroup) * (int)((rowBytes + 63) / 64);
            return new PanelAhead
            {
                _row = w.Four(fromRow).First + T.RowBytes(column),
                _stride = w.Stride,
                _rowBytes = rowBytes,
                _lines = lines,
                _share = (lines + calls - 1) / calls,
            };
        }

        /// <summary>Asks for the next few lines.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Fetch()
        {
            int share = Math.Min(_share, _lines);
            _lines -= share;
            for (; share > 0; share--)
            {
                // Into the second level: the first is full of what the tiles work with.
                if (Sse.IsSupported)
                {
                    Sse.Prefetch1(_row + _offset);
                }

                _offset += 64;
                if (_offset >= _rowBytes)
                {
                    _offset = 0;
                    _row += _stride;
                }
            }
        }
    }
}
