using SparseInfer.Generators.Ilgpu;
using SparseInfer.Generators.Policies.SignBit;
using SparseInfer.Generators.Tests.Execution;
using SparseInfer.SoftwareCuda;
using ReferencePolicy = SparseInfer.Generators.Tests.Execution.LayerPolicy;

namespace SparseInfer.Ilgpu.Tests;

/// <summary>What a generated kernel is told of when it is given what it must not have: which kernel, what it did, and where.</summary>
public sealed class KernelFaultTests : IDisposable
{
    private static readonly LayerCase Layer = new(100, 300, Activation.Relu, WeightType.F16, Gated: true, Biases: false, ReferencePolicy.None);

    private readonly IlgpuDevice _device = TestDevice.Open();

    public static TheoryData<string> Kernels { get; } = ["Dense", "Exact", "SignBit"];

    /// <summary>ILGPU's views of a buffer that is gone begin at address 0.</summary>
    [Theory]
    [MemberData(nameof(Kernels))]
    public void Weights_that_were_freed_are_no_memory(string kernel)
    {
        using UploadedLayer uploaded = Upload(Layer);
        KernelFaultException fault = Caught(kernel, uploaded, uploaded.Dispose);

        fault.Kind.ShouldBe(KernelFaultKind.OutOfBounds);
        fault.Message.ShouldContain("in no allocation");
        fault.Address.ShouldBeInRange(0, Layer.Hidden * Layer.Intermediate * sizeof(ushort) * 2);
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void Weights_of_a_layer_with_fewer_neurons_are_read_beyond_their_end(string kernel)
    {
        using UploadedLayer uploaded = Upload(Layer with { Intermediate = Layer.Intermediate / 2 });
        KernelFaultException fault = Caught(kernel, uploaded, static () => { });

        fault.Kind.ShouldBe(KernelFaultKind.OutOfBounds);
        fault.Message.ShouldContain("in no allocation");
        fault.Message.ShouldContain("behind an allocation");
    }

    public void Dispose() => _device.Dispose();

    private UploadedLayer Upload(LayerCase layer) => new(_device, layer, new LayerData(layer));

    private KernelFaultException Caught(string kernel, UploadedLayer uploaded, Action before)
    {
        (IlgpuFeedForwardPlan plan, string text) = FeedForwardKernels.Emit(Layer);
        using var kernels = new FeedForwardKernels(_device, FeedForwardKernels.Compile([text]), plan);
        object weights = uploaded.As(kernels.Weights);
        before();

        string message = Should.Throw<DeviceLostException>(
            () => kernels.Launch(kernel, weights, kernel == "SignBit" ? SignBitThreshold.Of("1", Layer.Hidden) : null)).Message;

        KernelFaultException fault = SoftwareCudaContext.Of(_device).Fault.ShouldNotBeNull();
        fault.Kernel.ShouldBe(kernel);
        fault.Instruction.ShouldStartWith("ld.global");
        fault.Group.X.ShouldBeInRange(0, plan.Slices - 1);
        message.ShouldStartWith("Device 'cuda-software' failed: ");
        message.ShouldContain($"Kernel {kernel}: ");
        message.ShouldContain($"line {fault.Line} `ld.global");
        return fault;
    }
}
