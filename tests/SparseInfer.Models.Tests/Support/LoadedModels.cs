using System.Collections.Concurrent;
using Models;
using SparseInfer.Models.Tests;

[assembly: AssemblyFixture(typeof(LoadedModels))]

namespace SparseInfer.Models.Tests;

/// <summary>A declared model and the file it is loaded from.</summary>
public enum Loaded
{
    ReluF16,
    ReluF32,
    ReluF16Safetensors,
    ReluF32Safetensors,

    /// <summary>Several types declared, the file with one of them.</summary>
    ReluSeveralTypes,

    /// <summary>Several types declared, the file with all of them: <see cref="MixedFile"/>.</summary>
    ReluMixedFile,

    /// <summary>That file again, all weights widened to F32 when they are loaded.</summary>
    ReluMixedFileWidened,
    Stories260KF32,
    Stories260KF16,
}

/// <summary>Models and devices that tests share; each model is loaded when it is first asked for.</summary>
public sealed class LoadedModels : IDisposable
{
    private readonly ConcurrentDictionary<int, Lazy<CpuDevice>> _devices = new();
    private readonly ConcurrentDictionary<(Loaded, int), Lazy<LanguageModel>> _models = new();
    private readonly TemporaryFolder _folder = new();
    private readonly Lazy<string> _mixedFile;

    public LoadedModels() => _mixedFile = new Lazy<string>(() => MixedFile.Write(_folder.At("mixed.gguf")));

    public CpuDevice Device(int threads) =>
        _devices.GetOrAdd(threads, count => new Lazy<CpuDevice>(() => SparseInfer.Device.Cpu(count))).Value;

    /// <summary>A model on a device of so many threads. Belongs to this.</summary>
    public LanguageModel Get(Loaded model, int threads = 1) =>
        _models.GetOrAdd((model, threads), _ => new Lazy<LanguageModel>(() => Load(model, threads))).Value;

    /// <summary>The same, loaded anew. Belongs to the caller.</summary>
    public LanguageModel Load(Loaded model, int threads)
    {
        CpuDevice device = Device(threads);
        var withTokenizer = new LoadOptions { TokenizerPath = BundledFiles.ReluGguf };
        return model switch
        {
            Loaded.ReluF16 => ReluF16.Load(BundledFiles.ReluGguf, device),
            Loaded.ReluF32 => ReluF32.Load(BundledFiles.ReluGguf, device),
            Loaded.ReluF16Safetensors => ReluF16.Load(BundledFiles.ReluSafetensors, device, withTokenizer),
            Loaded.ReluF32Safetensors => ReluF32.Load(BundledFiles.ReluSafetensors, device, withTokenizer),
            Loaded.ReluSeveralTypes => ReluMixed.Load(BundledFiles.ReluGguf, device),
            Loaded.ReluMixedFile => ReluMixed.Load(_mixedFile.Value, device),
            Loaded.ReluMixedFileWidened => ReluF32.Load(_mixedFile.Value, device),
            Loaded.Stories260KF32 => Stories260KF32.Load(BundledFiles.Stories260KGguf, device),
            Loaded.Stories260KF16 => Stories260KF16.Load(BundledFiles.Stories260KGguf, device, new LoadOptions { ConvertWeights = true }),
            _ => throw new ArgumentOutOfRangeException(nameof(model), model, null),
        };
    }

    public void Dispose()
    {
        foreach (Lazy<LanguageModel> model in _models.Values)
        {
            model.Value.Dispose();
        }

        foreach (Lazy<CpuDevice> device in _devices.Values)
        {
            device.Value.Dispose();
        }

        _folder.Dispose();
    }
}
