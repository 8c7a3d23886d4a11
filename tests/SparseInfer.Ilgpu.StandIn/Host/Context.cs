using System.Collections.Immutable;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace ILGPU;

/// <summary>The devices that were asked for, and found.</summary>
public sealed class Context : Util.DisposeBase
{
    public const string RuntimeAssemblyName = "ILGPURuntime";

    public const string AssemblyName = "ILGPU";

    private Context(Builder builder)
    {
        Properties = builder;
        Devices = builder.DeviceRegistry.Count == 0 ? [CPUDevice.Default] : builder.DeviceRegistry.ToImmutable();
    }

    public event EventHandler<Accelerator>? AcceleratorCreated;

    /// <summary>The version of ILGPU whose signatures the stand-in has.</summary>
    public static string Version => "1.5.3";

    public ImmutableArray<Device> Devices { get; }

    public ContextProperties Properties { get; }

    public static Builder Create() => new();

    public static Context Create(Action<Builder> buildingCallback)
    {
        ArgumentNullException.ThrowIfNull(buildingCallback);
        var builder = Create();
        buildingCallback(builder);
        return builder.ToContext();
    }

    public static Context CreateDefault() => Create(builder => builder.Default());

    public TDevice GetDevice<TDevice>(int deviceIndex)
        where TDevice : Device => GetDevices<TDevice>()[deviceIndex];

    public DeviceCollection<TDevice> GetDevices<TDevice>()
        where TDevice : Device => new([.. Devices.OfType<TDevice>()]);

    public Device GetPreferredDevice(bool preferCPU) => Devices[0];

    public ImmutableArray<Device>.Enumerator GetEnumerator() => Devices.GetEnumerator();

    internal void OnAcceleratorCreated(Accelerator accelerator) => AcceleratorCreated?.Invoke(this, accelerator);

    /// <summary>The devices of one kind.</summary>
    public readonly ref struct DeviceCollection<TDevice>
        where TDevice : Device
    {
        private readonly TDevice[] _devices;

        internal DeviceCollection(TDevice[] devices)
        {
            _devices = devices;
        }

        public int Count => _devices.Length;

        public TDevice this[int deviceIndex]
        {
            get
            {
                ArgumentOutOfRangeException.ThrowIfNegative(deviceIndex);
                return deviceIndex < Count
                    ? _devices[deviceIndex]
                    : throw new NotSupportedException($"There is no {typeof(TDevice).Name} with index {deviceIndex}.");
            }
        }

        public Enumerator GetEnumerator() => new(_devices);

        /// <summary>Walks the devices.</summary>
        public ref struct Enumerator
        {
            private readonly TDevice[] _devices;
            private int _index;

            internal Enumerator(TDevice[] devices)
            {
                _devices = devices;
                _index = -1;
            }

            public readonly TDevice Current => _devices[_index];

            public bool MoveNext() => ++_index < _devices.Length;
        }
    }

    /// <summary>Says what a context shall have.</summary>
    public sealed class Builder : ContextProperties
    {
        internal Builder()
        {
        }

        internal DeviceRegistry DeviceRegistry { get; } = new();

        public Builder Default() => AllAccelerators();

        public Builder AllAccelerators() => this.DefaultCPU().OpenCL().Cuda();

        public Builder AllAccelerators(Predicate<Device> predicate) => this.CPU(predicate).OpenCL(predicate).Cuda(predicate);

        public Builder Inlining(InliningMode inliningMode)
        {
            InliningMode = inliningMode;
            return this;
        }

        public Builder DebugSymbols(DebugSymbolsMode debugSymbolsMode)
        {
            DebugSymbolsMode = debugSymbolsMode;
            return this;
        }

        public Builder Assertions()
        {
            EnableAssertions = true;
            return this;
        }

        public Builder Verify()
        {
            EnableVerifier = true;
            return this;
        }

        public Builder Math(MathMode mathMode)
        {
            MathMode = mathMode;
            return this;
        }

        public Builder Caching(CachingMode cachingMode)
        {
            CachingMode = cachingMode;
            return this;
        }

        public Builder Debug() => Optimize(OptimizationLevel.Debug);

        public Builder Release() => Optimize(OptimizationLevel.Release);

        public Builder Optimize(OptimizationLevel level)
        {
            OptimizationLevel = level;
            return this;
        }

        public Builder PageLocking(PageLockingMode mode)
        {
            PageLockingMode = mode;
            return this;
        }

        public Builder Profiling()
        {
            EnableProfiling = true;
            return this;
        }

        public Context ToContext() => new(this);
    }
}
