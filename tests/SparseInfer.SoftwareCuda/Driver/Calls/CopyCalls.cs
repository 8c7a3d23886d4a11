using System.Runtime.InteropServices;
using static SparseInfer.SoftwareCuda.Driver.Calls.Boundary;

namespace SparseInfer.SoftwareCuda.Driver.Calls;

/// <summary>Copies and fills.</summary>
internal static unsafe class CopyCalls
{
    [UnmanagedCallersOnly]
    public static CuResult Copy(nint destination, nint source, nint bytes, nint stream) => InContext(context =>
    {
        DriverStream? order = Stream(context, stream);
        Require(bytes >= 0);
        if (bytes == 0)
        {
            return CuResult.Success;
        }

        var to = MemoryPlace.Of(context, destination, bytes);
        var from = MemoryPlace.Of(context, source, bytes);
        if (to.IsPageable)
        {
            // As CUDA's: what is pageable has its bytes when the call returns.
            context.Work.Finish(order);
            context.Work.Do(() => Copy(context, destination, to, source, from, bytes));
            return context.Failure;
        }

        if (from.IsPageable && context.Settings.Faults.DeferWork && bytes <= Array.MaxLength)
        {
            byte[] staged = new ReadOnlySpan<byte>((void*)source, (int)bytes).ToArray();
            context.Work.Enqueue(order, () =>
            {
                fixed (byte* pinned = staged)
                {
                    Copy(context, destination, to, (nint)pinned, from, staged.Length);
                }
            });
            return CuResult.Success;
        }

        context.Work.Enqueue(order, () => Copy(context, destination, to, source, from, bytes));
        return CuResult.Success;
    });

    [UnmanagedCallersOnly]
    public static CuResult Fill(nint destination, byte value, nint bytes, nint stream) => InContext(context =>
    {
        DriverStream? order = Stream(context, stream);
        Require(bytes >= 0);
        if (bytes == 0)
        {
            return CuResult.Success;
        }

        var to = MemoryPlace.Of(context, destination, bytes);
        Require(!to.IsPageable);
        context.Work.Enqueue(order, () =>
        {
            NativeMemory.Fill((void*)destination, (nuint)bytes, value);
            to.Owner!.Memory.Written(destination, bytes);
        });
        return CuResult.Success;
    });

    private static void Copy(DriverContext context, nint destination, MemoryPlace to, nint source, MemoryPlace from, long bytes)
    {
        if (from.IsDevice && !to.IsDevice && context.Settings.CheckRaces
            && WrittenBytes.FirstUnwritten(from.Owner!.Memory, source, bytes) is >= 0 and var first)
        {
            context.Fail(
                CuResult.LaunchFailed,
                $"A copy of {bytes} bytes from 0x{source:x} to the host reads device memory that nobody wrote, from its byte {first} on.");
            return;
        }

        Buffer.MemoryCopy((void*)source, (void*)destination, bytes, bytes);
        if (to.IsDevice && from.IsDevice)
        {
            WrittenBytes.Copy(to.Owner!.Memory, destination, from.Owner!.Memory, source, bytes);
        }
        else
        {
            to.Owner?.Memory.Written(destination, bytes);
        }
    }
}
