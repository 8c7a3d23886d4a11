namespace SparseInfer.Cli.Calibrate;

/// <summary>What thresholds of input channels are found for: a profile of <c>[InputThreshold]</c>.</summary>
internal sealed record ChannelOptions : ObservationOptions
{
    /// <summary>The inputs that get one, in the order of <see cref="ChannelInput.All"/>.</summary>
    public required IReadOnlyList<ChannelInput> Inputs { get; init; }

    /// <summary>The share of an input's channels to leave out.</summary>
    public required CalibrationTarget Target { get; init; }
}
