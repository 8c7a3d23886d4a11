using SparseInfer.Generators.Tests.Execution;

namespace SparseInfer.Ilgpu.Tests;

/// <summary>
/// Those of <see cref="GpuDecoders"/>, for the classes that run them: one after the other, since they share the device and its counters. What one of them compiled the next one
/// has, which saves more than two at once would.
/// </summary>
[CollectionDefinition(nameof(GpuModels))]
public sealed class GpuModels : LoadedModels, ICollectionFixture<GpuModels>
{
    private protected override LanguageModel Load(DecoderCase declared, string path, Device device) => GpuDecoders.Load(declared, path, device);
}
