using System.Collections.Immutable;

namespace ILGPU.Runtime.Cuda
{
    /// <summary>Streaming-multiprocessor version of a CUDA device.</summary>
    public readonly record struct CudaArchitecture(int Major, int Minor)
    {
        public override string ToString() => $"SM_{Major}{Minor}";
    }

    /// <summary>Version of PTX.</summary>
    public readonly record struct CudaInstructionSet(int Major, int Minor)
    {
        public override string ToString() => $"{Major}.{Minor}";
    }

    /// <summary>A type for code to name: the stand-in finds no CUDA device.</summary>
    public sealed class CudaDevice : Device
    {
        private CudaDevice()
            : base(AcceleratorType.Cuda)
        {
        }

        public int DeviceId { get; }

        public CudaArchitecture? Architecture { get; }

        public CudaInstructionSet? InstructionSet { get; internal set; }

        public int ClockRate { get; }

        public int MemoryClockRate { get; }

        public int MemoryBusWidth { get; }

        public int L2CacheSize { get; }

        public int MaxSharedMemoryPerMultiprocessor { get; }

        public int TotalNumRegistersPerMultiprocessor { get; }

        public bool SupportsManagedMemory { get; }

        public bool SupportsMappingHostMemory { get; }

        public bool SupportsUsingHostPointerForRegisteredMemory { get; }

        public static ImmutableArray<Device> GetDevices(Predicate<CudaDevice> predicate) => [];

        public override Accelerator CreateAccelerator(Context context) => throw new CudaException("The stand-in has no CUDA device.");
    }

    /// <summary>Settings of one CUDA device.</summary>
    public sealed class CudaDeviceOverride
    {
        internal CudaDeviceOverride(CudaDevice device)
        {
            Device = device;
        }

        public CudaDevice Device { get; }

        public CudaInstructionSet? InstructionSet { get; set; }
    }

    public static class CudaContextExtensions
    {
        public static Context.Builder Cuda(this Context.Builder builder) => builder;

        public static Context.Builder Cuda(this Context.Builder builder, Predicate<CudaDevice> predicate) => builder;

        public static Context.Builder Cuda(this Context.Builder builder, Action<CudaDeviceOverride> configure) => builder;

        public static CudaDevice GetCudaDevice(this Context context, int cudaDeviceIndex) => context.GetDevice<CudaDevice>(cudaDeviceIndex);

        public static Context.DeviceCollection<CudaDevice> GetCudaDevices(this Context context) => context.GetDevices<CudaDevice>();
    }
}

namespace ILGPU.Runtime.OpenCL
{
    /// <summary>A type for code to name: the stand-in finds no OpenCL device.</summary>
    public sealed class CLDevice : Device
    {
        private CLDevice()
            : base(AcceleratorType.OpenCL)
        {
        }

        public string PlatformName { get; } = string.Empty;

        public string VendorName { get; } = string.Empty;

        public int ClockRate { get; }

        public static ImmutableArray<Device> GetDevices(Predicate<CLDevice> predicate) => [];

        public override Accelerator CreateAccelerator(Context context) => throw new CLException("The stand-in has no OpenCL device.");
    }

    public static class CLContextExtensions
    {
        public static Context.Builder OpenCL(this Context.Builder builder) => builder;

        public static Context.Builder OpenCL(this Context.Builder builder, Predicate<CLDevice> predicate) => builder;

        public static CLDevice GetCLDevice(this Context context, int clDeviceIndex) => context.GetDevice<CLDevice>(clDeviceIndex);

        public static Context.DeviceCollection<CLDevice> GetCLDevices(this Context context) => context.GetDevices<CLDevice>();
    }
}
