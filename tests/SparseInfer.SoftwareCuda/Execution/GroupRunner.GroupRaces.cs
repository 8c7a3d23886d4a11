using System.Runtime.CompilerServices;
using SparseInfer.SoftwareCuda.Memory;

namespace SparseInfer.SoftwareCuda.Execution;

// Accesses of two groups to one piece of global memory: nothing orders them.
internal sealed unsafe partial class GroupRunner
{
    /// <summary>Notes an access for other groups, and a race if there is one: reported at the later of the two groups.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Between(GroupRecord* record, Warp warp, int place, int lane, bool store, ulong address)
    {
        uint me = _groupNumber + 1;
        uint at = ((uint)warp.Index << 26) | ((uint)lane << 21) | (uint)Math.Min(place, (1 << 21) - 1);
        if (store ? record->Writer == me && (record->Reader == me || record->Reader == 0) && record->OtherReader == 0
            : (record->Reader == me || record->OtherReader == me) && (record->Writer == 0 || record->Writer == me))
        {
            return;
        }

        uint other = 0;
        uint otherAt = 0;
        bool otherWrote = false;
        while (Interlocked.CompareExchange(ref record->Lock, 1, 0) != 0)
        {
            Thread.SpinWait(1);
        }

        if (record->Writer != 0 && record->Writer != me)
        {
            (other, otherAt, otherWrote) = (record->Writer, record->WriterAt, true);
        }

        if (store)
        {
            (uint reader, uint readerAt) = record->Reader != 0 && record->Reader != me ? (record->Reader, record->ReaderAt)
                : record->OtherReader != me ? (record->OtherReader, record->OtherReaderAt) : (0, 0);
            if (reader != 0 && (other == 0 || reader < other))
            {
                (other, otherAt, otherWrote) = (reader, readerAt, false);
            }

            if (record->Writer == 0 || me < record->Writer)
            {
                (record->Writer, record->WriterAt) = (me, at);
            }
        }
        else if (record->Reader != me && record->OtherReader != me)
        {
            // The two smallest.
            if (record->Reader == 0 || me < record->Reader)
            {
                (record->OtherReader, record->OtherReaderAt) = (record->Reader, record->ReaderAt);
                (record->Reader, record->ReaderAt) = (me, at);
            }
            else if (record->OtherReader == 0 || me < record->OtherReader)
            {
                (record->OtherReader, record->OtherReaderAt) = (me, at);
            }
        }

        Volatile.Write(ref record->Lock, 0);
        if (other == 0)
        {
            return;
        }

        bool mineIsLater = me > other;
        (uint later, uint laterAt, bool laterWrote) = mineIsLater ? (me, at, store) : (other, otherAt, otherWrote);
        (uint earlier, uint earlierAt, bool earlierWrote) = mineIsLater ? (other, otherAt, otherWrote) : (me, at, store);
        (int x, int y, int z) = _state.Group(earlier - 1);
        string message = $"0x{address:x} is {(laterWrote ? "written" : "read")}, and group ({x}, {y}, {z}) {(earlierWrote ? "wrote" : "read")} it too, "
            + $"at {Site((int)(earlierAt & ((1 << 21) - 1)))}, with nothing that orders them";
        _state.Report(
            later - 1,
            _state.Fault(
                KernelFaultKind.GlobalRace,
                _state.Group(later - 1),
                (int)(laterAt >> 26),
                (int)(laterAt >> 21 & 31),
                (int)(laterAt & ((1 << 21) - 1)),
                message,
                address),
            race: true);
    }
}
