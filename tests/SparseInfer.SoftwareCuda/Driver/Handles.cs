using System.Collections.Concurrent;

namespace SparseInfer.SoftwareCuda.Driver;

/// <summary>
/// Contexts, streams, events, modules and functions by the handle that a program has for them. A handle is never given twice, so that one of a
/// thing that is gone is known to be.
/// </summary>
internal static class Handles
{
    private static readonly ConcurrentDictionary<nint, object> Objects = new();

    /// <summary>Where no memory of a program lies: a handle that is taken for an address is found out.</summary>
    private static long _next = 0x5C00_0000_0000;

    public static nint Add(object owner)
    {
        nint handle = (nint)Interlocked.Add(ref _next, 16);
        Objects[handle] = owner;
        return handle;
    }

    public static T? Find<T>(nint handle)
        where T : class =>
        Objects.GetValueOrDefault(handle) as T;

    public static void Remove(nint handle) => Objects.TryRemove(handle, out _);
}
