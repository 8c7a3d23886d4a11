using SparseInfer.Generators.Tests.Execution;

namespace SparseInfer.Ilgpu.Tests;

/// <summary>What runs on the stand-in and on ILGPU's own CPU accelerator alike: small, for that takes a thread of the system for each lane.</summary>
public sealed class AnyIlgpuTests
{
    [Theory]
    [InlineData(SparsityMode.Dense)]
    [InlineData(SparsityMode.Predicted)]
    public void AGeneratedDecoderHasTheLogitsOfTheCpu(SparsityMode mode)
    {
        DecoderCase declared = GpuDecoders.Find("Plain");
        var weights = new DecoderWeights(declared);
        using Device cpu = Device.Cpu(1);
        using IlgpuDevice gpu = TestDevice.Open();

        float[] expected = GpuDecoders.With(declared, weights, cpu, model => Run(model, mode));
        float[] actual = GpuDecoders.With(declared, weights, gpu, model => Run(model, mode));

        float most = expected.Max(MathF.Abs);
        expected.Zip(actual, (a, b) => MathF.Abs(a - b)).Max().ShouldBeLessThan(1e-4f * most);
    }

    [Fact]
    public void OnlyLayersThatPredictHaveSignsOnTheDevice()
    {
        using IlgpuDevice gpu = TestDevice.Open();
        long Bytes(DecoderCase declared) => GpuDecoders.With(declared, new DecoderWeights(declared), gpu, _ => gpu.AllocatedBytes);

        // A plane has a bit for each weight of the first matrix: a row of 128 signs, 16 bytes, for each of 70 neurons.
        (Bytes(GpuDecoders.EvenPredicted) - Bytes(GpuDecoders.Even)).ShouldBe(70 * 16);
        gpu.AllocatedBytes.ShouldBe(0);
    }

    private static float[] Run(LanguageModel model, SparsityMode mode)
    {
        using Session session = model.CreateSession(new SessionOptions { Mode = mode, CacheType = KeyValueType.F32 });
        float[] first = session.Forward([1]).ToArray();
        return [.. first, .. session.Forward([2])];
    }
}
