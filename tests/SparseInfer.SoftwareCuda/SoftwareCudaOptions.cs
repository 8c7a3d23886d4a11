namespace SparseInfer.SoftwareCuda;

/// <summary>What a software device says of itself. At first it is like a Jetson AGX Orin of 8 GiB.</summary>
public sealed record SoftwareCudaOptions
{
    /// <summary>Devices there are: <c>cuda-software</c>, <c>cuda-software:1</c>, ... 0 to 16.</summary>
    public int Devices { get; init; } = 1;

    /// <summary>The architecture, 87 for sm_87. PTX for a later one is refused, as a driver does.</summary>
    public int Architecture { get; init; } = 87;

    /// <summary>Multiprocessors. Kernels are planned for them; they do not make it faster.</summary>
    public int Multiprocessors { get; init; } = 16;

    /// <summary>Bytes of device memory. They are the machine's own, and taken when they are allocated.</summary>
    public long MemoryBytes { get; init; } = 8L << 30;

    /// <summary>The driver's version, 12020 for 12.2. PTX of a later version than it knows is refused; a very old one ILGPU does not accept.</summary>
    public int DriverVersion { get; init; } = 12020;

    /// <summary>Whether the device says that it shares the machine's memory, as a Jetson does.</summary>
    public bool IsIntegrated { get; init; } = true;

    /// <summary>
    /// Called for each device that is opened, before anything is done on it: sets counters and faults where a program opens its device by
    /// itself. Null: nothing is called.
    /// </summary>
    public Action<SoftwareCudaContext>? WhenOpened { get; init; }

    /// <exception cref="ArgumentOutOfRangeException">A value that no device has.</exception>
    internal void Check()
    {
        Require(Devices is >= 0 and <= 16, nameof(Devices), Devices, "0 to 16");
        Require(Architecture is >= 30 and <= 199, nameof(Architecture), Architecture, "30 (sm_30) to 199");
        Require(Multiprocessors is >= 1 and <= 1024, nameof(Multiprocessors), Multiprocessors, "1 to 1024");
        Require(MemoryBytes >= 1, nameof(MemoryBytes), MemoryBytes, "at least 1");
        Require(DriverVersion is >= 1000 and <= 99990, nameof(DriverVersion), DriverVersion, "1000 (1.0) to 99990, 12020 for 12.2");
    }

    private static void Require(bool holds, string name, long value, string range)
    {
        if (!holds)
        {
            throw new ArgumentOutOfRangeException(name, value, $"SoftwareCudaOptions.{name} must be {range}.");
        }
    }
}
