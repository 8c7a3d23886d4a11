namespace SparseInfer.SoftwareCuda.Driver;

/// <summary>What the driver knows of this process: what its devices say of themselves, its contexts, and each thread's current one.</summary>
internal static class SoftwareDriverState
{
    private static readonly Lock Gate = new();
    private static readonly List<DriverContext> AllContexts = [];
    private static volatile SoftwareCudaOptions _options = new();

    [ThreadStatic]
    private static DriverContext? _current;

    /// <summary>What devices say of themselves; contexts keep what was said when they were made.</summary>
    public static SoftwareCudaOptions Options
    {
        get => _options;
        set
        {
            value.Check();
            _options = value;
        }
    }

    /// <summary>Whether a program has called cuInit.</summary>
    public static bool IsInitialized { get; set; }

    /// <summary>The calling thread's context.</summary>
    public static DriverContext? Current
    {
        get => _current;
        set => _current = value;
    }

    /// <summary>The contexts there are.</summary>
    public static DriverContext[] Contexts
    {
        get
        {
            lock (Gate)
            {
                return [.. AllContexts];
            }
        }
    }

    public static void Add(DriverContext context)
    {
        lock (Gate)
        {
            AllContexts.Add(context);
        }
    }

    public static void Remove(DriverContext context)
    {
        lock (Gate)
        {
            AllContexts.Remove(context);
        }
    }

    /// <summary>Bytes that all contexts of a device have allocated.</summary>
    public static long AllocatedBytes(int device) =>
        Contexts.Where(context => context.Device == device).Sum(context => context.Memory.AllocatedBytes);
}
