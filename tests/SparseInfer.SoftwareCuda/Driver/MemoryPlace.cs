namespace SparseInfer.SoftwareCuda.Driver;

/// <summary>Where an address of a copy lies: in a context's device memory, in page-locked memory, or in the program's own.</summary>
/// <param name="Owner">The context whose memory it is; null: the program's own, pageable.</param>
/// <param name="IsDevice">Device memory.</param>
internal readonly record struct MemoryPlace(DriverContext? Owner, bool IsDevice)
{
    public bool IsPageable => Owner is null;

    /// <summary>Finds out, in all contexts: they share one address space.</summary>
    /// <param name="context">The context that asks.</param>
    /// <param name="address">Where the bytes begin.</param>
    /// <param name="bytes">How many.</param>
    /// <exception cref="DriverException">The range leaves its allocation, or that was freed.</exception>
    public static MemoryPlace Of(DriverContext context, nint address, long bytes)
    {
        if (TryFind(context, address, bytes) is { } own)
        {
            return own;
        }

        foreach (DriverContext other in SoftwareDriverState.Contexts)
        {
            if (other != context && TryFind(other, address, bytes) is { } place)
            {
                return place;
            }
        }

        return address != 0 ? default : throw new DriverException(CuResult.InvalidValue);
    }

    private static MemoryPlace? TryFind(DriverContext context, nint address, long bytes)
    {
        if (context.Memory.TryFind(address, out nint start, out long length))
        {
            return bytes <= start + length - address
                ? new MemoryPlace(context, !context.Host.StartsAt(start))
                : throw new DriverException(CuResult.InvalidValue);
        }

        return context.Memory.IsFreed(address) ? throw new DriverException(CuResult.InvalidValue) : null;
    }
}
