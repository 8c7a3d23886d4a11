using SparseInfer.Generators.Tests.Execution;

namespace SparseInfer.Ilgpu.Tests;

/// <summary>A software device and the models that tests run on it, each loaded once: ILGPU compiles a model's kernels once.</summary>
public abstract class LoadedModels : IDisposable
{
    private readonly Dictionary<(string Name, Device Device), (LanguageModel Model, string Path)> _loaded = [];

    public Device Cpu { get; } = Device.Cpu(1);

    public IlgpuDevice Gpu { get; } = TestDevice.Open();

    public void Dispose()
    {
        foreach ((LanguageModel model, string path) in _loaded.Values)
        {
            model.Dispose();
            File.Delete(path);
        }

        Gpu.Dispose();
        Cpu.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>A model on the software device.</summary>
    internal LanguageModel OnGpu(DecoderCase declared) => Get(declared, Gpu);

    /// <summary>The same on the CPU.</summary>
    internal LanguageModel OnCpu(DecoderCase declared) => Get(declared, Cpu);

    /// <summary>The weights of a model's file.</summary>
    private protected virtual DecoderWeights Weights(DecoderCase declared) => TraitZoo.Weights(declared);

    private protected abstract LanguageModel Load(DecoderCase declared, string path, Device device);

    private LanguageModel Get(DecoderCase declared, Device device)
    {
        if (!_loaded.TryGetValue((declared.Name, device), out (LanguageModel Model, string Path) loaded))
        {
            loaded.Path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName() + ".gguf");
            Weights(declared).Save(loaded.Path);
            loaded.Model = Load(declared, loaded.Path, device);
            _loaded.Add((declared.Name, device), loaded);
        }

        return loaded.Model;
    }
}
