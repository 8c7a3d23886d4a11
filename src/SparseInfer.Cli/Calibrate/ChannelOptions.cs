namespace SparseInfer.Cli.Calibrate;

/// <summary>What thresholds of input channels are found for: a profile of <c>[InputThreshold]</c>.</summary>
internal sealed record ChannelOptions : ObservationOptions
{
    /// <summary>The inputs that get one, in the order of <see cref="ChannelInput.All"/>.</summary>
    public required IReadOnlyList<ChannelInput> Inputs { get; init; }

    /// <summary>What channels lie around.</summary>
    public ChannelCentre Centre { get; init; }

    /// <summary>Whether a channel's magnitude is multiplied by the norm of its weights, where the attribute does so.</summary>
    public bool ColumnNorms { get; init; }

    /// <summary>The share of an input's channels to leave out, or what has to be left of what it is multiplied to, or of the model.</summary>
    public required CalibrationTarget Target { get; init; }
}

/// <summary>What an input's channels are taken to lie around.</summary>
internal enum ChannelCentre
{
    /// <summary>0: TEAL.</summary>
    Zero,

    /// <summary>The median of what the model shows (SCAP).</summary>
    Median,

    /// <summary>Where it is densest (SCAP).</summary>
    Mode,
}
