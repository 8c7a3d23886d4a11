namespace SparseInfer;

/// <summary>
/// Declares which GPU a model's or a layer's program is planned for: how many groups share a feed-forward follows from it. Any GPU runs
/// the result, and results differ only in the order of sums. Optional: without it a mid-size device is planned for. The CPU's program
/// does not depend on it.
/// </summary>
/// <param name="device">
/// A device, <c>"orin-agx-64"</c>, or an architecture, <c>"sm_87"</c>: its widest device. docs/gpu-cost-model.md lists them.
/// </param>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Property, Inherited = false)]
public sealed class TargetAttribute(string device) : Attribute
{
    /// <summary>The device or architecture, as declared.</summary>
    public string Device { get; } = device;
}
