using SparseInfer.SoftwareCuda.Memory;

namespace SparseInfer.SoftwareCuda.Driver;

/// <summary>Which bytes of device memory somebody wrote, as far as copies are concerned.</summary>
internal static class WrittenBytes
{
    private const int Step = 64;

    /// <summary>The first byte of a range that nobody wrote, counted from the range's beginning; -1: all are written.</summary>
    public static long FirstUnwritten(DeviceMemory memory, nint address, long bytes) =>
        memory.Nearest((ulong)address) is { } allocation && allocation.FirstUnwritten(address - allocation.Start, bytes) is >= 0 and var first
            ? first - (address - allocation.Start)
            : -1;

    /// <summary>Marks of a copy's destination what is written of its source, and no more.</summary>
    public static void Copy(DeviceMemory to, nint destination, DeviceMemory from, nint source, long bytes)
    {
        if (FirstUnwritten(from, source, bytes) < 0)
        {
            to.Written(destination, bytes);
            return;
        }

        for (long at = 0; at < bytes; at += Step)
        {
            long length = Math.Min(Step, bytes - at);
            if (FirstUnwritten(from, source + (nint)at, length) < 0)
            {
                to.Written(destination + (nint)at, length);
                continue;
            }

            for (long index = at; index < at + length; index++)
            {
                if (FirstUnwritten(from, source + (nint)index, 1) < 0)
                {
                    to.Written(destination + (nint)index, 1);
                }
            }
        }
    }
}
