using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer;

/// <summary>A feed-forward layer's sizes and function, as declared.</summary>
public sealed record FeedForwardShape
{
    /// <summary>Width of input and output.</summary>
    public required int Hidden { get; init; }

    /// <summary>Number of neurons.</summary>
    public required int Intermediate { get; init; }

    /// <summary>The activation.</summary>
    public required Activation Activation { get; init; }

    /// <summary>FATReLU's threshold; 0 for the others.</summary>
    public required float Threshold { get; init; }

    /// <summary>Gaussian top-k's share of neurons below the cut; 0 for the others.</summary>
    public float Sparsity { get; init; }

    /// <summary>Whether there is a gate.</summary>
    public required bool Gated { get; init; }

    /// <summary>Whether there are biases.</summary>
    public required bool Biases { get; init; }

    /// <summary>Every property, in the invariant culture.</summary>
    public override string ToString() => RecordText.Of(
        nameof(FeedForwardShape),
        (nameof(Hidden), Hidden),
        (nameof(Intermediate), Intermediate),
        (nameof(Activation), Activation),
        (nameof(Threshold), Threshold),
        (nameof(Sparsity), Sparsity),
        (nameof(Gated), Gated),
        (nameof(Biases), Biases));
}

/// <summary>
/// A feed-forward layer alone, for models of one's own: what a static partial property with <see cref="FeedForwardAttribute"/>
/// returns. The property always returns the same object; <see cref="New"/> makes further layers of the same kind.
/// </summary>
public abstract class FeedForwardKernel : IDisposable
{
    private protected FeedForwardKernel(FeedForwardShape shape) => Shape = shape;

    /// <summary>What was declared.</summary>
    public FeedForwardShape Shape { get; }

    /// <summary>What is skipped; may change between calls.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is none of <see cref="SparsityMode"/>.</exception>
    public SparsityMode Mode { get; set => field = EnumArgument.Require(value); } = SparsityMode.Predicted;

    /// <summary>Count what is skipped (<see cref="ReadMetrics"/>). Slow: what was skipped is computed to judge the predictor.</summary>
    public bool Metering { get; set; }

    /// <summary>Another layer of the same kind, without weights.</summary>
    public abstract FeedForwardKernel New();

    /// <summary>Prepares weights, in place of any there were.</summary>
    /// <param name="weights">The matrices, and biases where declared.</param>
    /// <param name="device">Where it runs; it must outlive this. Null: the CPU, on the calling thread.</param>
    /// <exception cref="ArgumentException">A matrix is missing, or has another size than declared, or holds what is not finite.</exception>
    /// <exception cref="NotSupportedException">The layer was not generated for such a device.</exception>
    public abstract void Load(FeedForwardWeights weights, Device? device = null);

    /// <summary>Computes the layer for one input.</summary>
    /// <param name="x">[Hidden], finite.</param>
    /// <param name="y">[Hidden], overwritten.</param>
    /// <exception cref="ArgumentException">
    /// A span has another length, or an element of <paramref name="x"/> is NaN or infinite: the first is named, and <paramref name="y"/> is as
    /// it was. So it is on every device, with every weight type and in every mode.
    /// </exception>
    /// <exception cref="InvalidOperationException">No weights are loaded.</exception>
    public abstract void Forward(ReadOnlySpan<float> x, Span<float> y);

    /// <summary>What was done while <see cref="Metering"/> was on.</summary>
    public abstract LayerMetrics ReadMetrics();

    /// <summary>Sets the meters to zero.</summary>
    public abstract void ResetMetrics();

    /// <summary>Frees the weights; <see cref="Load"/> may be called again.</summary>
    public abstract void Dispose();

    /// <exception cref="ArgumentException">A vector is not as wide as declared.</exception>
    private protected void RequireLength(int length, string name)
    {
        if (length != Shape.Hidden)
        {
            throw new ArgumentException($"{name}.Length is {length}, but Hidden = {Shape.Hidden} is declared.", name);
        }
    }

    /// <summary>
    /// A zero that is skipped hides what it would have been multiplied by, and how NaN goes through a comparison differs between processors:
    /// an input that is not finite would have no one result.
    /// </summary>
    /// <exception cref="ArgumentException">An element is not finite.</exception>
    private protected static void RequireFinite(ReadOnlySpan<float> x)
    {
        nint place = F32.FirstNonFinite(ref Unsafe.As<float, byte>(ref MemoryMarshal.GetReference(x)), x.Length);
        if (place >= 0)
        {
            throw new ArgumentException(
                string.Create(CultureInfo.InvariantCulture, $"x[{place}] is {x[(int)place]}: a layer's input must be finite numbers."), nameof(x));
        }
    }
}

/// <summary>A matrix as a layer is given it: row-major, rows without padding.</summary>
public sealed class WeightTensor
{
    private WeightTensor(WeightType? type, ReadOnlyMemory<byte> bytes, float[]? values)
    {
        Type = type;
        Bytes = bytes;
        Values = values;
    }

    /// <summary>The type of <see cref="Bytes"/>; null for values that take the declared type.</summary>
    public WeightType? Type { get; }

    internal ReadOnlyMemory<byte> Bytes { get; }

    internal float[]? Values { get; }

    /// <summary>
    /// Values that are stored in the type of the layer's other matrices where these are given as bytes, else in the first declared weight
    /// type; rounded as that type needs.
    /// </summary>
    /// <param name="values">[rows x columns].</param>
    public static WeightTensor From(float[] values)
    {
        ArgumentNullException.ThrowIfNull(values);
        return new WeightTensor(null, default, values);
    }

    /// <summary>Bytes as a model file has them.</summary>
    /// <param name="type">Their type.</param>
    /// <param name="bytes">The rows, one after the other; block types in ggml's layout.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="type"/> is none of <see cref="WeightType"/>.</exception>
    public static WeightTensor From(WeightType type, ReadOnlyMemory<byte> bytes) =>
        new(EnumArgument.Require(type, nameof(type)), bytes, null);

    /// <summary>What it is given as: <c>8192 values</c>, <c>16384 bytes of F16</c>.</summary>
    public override string ToString() => Values is null
        ? FormattableString.Invariant($"{Bytes.Length} bytes of {Type}")
        : FormattableString.Invariant($"{Values.Length} values");

    /// <summary>Same as <see cref="From(float[])"/>.</summary>
    /// <param name="values">[rows x columns].</param>
    public static implicit operator WeightTensor(float[] values) => From(values);
}

/// <summary>The weights of a feed-forward layer.</summary>
public sealed record FeedForwardWeights
{
    /// <summary>[Intermediate x Hidden]; only for gated layers.</summary>
    public WeightTensor? Gate { get; init; }

    /// <summary>[Intermediate x Hidden]. Without a gate it is the first matrix, and the activation's.</summary>
    public required WeightTensor Up { get; init; }

    /// <summary>[Hidden x Intermediate].</summary>
    public required WeightTensor Down { get; init; }

    /// <summary>[Intermediate]; only where biases are declared and there is a gate.</summary>
    public float[]? GateBias { get; init; }

    /// <summary>[Intermediate]; only where biases are declared.</summary>
    public float[]? UpBias { get; init; }

    /// <summary>[Hidden]; only where biases are declared.</summary>
    public float[]? DownBias { get; init; }

    /// <summary>What each matrix is given as, and how long each bias is.</summary>
    public override string ToString() => RecordText.Of(
        nameof(FeedForwardWeights),
        (nameof(Gate), Gate),
        (nameof(Up), Up),
        (nameof(Down), Down),
        (nameof(GateBias), Length(GateBias)),
        (nameof(UpBias), Length(UpBias)),
        (nameof(DownBias), Length(DownBias)));

    private static string? Length(float[]? bias) => bias is null ? null : FormattableString.Invariant($"{bias.Length} values");
}
