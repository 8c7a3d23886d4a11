using SparseInfer.Serving;

namespace SparseInfer.Extensions.AI;

/// <summary>The service of a client or a generator, and what of it ends with that.</summary>
/// <param name="service">The service.</param>
/// <param name="ownsService">Whether it was made for the holder.</param>
/// <param name="ownsModel">Whether its model was.</param>
internal sealed class HeldService(ModelService service, bool ownsService, bool ownsModel) : IAsyncDisposable
{
    public ModelService Service => service;

    /// <summary>What <c>GetService</c> of the holder finds.</summary>
    public object? Find(object holder, object metadata, Type wanted, object? key)
    {
        ArgumentNullException.ThrowIfNull(wanted, "serviceType");
        return key is not null ? null : Array.Find([holder, metadata, service, service.Model], wanted.IsInstanceOfType);
    }

    public async ValueTask DisposeAsync()
    {
        if (ownsService)
        {
            await service.DisposeAsync().ConfigureAwait(false);
        }

        if (ownsModel)
        {
            service.Model.Dispose();
        }
    }
}
