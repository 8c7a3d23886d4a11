namespace ILGPU.Runtime.CPU
{
    /// <summary>The stand-in's device in use.</summary>
    public sealed class CPUAccelerator : Accelerator
    {
        internal CPUAccelerator(Context context, CPUDevice device, CPUAcceleratorMode mode)
            : base(context, device)
        {
            Mode = mode;
        }

        public CPUAcceleratorMode Mode { get; }

        public int NumThreads => MaxNumThreads;
    }
}

namespace ILGPU.Runtime.Cuda
{
    /// <summary>A type for code to name: no instance of it is ever made.</summary>
    public sealed class CudaAccelerator : Accelerator
    {
        private CudaAccelerator(Context context, CudaDevice device)
            : base(context, device)
        {
        }

        public new CudaDevice Device => (CudaDevice)base.Device;

        public CudaArchitecture Architecture => Device.Architecture.GetValueOrDefault();

        public CudaInstructionSet InstructionSet => Device.InstructionSet.GetValueOrDefault();

        public int MemoryClockRate => Device.MemoryClockRate;

        public int MemoryBusWidth => Device.MemoryBusWidth;

        public int L2CacheSize => Device.L2CacheSize;

        public long GetFreeMemory() => throw new CudaException("The stand-in has no CUDA device.");
    }
}
