using SparseInfer.Generators.Tests.Execution;

namespace SparseInfer.Ilgpu.Tests;

/// <summary>A software device and the models that tests of one class run on it: ILGPU compiles a model's kernels once.</summary>
public sealed class GpuModels : IDisposable
{
    private readonly Dictionary<string, LoadedModel> _loaded = [];

    public Device Cpu { get; } = Device.Cpu(1);

    public IlgpuDevice Gpu { get; } = TestDevice.Open();

    public void Dispose()
    {
        foreach (LoadedModel loaded in _loaded.Values)
        {
            loaded.Dispose();
        }

        Gpu.Dispose();
        Cpu.Dispose();
    }

    /// <summary>A model on the software device.</summary>
    internal LanguageModel OnGpu(DecoderCase declared) => Get(declared, Gpu);

    /// <summary>The same on the CPU.</summary>
    internal LanguageModel OnCpu(DecoderCase declared) => Get(declared, Cpu);

    private LanguageModel Get(DecoderCase declared, Device device)
    {
        string key = $"{declared.Name} on {device.Name}";
        if (!_loaded.TryGetValue(key, out LoadedModel? loaded))
        {
            _loaded.Add(key, loaded = new LoadedModel(declared, device));
        }

        return loaded.Model;
    }

    private sealed class LoadedModel : IDisposable
    {
        private readonly string _path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName() + ".gguf");

        public LoadedModel(DecoderCase declared, Device device)
        {
            TraitZoo.Weights(declared).Save(_path);
            Model = GpuDecoders.Load(declared, _path, device);
        }

        public LanguageModel Model { get; }

        public void Dispose()
        {
            Model.Dispose();
            File.Delete(_path);
        }
    }
}
