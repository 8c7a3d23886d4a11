using System.Runtime.InteropServices;
using System.Text;
using SparseInfer.SoftwareCuda.Driver;
using SparseInfer.SoftwareCuda.Driver.Library;

namespace SparseInfer.SoftwareCuda.Tests.Driver;

/// <summary>The driver's functions as a C program has them: by their names in the loaded library.</summary>
internal static unsafe class RawDriver
{
    private static readonly nint Library = DriverLibrary.Load();

    public static CuResult Init(uint flags = 0) => ((delegate* unmanaged<uint, CuResult>)Export("cuInit"))(flags);

    public static CuResult Count(out int count)
    {
        fixed (int* pointer = &count)
        {
            return ((delegate* unmanaged<int*, CuResult>)Export("cuDeviceGetCount"))(pointer);
        }
    }

    public static CuResult Attribute(out int value, int attribute, int device = 0)
    {
        fixed (int* pointer = &value)
        {
            return ((delegate* unmanaged<int*, int, int, CuResult>)Export("cuDeviceGetAttribute"))(pointer, attribute, device);
        }
    }

    public static string DeviceName(int bytes)
    {
        var name = new byte[bytes];
        fixed (byte* pointer = name)
        {
            ((delegate* unmanaged<byte*, int, int, CuResult>)Export("cuDeviceGetName"))(pointer, bytes, 0).ShouldBe(CuResult.Success);
        }

        return Encoding.ASCII.GetString(name.AsSpan(0, name.IndexOf((byte)0)));
    }

    public static CuResult ErrorText(string function, int result, out string? text)
    {
        nint pointer;
        CuResult answer = ((delegate* unmanaged<int, nint*, CuResult>)Export(function))(result, &pointer);
        text = Marshal.PtrToStringUTF8(pointer);
        return answer;
    }

    public static nint NewContext(int device = 0)
    {
        Init().ShouldBe(CuResult.Success);
        CreateContext(out nint context, device).ShouldBe(CuResult.Success);
        return context;
    }

    public static CuResult CreateContext(out nint context, int device)
    {
        fixed (nint* pointer = &context)
        {
            return ((delegate* unmanaged<nint*, uint, int, CuResult>)Export("cuCtxCreate_v2"))(pointer, 0, device);
        }
    }

    public static CuResult DestroyContext(nint context) => ((delegate* unmanaged<nint, CuResult>)Export("cuCtxDestroy_v2"))(context);

    public static CuResult SetContext(nint context) => ((delegate* unmanaged<nint, CuResult>)Export("cuCtxSetCurrent"))(context);

    public static CuResult SynchronizeContext() => ((delegate* unmanaged<CuResult>)Export("cuCtxSynchronize"))();

    public static CuResult Allocate(out nint address, nint bytes) => New("cuMemAlloc_v2", out address, bytes);

    public static nint Allocated(nint bytes)
    {
        Allocate(out nint address, bytes).ShouldBe(CuResult.Success);
        return address;
    }

    public static CuResult Free(nint address) => ((delegate* unmanaged<nint, CuResult>)Export("cuMemFree_v2"))(address);

    public static CuResult AllocateHost(out nint address, nint bytes) => New("cuMemAllocHost_v2", out address, bytes);

    public static CuResult FreeHost(nint address) => ((delegate* unmanaged<nint, CuResult>)Export("cuMemFreeHost"))(address);

    public static CuResult Register(nint address, nint bytes) =>
        ((delegate* unmanaged<nint, nint, uint, CuResult>)Export("cuMemHostRegister_v2"))(address, bytes, 2);

    public static CuResult Unregister(nint address) => ((delegate* unmanaged<nint, CuResult>)Export("cuMemHostUnregister"))(address);

    public static CuResult DevicePointer(out nint device, nint host)
    {
        fixed (nint* pointer = &device)
        {
            return ((delegate* unmanaged<nint*, nint, uint, CuResult>)Export("cuMemHostGetDevicePointer_v2"))(pointer, host, 0);
        }
    }

    public static CuResult Copy(nint destination, nint source, nint bytes, nint stream = 0) =>
        ((delegate* unmanaged<nint, nint, nint, nint, CuResult>)Export("cuMemcpyAsync"))(destination, source, bytes, stream);

    public static CuResult Fill(nint destination, byte value, nint bytes, nint stream = 0) =>
        ((delegate* unmanaged<nint, byte, nint, nint, CuResult>)Export("cuMemsetD8Async"))(destination, value, bytes, stream);

    public static CuResult MemoryInfo(out nint free, out nint total)
    {
        fixed (nint* first = &free, second = &total)
        {
            return ((delegate* unmanaged<nint*, nint*, CuResult>)Export("cuMemGetInfo_v2"))(first, second);
        }
    }

    public static CuResult MemoryType(out int type, nint address)
    {
        fixed (int* pointer = &type)
        {
            return ((delegate* unmanaged<int*, int, nint, CuResult>)Export("cuPointerGetAttribute"))(pointer, 2, address);
        }
    }

    public static CuResult PointerAttribute(out long value, int attribute, nint address)
    {
        fixed (long* pointer = &value)
        {
            return ((delegate* unmanaged<void*, int, nint, CuResult>)Export("cuPointerGetAttribute"))(pointer, attribute, address);
        }
    }

    public static CuResult CreateStream(out nint stream, uint flags)
    {
        fixed (nint* pointer = &stream)
        {
            return ((delegate* unmanaged<nint*, uint, CuResult>)Export("cuStreamCreate"))(pointer, flags);
        }
    }

    public static CuResult DestroyStream(nint stream) => ((delegate* unmanaged<nint, CuResult>)Export("cuStreamDestroy_v2"))(stream);

    public static CuResult SynchronizeStream(nint stream) => ((delegate* unmanaged<nint, CuResult>)Export("cuStreamSynchronize"))(stream);

    public static CuResult CreateEvent(out nint handle, uint flags = 0)
    {
        fixed (nint* pointer = &handle)
        {
            return ((delegate* unmanaged<nint*, uint, CuResult>)Export("cuEventCreate"))(pointer, flags);
        }
    }

    public static CuResult DestroyEvent(nint handle) => ((delegate* unmanaged<nint, CuResult>)Export("cuEventDestroy_v2"))(handle);

    public static CuResult Record(nint handle, nint stream = 0) =>
        ((delegate* unmanaged<nint, nint, CuResult>)Export("cuEventRecord"))(handle, stream);

    public static CuResult Query(nint handle) => ((delegate* unmanaged<nint, CuResult>)Export("cuEventQuery"))(handle);

    public static CuResult SynchronizeEvent(nint handle) => ((delegate* unmanaged<nint, CuResult>)Export("cuEventSynchronize"))(handle);

    public static CuResult Elapsed(out float milliseconds, nint start, nint end)
    {
        fixed (float* pointer = &milliseconds)
        {
            return ((delegate* unmanaged<float*, nint, nint, CuResult>)Export("cuEventElapsedTime"))(pointer, start, end);
        }
    }

    /// <summary>Loads PTX; what the driver wrote of an error.</summary>
    public static CuResult LoadModule(out nint module, string ptx, out string log, int logBytes = 512)
    {
        byte[] image = [.. Encoding.UTF8.GetBytes(ptx), 0];
        var buffer = new byte[logBytes];
        int[] options = [5, 6];
        CuResult result;
        fixed (byte* text = image, room = buffer)
        {
            nint[] values = [(nint)room, logBytes];
            fixed (int* names = options)
            fixed (nint* pointers = values, pointer = &module)
            {
                result = ((delegate* unmanaged<nint*, byte*, uint, int*, nint*, CuResult>)Export("cuModuleLoadDataEx"))(pointer, text, 2, names, pointers);
            }
        }

        log = Encoding.UTF8.GetString(buffer.AsSpan(0, buffer.IndexOf((byte)0)));
        return result;
    }

    public static CuResult UnloadModule(nint module) => ((delegate* unmanaged<nint, CuResult>)Export("cuModuleUnload"))(module);

    public static CuResult Function(out nint function, nint module, string name)
    {
        byte[] text = [.. Encoding.UTF8.GetBytes(name), 0];
        fixed (nint* pointer = &function)
        fixed (byte* bytes = text)
        {
            return ((delegate* unmanaged<nint*, nint, byte*, CuResult>)Export("cuModuleGetFunction"))(pointer, module, bytes);
        }
    }

    /// <summary>Launches a kernel, each parameter by its address.</summary>
    public static CuResult Launch(nint function, uint groups, uint threads, uint shared, params ReadOnlySpan<long> parameters) =>
        Launch(0, function, groups, threads, shared, parameters);

    /// <summary>Launches one group of one warp on a stream.</summary>
    public static CuResult LaunchOn(nint stream, nint function, params ReadOnlySpan<long> parameters) =>
        Launch(stream, function, 1, 32, 0, parameters);

    /// <summary>Launches a kernel, its parameters in one buffer.</summary>
    public static CuResult LaunchWithBuffer(nint function, uint groups, uint threads, ReadOnlySpan<long> parameters)
    {
        fixed (long* values = parameters)
        {
            nint bytes = parameters.Length * sizeof(long);
            void** extra = stackalloc void*[5] { (void*)1, values, (void*)2, &bytes, null };
            return Kernel(0, function, groups, threads, 0, null, extra);
        }
    }

    private static CuResult Launch(nint stream, nint function, uint groups, uint threads, uint shared, ReadOnlySpan<long> parameters)
    {
        fixed (long* values = parameters)
        {
            void** addresses = stackalloc void*[parameters.Length + 1];
            for (int index = 0; index < parameters.Length; index++)
            {
                addresses[index] = values + index;
            }

            return Kernel(stream, function, groups, threads, shared, addresses, null);
        }
    }

    private static CuResult Kernel(nint stream, nint function, uint groups, uint threads, uint shared, void** parameters, void** extra) =>
        ((delegate* unmanaged<nint, uint, uint, uint, uint, uint, uint, uint, nint, void**, void**, CuResult>)Export("cuLaunchKernel"))(
            function, groups, 1, 1, threads, 1, 1, shared, stream, parameters, extra);

    private static CuResult New(string function, out nint address, nint bytes)
    {
        fixed (nint* pointer = &address)
        {
            return ((delegate* unmanaged<nint*, nint, CuResult>)Export(function))(pointer, bytes);
        }
    }

    private static nint Export(string name) => NativeLibrary.GetExport(Library, name);
}
