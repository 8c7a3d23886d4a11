using System.Runtime.InteropServices;
using SparseInfer.SoftwareCuda.Ptx;
using static SparseInfer.SoftwareCuda.Driver.Calls.Boundary;

namespace SparseInfer.SoftwareCuda.Driver.Calls;

/// <summary>Modules and their functions.</summary>
internal static unsafe class ModuleCalls
{
    private const int InfoLogBytes = 4;
    private const int ErrorLog = 5;
    private const int ErrorLogBytes = 6;

    [UnmanagedCallersOnly]
    public static CuResult Load(nint* module, byte* image) => InContext(context => Load(context, module, image, out _));

    [UnmanagedCallersOnly]
    public static CuResult LoadWithOptions(nint* module, byte* image, uint count, int* options, nint* values) => InContext(context =>
    {
        Require(count == 0 || (options is not null && values is not null));
        CuResult result = Load(context, module, image, out string log);
        Answer(log, new Span<int>(options, (int)count), new Span<nint>(values, (int)count));
        return result;
    });

    [UnmanagedCallersOnly]
    public static CuResult Unload(nint module) => InContext(context =>
    {
        DriverModule found = Module(context, module);
        context.Work.FinishAll();
        foreach (nint function in found.Functions.Values)
        {
            context.Disown(function);
        }

        context.Disown(module);
        return context.Failure;
    });

    [UnmanagedCallersOnly]
    public static CuResult GetFunction(nint* function, nint module, byte* name) => InContext(context =>
    {
        Require(function is not null && name is not null && *name != 0);
        DriverModule found = Module(context, module);
        string text = Marshal.PtrToStringUTF8((nint)name)!;
        if (!found.Functions.TryGetValue(text, out nint handle))
        {
            if (found.Ptx.Find(text) is not { } entry)
            {
                return CuResult.NotFound;
            }

            handle = context.Own(new DriverFunction(context, entry));
            found.Functions.Add(text, handle);
        }

        *function = handle;
        return CuResult.Success;
    });

    [UnmanagedCallersOnly]
    public static CuResult MaxActiveGroups(int* groups, nint function, int groupThreads, nint dynamicSharedBytes) => InContext(context =>
    {
        Require(groups is not null && groupThreads > 0 && dynamicSharedBytes >= 0);
        *groups = Occupancy.Groups(Function(context, function), context.Options.Architecture, groupThreads, dynamicSharedBytes);
        return CuResult.Success;
    });

    [UnmanagedCallersOnly]
    public static CuResult MaxPotentialGroup(
        int* minGroups, int* groupThreads, nint function, delegate* unmanaged<int, nint> sharedBytesOf, nint sharedBytes, int mostThreads)
    {
        // The program's own function is asked without the context's lock.
        PtxFunction? found = null;
        DriverContext? owner = null;
        CuResult result = InContext(context =>
        {
            Require(minGroups is not null && groupThreads is not null && sharedBytes >= 0 && mostThreads >= 0);
            (owner, found) = (context, Function(context, function));
            return CuResult.Success;
        });
        return result != CuResult.Success ? result : Run(() =>
        {
            (int threads, int groups) = Occupancy.Best(
                found!, owner!.Options.Architecture, size => sharedBytesOf is null ? sharedBytes : sharedBytesOf(size), mostThreads);
            *groupThreads = threads;
            *minGroups = groups * owner.Options.Multiprocessors;
            return CuResult.Success;
        });
    }

    /// <summary>A function by its handle.</summary>
    public static PtxFunction Function(DriverContext context, nint handle) =>
        Find<DriverFunction>(context, handle, static item => item.Context).Entry;

    private static DriverModule Module(DriverContext context, nint handle) => Find<DriverModule>(context, handle, static item => item.Context);

    private static CuResult Load(DriverContext context, nint* module, byte* image, out string log)
    {
        Require(module is not null && image is not null);
        string text = Marshal.PtrToStringUTF8((nint)image)!;
        try
        {
            PtxHeader.Check(text, context.Options, context.Settings.Faults.RefusePtx);
            *module = context.Own(new DriverModule(context, PtxModule.Load(text)));
            log = "";
            return CuResult.Success;
        }
        catch (PtxRefusedException refused)
        {
            log = $"ptxas application ptx input, line {refused.Line}; fatal   : {refused.Message}";
            context.Note(log);
            return refused.Result;
        }
        catch (PtxException refused)
        {
            log = $"ptxas application ptx input, line {refused.Line}; error   : {refused.Message}\nptxas fatal   : Ptx assembly aborted due to errors";
            context.Note(log);
            return CuResult.InvalidPtx;
        }
    }

    private static void Answer(string log, Span<int> options, Span<nint> values)
    {
        int buffer = options.IndexOf(ErrorLog);
        for (int index = 0; index < options.Length; index++)
        {
            if (options[index] == InfoLogBytes)
            {
                values[index] = 0;
            }
            else if (options[index] == ErrorLogBytes && buffer >= 0 && values[buffer] != 0 && (int)values[index] > 0)
            {
                values[index] = DeviceCalls.Terminated(log, new Span<byte>((void*)values[buffer], (int)values[index]));
            }
        }
    }

    private sealed record DriverModule(DriverContext Context, PtxModule Ptx)
    {
        public Dictionary<string, nint> Functions { get; } = new(StringComparer.Ordinal);
    }

    private sealed record DriverFunction(DriverContext Context, PtxFunction Entry);
}
