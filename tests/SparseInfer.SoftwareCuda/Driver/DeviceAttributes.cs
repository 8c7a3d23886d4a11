namespace SparseInfer.SoftwareCuda.Driver;

/// <summary>Attributes of a device by CUDA's numbers.</summary>
internal static class DeviceAttributes
{
    /// <summary>An attribute's value; null: the device has none of that number.</summary>
    /// <param name="attribute">CUDA's number of it.</param>
    /// <param name="device">The device, from 0.</param>
    /// <param name="options">What the device says of itself.</param>
    public static int? Value(int attribute, int device, SoftwareCudaOptions options)
    {
        var limits = DeviceLimits.Of(options.Architecture);
        return attribute switch
        {
            1 or 2 or 3 => DeviceLimits.GroupThreads,
            4 => DeviceLimits.GroupZ,
            5 => DeviceLimits.GridX,
            6 or 7 => DeviceLimits.GridYZ,
            8 or 97 => DeviceLimits.GroupSharedBytes, // 97: with the kernel's consent; ILGPU cannot give it
            9 => 65536, // constant memory
            10 => DeviceLimits.WarpSize,
            11 => int.MaxValue, // pitch
            12 or 82 => DeviceLimits.Registers,
            13 => 1_300_000, // clock, kHz
            14 => 512, // alignment of textures
            15 => 1, // copies beside kernels
            16 => options.Multiprocessors,
            17 => 0, // no kernel is too long
            18 => options.IsIntegrated ? 1 : 0,
            19 => 1, // maps host memory
            20 => 0, // any number of contexts
            31 => 1, // concurrent kernels
            32 => 0, // error correction
            33 => 0, // PCI bus
            34 => device, // PCI device: ILGPU tells devices apart by it
            35 => 0, // no TCC driver
            36 => 3_200_000, // memory clock, kHz
            37 => 256, // memory bus, bits
            38 => 4 << 20, // second-level cache
            39 => limits.Threads,
            40 => 2, // copy engines
            41 => 1, // one address space with the host
            50 => 0, // PCI domain
            75 => options.Architecture / 10,
            76 => options.Architecture % 10,
            78 => 1, // priorities of streams
            79 or 80 => 1, // first-level cache
            81 => limits.SharedBytes,
            83 => 0, // managed memory: none can be allocated
            84 or 85 => 0, // no board of several devices
            86 => 0, // host atomics
            87 => 32, // float throughput by double throughput
            88 or 89 => 0, // pageable memory
            90 => 1, // preemption
            91 => options.IsIntegrated ? 0 : 1, // a registered host address is the device's too
            106 => limits.Groups,
            111 => limits.ReservedSharedBytes,
            _ => null,
        };
    }
}
