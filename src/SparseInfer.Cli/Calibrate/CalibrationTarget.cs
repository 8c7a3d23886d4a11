using System.Globalization;

namespace SparseInfer.Cli.Calibrate;

/// <summary>What a target is a number of.</summary>
internal enum TargetKind
{
    /// <summary>Of the skipped neurons of a layer, the share that is inactive.</summary>
    Precision,

    /// <summary>What is left of a layer's feed-forward: 1 - |y - y_sparse| / |residual|, a token's mean.</summary>
    Contribution,

    /// <summary>How much perplexity of the whole model may rise.</summary>
    Perplexity,

    /// <summary>How much is skipped, whatever that costs: the share of a layer's neurons, or of the channels of an input.</summary>
    Skipped,
}

/// <summary>What strengths have to keep, or to skip.</summary>
/// <param name="Kind">Of what.</param>
/// <param name="Value">A share: 0.01 is 1%.</param>
/// <param name="Text">As it was given.</param>
internal sealed record CalibrationTarget(TargetKind Kind, double Value, string Text)
{
    /// <summary>How a target is written.</summary>
    public const string Forms = "precision=0.995, contribution=0.99, perplexity=1% or skipped=0.25";

    public static CalibrationTarget Default { get; } = new(TargetKind.Contribution, 0.99, "contribution=0.99");

    /// <summary>As it was given: what help shows.</summary>
    public override string ToString() => Text;

    public static (bool Valid, CalibrationTarget Value) Parse(string text)
    {
        string[] parts = text.Split('=');
        if (parts.Length != 2 || !Enum.GetNames<TargetKind>().Contains(parts[0], StringComparer.OrdinalIgnoreCase))
        {
            return default;
        }

        TargetKind kind = Enum.Parse<TargetKind>(parts[0], ignoreCase: true);
        bool isPercent = parts[1].EndsWith('%');
        string number = isPercent ? parts[1][..^1] : parts[1];
        double value = double.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double read) ? read / (isPercent ? 100 : 1) : double.NaN;
        return (value > 0 && kind switch { TargetKind.Perplexity => value <= 10, TargetKind.Skipped => value < 1, _ => value <= 1 }, new(kind, value, text));
    }
}
