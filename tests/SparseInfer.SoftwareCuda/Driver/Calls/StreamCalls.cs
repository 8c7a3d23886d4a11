using System.Diagnostics;
using System.Runtime.InteropServices;
using static SparseInfer.SoftwareCuda.Driver.Calls.Boundary;

namespace SparseInfer.SoftwareCuda.Driver.Calls;

/// <summary>Streams and events.</summary>
internal static unsafe class StreamCalls
{
    private const uint NonBlocking = 1;
    private const uint DisableTiming = 2;
    private const uint AllEventFlags = 7;

    [UnmanagedCallersOnly]
    public static CuResult Create(nint* stream, uint flags) => InContext(context => Create(context, stream, flags));

    [UnmanagedCallersOnly]
    public static CuResult CreateWithPriority(nint* stream, uint flags, int priority) => InContext(context => Create(context, stream, flags));

    [UnmanagedCallersOnly]
    public static CuResult Destroy(nint stream) => InContext(context =>
    {
        DriverStream found = Find<DriverStream>(context, stream, static item => item.Context);
        context.Work.Finish(found);
        context.Disown(stream);
        return context.Failure;
    });

    [UnmanagedCallersOnly]
    public static CuResult Synchronize(nint stream) => InContext(context =>
    {
        context.Work.Finish(Stream(context, stream));
        return context.Failure;
    });

    [UnmanagedCallersOnly]
    public static CuResult CreateEvent(nint* handle, uint flags) => InContext(context =>
    {
        Require(handle is not null && flags <= AllEventFlags);
        *handle = context.Own(new DriverEvent(context, (flags & DisableTiming) == 0));
        return CuResult.Success;
    });

    [UnmanagedCallersOnly]
    public static CuResult DestroyEvent(nint handle) => InContext(context =>
    {
        Event(context, handle);
        context.Disown(handle);
        return CuResult.Success;
    });

    [UnmanagedCallersOnly]
    public static CuResult RecordEvent(nint handle, nint stream) => InContext(context =>
    {
        DriverEvent found = Event(context, handle);
        DriverStream? order = Stream(context, stream);
        object record = new();
        (found.Pending, found.Stream, found.IsRecorded) = (record, order, true);
        context.Work.Enqueue(order, () =>
        {
            if (found.Pending == record)
            {
                (found.Pending, found.Time) = (null, Stopwatch.GetTimestamp());
            }
        });
        return CuResult.Success;
    });

    [UnmanagedCallersOnly]
    public static CuResult QueryEvent(nint handle) => InContext(context =>
        Event(context, handle).Pending is null ? CuResult.Success : CuResult.NotReady);

    /// <summary>Does what was enqueued before the event was, and no more.</summary>
    [UnmanagedCallersOnly]
    public static CuResult SynchronizeEvent(nint handle) => InContext(context =>
    {
        DriverEvent found = Event(context, handle);
        context.Work.Finish(found.Stream, () => found.Pending is null);
        return context.Failure;
    });

    [UnmanagedCallersOnly]
    public static CuResult ElapsedTime(float* milliseconds, nint start, nint end) => InContext(context =>
    {
        Require(milliseconds is not null);
        DriverEvent first = Event(context, start);
        DriverEvent last = Event(context, end);
        if (!first.IsTimed || !last.IsTimed || !first.IsRecorded || !last.IsRecorded)
        {
            return CuResult.InvalidHandle;
        }

        if (first.Pending is not null || last.Pending is not null)
        {
            return CuResult.NotReady;
        }

        *milliseconds = (float)Stopwatch.GetElapsedTime(first.Time, last.Time).TotalMilliseconds;
        return CuResult.Success;
    });

    private static CuResult Create(DriverContext context, nint* stream, uint flags)
    {
        Require(stream is not null && flags <= NonBlocking);
        *stream = context.Own(new DriverStream(context, flags == NonBlocking));
        return CuResult.Success;
    }

    private static DriverEvent Event(DriverContext context, nint handle) => Find<DriverEvent>(context, handle, static item => item.Context);

    /// <param name="context">Whose it is.</param>
    /// <param name="isTimed">Whether it knows when it was.</param>
    private sealed class DriverEvent(DriverContext context, bool isTimed)
    {
        public DriverContext Context => context;

        public bool IsTimed => isTimed;

        public bool IsRecorded { get; set; }

        public DriverStream? Stream { get; set; }

        /// <summary>The last record, until its turn has come.</summary>
        public object? Pending { get; set; }

        public long Time { get; set; }
    }
}
