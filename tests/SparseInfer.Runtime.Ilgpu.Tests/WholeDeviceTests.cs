using SparseInfer.SoftwareCuda;

namespace SparseInfer.Runtime.Ilgpu.Tests;

/// <summary>Tests that need the software device for themselves: they fill its memory, or change what it says of itself.</summary>
[CollectionDefinition(nameof(WholeDevice), DisableParallelization = true)]
public sealed class WholeDevice;

/// <inheritdoc cref="WholeDevice"/>
[Collection(nameof(WholeDevice))]
public sealed class WholeDeviceTests : IDisposable
{
    private const int Count = TinyDecoder.Vocabulary * TinyDecoder.Hidden;
    private static readonly float[] Embedding = Numbers.Random(Count, 41);
    private static readonly float[] Head = Numbers.Random(Count, 42);

    private readonly SoftwareCudaOptions _options = SoftwareCudaBackend.Options;

    public void Dispose() => SoftwareCudaBackend.Options = _options;

    [Fact]
    public void Without_room_at_any_allocation_of_a_load_or_a_session_nothing_is_left_and_the_device_works_on()
    {
        SoftwareCudaBackend.Options = _options with { MemoryBytes = 1 << 20 };
        using IlgpuDevice device = TestDevice.Open();
        SoftwareCudaContext driver = SoftwareCudaContext.Of(device);
        long needed = Needed(device, driver);
        int refused = 0;
        for (long room = 0; room < needed; room += needed / 24)
        {
            using DeviceBuffer<byte> rest = device.Allocate<byte>(device.Info.MemoryBytes - room, "the test");
            long before = driver.AllocatedBytes;
            TinyModel? model = null;
            try
            {
                model = TinyDecoder.Load(device, Embedding, Head);
                using Session session = model.CreateSession();
                session.Forward([1]);
            }
            catch (InsufficientDeviceMemoryException)
            {
                refused++;
            }

            model?.Dispose();
            driver.AllocatedBytes.ShouldBe(before, $"{room} bytes of {needed}");
        }

        refused.ShouldBeGreaterThan(20);
        Needed(device, driver).ShouldBe(needed);
        driver.AllocatedBytes.ShouldBe(0);
    }

    [Fact]
    public void An_old_driver_is_an_error_that_names_its_version_and_what_to_update()
    {
        SoftwareCudaBackend.Options = _options with { DriverVersion = 7050 };
        string message = Should.Throw<ArgumentException>(() => TestDevice.Open()).Message;
        message.ShouldContain("for CUDA 7.5");
        message.ShouldContain("Update the driver, or JetPack");
    }

    [Fact]
    public void A_device_with_memory_of_its_own_maps_no_weights()
    {
        SoftwareCudaBackend.Options = _options with { IsIntegrated = false };
        using IlgpuDevice device = TestDevice.Open();
        device.CanMapWeights.ShouldBeFalse();
        Should.Throw<NotSupportedException>(() => device.MapWeights = true).Message.ShouldContain("IlgpuDevice.MapWeights");
        device.MapWeights = false;
        device.MapWeights.ShouldBeFalse();
    }

    private static long Needed(IlgpuDevice device, SoftwareCudaContext driver)
    {
        using TinyModel model = TinyDecoder.Load(device, Embedding, Head);
        using Session session = model.CreateSession();
        session.Forward([1]);
        return driver.AllocatedBytes;
    }
}
