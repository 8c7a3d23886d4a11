using ILGPU.Runtime;

namespace ILGPU.Runtime
{
    /// <summary>A failure of the device or its driver.</summary>
    public abstract class AcceleratorException : Exception
    {
        protected AcceleratorException()
        {
        }

        protected AcceleratorException(string message)
            : base(message)
        {
        }

        protected AcceleratorException(string message, Exception innerException)
            : base(message, innerException)
        {
        }

        public abstract AcceleratorType AcceleratorType { get; }
    }
}

namespace ILGPU.Runtime.Cuda
{
    /// <summary>Never thrown here: there is no CUDA device.</summary>
    public sealed class CudaException : AcceleratorException
    {
        public CudaException()
        {
        }

        public CudaException(string message)
            : base(message)
        {
        }

        public CudaException(string message, Exception innerException)
            : base(message, innerException)
        {
        }

        public string Error { get; } = "N/A";

        public override AcceleratorType AcceleratorType => AcceleratorType.Cuda;
    }
}

namespace ILGPU.Runtime.OpenCL
{
    /// <summary>Never thrown here: there is no OpenCL device.</summary>
    public sealed class CLException : AcceleratorException
    {
        public CLException()
        {
        }

        public CLException(string message)
            : base(message)
        {
        }

        public CLException(string message, Exception innerException)
            : base(message, innerException)
        {
        }

        public override AcceleratorType AcceleratorType => AcceleratorType.OpenCL;
    }
}

namespace SparseInfer.Ilgpu.StandIn
{
    /// <summary>The stand-in's own limit of memory (<see cref="StandInControl.MemoryLimit"/>) is reached.</summary>
    public sealed class StandInMemoryException(string message) : AcceleratorException(message)
    {
        public override AcceleratorType AcceleratorType => AcceleratorType.CPU;
    }
}
