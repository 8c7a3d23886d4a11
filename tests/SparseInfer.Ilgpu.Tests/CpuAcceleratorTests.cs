using SparseInfer.Generators.Tests.Execution;

namespace SparseInfer.Ilgpu.Tests;

/// <summary>
/// Generated programs on ILGPU's own CPU accelerator, which runs their C# as it is: what an instruction of one kind of device takes the place
/// of has to be right too. Small, for it takes a thread of the system for each lane.
/// </summary>
public sealed class CpuAcceleratorTests
{
    [Theory]
    [InlineData("LittleBytes", SparsityMode.Predicted)]
    [InlineData("LittleNibbles", SparsityMode.Dense)]
    public void A_token_has_the_logits_that_the_software_device_gives_it(string name, SparsityMode mode)
    {
        DecoderCase declared = GpuDecoders.Find(name);
        var weights = new DecoderWeights(declared);
        IlgpuBackend.Register();
        using Device accelerator = Device.Open("ilgpu-cpu");
        using IlgpuDevice software = TestDevice.Open();

        float[] expected = GpuDecoders.With(declared, weights, software, Run);
        float[] actual = GpuDecoders.With(declared, weights, accelerator, Run);

        float most = expected.Max(MathF.Abs);
        expected.Zip(actual, (a, b) => MathF.Abs(a - b)).Max().ShouldBeLessThan(1e-4f * most);

        float[] Run(LanguageModel model)
        {
            using Session session = model.CreateSession(new SessionOptions { Mode = (UserMode)mode, CacheType = KeyValueType.F32 });
            return session.Forward([1]).ToArray();
        }
    }
}
