namespace SparseInfer;

/// <summary>What knows the devices of one library. An assembly that runs models elsewhere than on the CPU registers one.</summary>
public abstract class DeviceProvider
{
    /// <summary>The names of this machine's devices that can be used.</summary>
    public abstract IReadOnlyList<string> Names { get; }

    /// <summary>The name of the device that a user who does not choose should get; null: the CPU is better than all of these.</summary>
    public abstract string? Best { get; }

    /// <summary>Opens a device.</summary>
    /// <param name="name">Its name.</param>
    /// <returns>The device, the caller's to dispose; null where the name is none of <see cref="Names"/>, or another name for one of them.</returns>
    public abstract Device? TryOpen(string name);

    /// <summary>Why a device of this kind cannot be used, and what would help; null for names that are nothing to this provider.</summary>
    /// <param name="name">A name that <see cref="TryOpen"/> did not take.</param>
    public abstract string? Explain(string name);
}

/// <summary>The providers that were registered, in order.</summary>
internal static class DeviceProviders
{
    private static readonly Lock Gate = new();
    private static volatile DeviceProvider[] _all = [];

    public static IReadOnlyList<DeviceProvider> All => _all;

    public static void Add(DeviceProvider provider)
    {
        ArgumentNullException.ThrowIfNull(provider);
        lock (Gate)
        {
            if (!_all.Contains(provider))
            {
                _all = [.. _all, provider];
            }
        }
    }
}
