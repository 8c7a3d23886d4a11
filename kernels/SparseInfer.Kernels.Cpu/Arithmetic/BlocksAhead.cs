using System.Runtime.CompilerServices;

namespace SparseInfer.Kernels.Cpu;

/// <summary>What is asked for with every block, or pair of blocks, of four rows that are dotted.</summary>
/// <remarks>
/// Rows to come that lie side by side are fetched one after the other, a quarter of this one's time each: a run of lines that follow each
/// other wakes the processor's own fetching, which then works from memory to the second cache while these requests wait only from there
/// on. Rows apart, as where neurons are skipped, are fetched together: they are too short for it to be of use before they end. Steps are no longer than a
/// line, so that none is skipped; where a pair of blocks is longer (Q8_0: 68 bytes), a row's last sixteenth is not asked for.
/// </remarks>
internal unsafe ref struct BlocksAhead
{
    private readonly FourRows _rows;
    private readonly bool _together;
    private readonly nint _step;
    private readonly nint _second;
    private readonly nint _third;
    private readonly nint _fourth;
    private byte* _line;
    private int _row;

    /// <summary>Begins.</summary>
    /// <param name="rows">The rows to come.</param>
    /// <param name="rowBytes">Their length.</param>
    /// <param name="bytes">How much of each row is worked on at a time.</param>
    /// <param name="alwaysTogether">
    /// Whether rows side by side are fetched together as well: Q8_0's, a tenth faster so on Zen 5, where Q4_0's narrower rows are a fifth slower
    /// (docs/measured.md).
    /// </param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public BlocksAhead(in FourRows rows, nint rowBytes, nint bytes, bool alwaysTogether = false)
    {
        _rows = rows;
        _line = rows.First;
        _together = alwaysTogether || rows.Fourth - rows.First > 4 * rowBytes;
        _step = _together ? Math.Min(bytes, 64) : 4 * bytes;
        _second = _together ? (nint)(rows.Second - rows.First) : 64;
        _third = _together ? (nint)(rows.Third - rows.First) : 128;
        _fourth = _together ? (nint)(rows.Fourth - rows.First) : 128;
    }

    /// <summary>With every block.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Fetch()
    {
        Prefetch.Line(_line);
        Prefetch.Line(_line + _second);
        Prefetch.Line(_line + _third);
        Prefetch.Line(_line + _fourth);
        _line += _step;
    }

    /// <summary>After every quarter.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void NextRow()
    {
        if (_together)
        {
            return;
        }

        _row++;
        _line = _row == 1 ? _rows.Second : _row == 2 ? _rows.Third : _rows.Fourth;
    }
}
