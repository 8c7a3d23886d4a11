using System.Runtime.InteropServices;
using ILGPU;
using ILGPU.Runtime;
using SparseInfer.Kernels.Ilgpu;
using SparseInfer.SoftwareCuda;

namespace SparseInfer.Runtime.Ilgpu.Tests;

/// <summary>How weights come to a device: through page-locked memory, or mapped where they lie.</summary>
public sealed class StagingTests
{
    private const int Rows = 1100;
    private const int Columns = 8192;

    [Theory]
    [InlineData(WeightType.F32)] // 34 MiB: more than the ring holds, so that its parts are used again
    [InlineData(WeightType.Q8_0)]
    public void Large_matrices_arrive_whole_where_copies_are_done_only_when_they_are_waited_for(WeightType type)
    {
        using IlgpuDevice device = TestDevice.Open();
        SoftwareCudaContext driver = SoftwareCudaContext.Of(device);
        driver.Faults.DeferWork = true;
        byte[] row = Numbers.Encode(type, Numbers.Random(Columns, 51));
        byte[] bytes = new byte[Rows * row.Length];
        for (int i = 0; i < Rows; i++)
        {
            row.CopyTo(bytes, i * row.Length);
            bytes[(i * row.Length) + 2] = (byte)i; // within the numbers
        }

        DeclaredMatrix wanted = UploadProgram.Matrix("m.weight", Rows, Columns, type);
        DeviceMatrix matrix = default;
        using (TinyModel model = UploadProgram.Load(
            device,
            [wanted],
            (bind, upload) => matrix = upload.Matrix(bind.Matrix(wanted), Rows, Columns),
            UploadProgram.Tensor("m.weight", type, bytes, Rows, Columns)))
        {
            byte[] words = MemoryMarshal.AsBytes<Words4>(Back(device, matrix.Words)).ToArray();
            int rowBytes = words.Length / Rows;
            for (int i = 0; i < Rows; i++)
            {
                (byte[] expected, _) = Layout.Split(type, bytes.AsSpan(i * row.Length, row.Length).ToArray());
                words.AsSpan(i * rowBytes, rowBytes).SequenceEqual(expected).ShouldBeTrue($"row {i}");
            }
        }

        driver.AllocatedBytes.ShouldBe(0);
    }

    [Fact]
    public void Mapped_weights_take_no_device_memory_and_give_the_same_logits()
    {
        float[] embedding = Numbers.Random(TinyDecoder.Vocabulary * TinyDecoder.Hidden, 52);
        float[] head = Numbers.Random(TinyDecoder.Vocabulary * TinyDecoder.Hidden, 53);
        using IlgpuDevice device = TestDevice.Open();
        SoftwareCudaContext driver = SoftwareCudaContext.Of(device);
        device.CanMapWeights.ShouldBeTrue();
        float[] copied;
        using (TinyModel model = TinyDecoder.Load(device, embedding, head))
        {
            using Session session = model.CreateSession();
            copied = session.Forward([7]).ToArray();
        }

        device.MapWeights = true;
        using (TinyModel model = TinyDecoder.Load(device, embedding, head))
        {
            device.AllocatedBytes.ShouldBe(0, "both matrices are read where they lie");
            using Session session = model.CreateSession();
            session.Forward([7]).ToArray().ShouldBe(copied);
            using TinyModel again = TinyDecoder.Load(device, embedding, head);
        }

        driver.AllocatedBytes.ShouldBe(0);
        device.MapWeights = false;
        using TinyModel last = TinyDecoder.Load(device, embedding, head);
        device.AllocatedBytes.ShouldBeGreaterThan(0);
    }

    [Fact]
    public void A_device_that_fails_with_mapped_weights_is_freed()
    {
        float[] weights = Numbers.Random(TinyDecoder.Vocabulary * TinyDecoder.Hidden, 54);
        IlgpuDevice device = TestDevice.Open();
        SoftwareCudaContext driver = SoftwareCudaContext.Of(device);
        Should.Throw<DeviceLostException>(() =>
        {
            using (device)
            {
                device.MapWeights = true;
                using TinyModel model = TinyDecoder.Load(device, weights, weights);
                using Session session = model.CreateSession();
                driver.Faults.FailLaunch = 1;
                session.Forward([1]);
                session.Forward([1]);
            }
        });
        driver.AllocatedBytes.ShouldBe(0);
    }

    private static T[] Back<T>(IlgpuDevice device, ArrayView<T> view)
        where T : unmanaged
    {
        var values = new T[view.Length];
        device.Use(view, view => view.CopyToCPU(values));
        return values;
    }
}
