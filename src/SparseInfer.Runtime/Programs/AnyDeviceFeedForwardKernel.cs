namespace SparseInfer.Runtime;

/// <summary>
/// A feed-forward layer that was generated for several kinds of devices: which of its programs runs is decided where weights are loaded.
/// For generated code.
/// </summary>
public sealed class AnyDeviceFeedForwardKernel : FeedForwardKernel
{
    private readonly Func<Device?, FeedForwardKernel> _create;
    private readonly Lock _lock = new();
    private FeedForwardKernel? _kernel;

    /// <summary>Takes over what was declared.</summary>
    /// <param name="shape">The declared shape.</param>
    /// <param name="create">Makes the layer for a device; null stands for the CPU.</param>
    public AnyDeviceFeedForwardKernel(FeedForwardShape shape, Func<Device?, FeedForwardKernel> create)
        : base(shape) => _create = create;

    /// <inheritdoc/>
    public override FeedForwardKernel New() => new AnyDeviceFeedForwardKernel(Shape, _create);

    /// <inheritdoc/>
    public override void Load(FeedForwardWeights weights, Device? device = null)
    {
        lock (_lock)
        {
            Dispose();
            FeedForwardKernel kernel = _create(device);
            kernel.Load(weights, device);
            _kernel = kernel;
        }
    }

    /// <inheritdoc/>
    public override void Forward(ReadOnlySpan<float> x, Span<float> y)
    {
        RequireLength(x.Length, nameof(x));
        RequireLength(y.Length, nameof(y));
        lock (_lock)
        {
            FeedForwardKernel kernel = _kernel ?? throw new InvalidOperationException("No weights are loaded: call Load first.");
            kernel.Mode = Mode;
            kernel.Metering = Metering;
            kernel.Forward(x, y);
        }
    }

    /// <inheritdoc/>
    public override LayerMetrics ReadMetrics()
    {
        lock (_lock)
        {
            return _kernel?.ReadMetrics() ?? new LayerMetrics(0, default, Shape.Intermediate);
        }
    }

    /// <inheritdoc/>
    public override void ResetMetrics()
    {
        lock (_lock)
        {
            _kernel?.ResetMetrics();
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        lock (_lock)
        {
            _kernel?.Dispose();
            _kernel = null;
        }
    }
}
