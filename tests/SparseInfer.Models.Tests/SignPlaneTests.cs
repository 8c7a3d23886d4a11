using Models;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Models.Tests;

/// <summary>Which layers' signs are packed. Alone, because the process's memory is counted.</summary>
[Collection(nameof(Alone))]
public sealed class SignPlaneTests(LoadedModels models)
{
    [Fact]
    public void Only_layers_that_predict_have_their_signs_packed()
    {
        // The same file, used in place: what is allocated beside it differs by the planes, of 1024 rows of 256 bits.
        const long Plane = 1024 * 256 / 8;
        long predicted = Allocated(() => ReluAlpha100.Load(BundledFiles.ReluGguf, models.Device(1)));
        long partly = Allocated(() => ReluF16.Load(BundledFiles.ReluGguf, models.Device(1)));
        (predicted - partly).ShouldBe(4 * Plane, "layers 1 to 4 do not predict");
    }

    private static long Allocated(Func<LanguageModel> load)
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        long before = NativeBuffer.AllocatedBytes;
        using LanguageModel model = load();
        return NativeBuffer.AllocatedBytes - before;
    }
}
