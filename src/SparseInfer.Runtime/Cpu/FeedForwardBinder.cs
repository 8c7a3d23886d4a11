using SparseInfer.Kernels.Cpu;
using SparseInfer.Loading;

namespace SparseInfer.Runtime;

/// <summary>Checks and prepares the weights of a feed-forward layer that stands alone. For generated code.</summary>
public sealed unsafe class FeedForwardBinder
{
    private readonly FeedForwardShape _shape;

    internal FeedForwardBinder(FeedForwardShape shape, WeightType[] types, bool mixesDown, FeedForwardWeights weights, NativeMemoryPool memory)
    {
        _shape = shape;
        Memory = memory;
        Type = CommonType(types, mixesDown ? [weights.Gate, weights.Up] : [weights.Gate, weights.Up, weights.Down]);
        DownType = mixesDown && weights.Down.Type is not null ? CommonType(types, [weights.Down]) : Type;
        Require(shape.Gated, weights.Gate, nameof(weights.Gate), "Gated");
        Require(shape.Biases && shape.Gated, weights.GateBias, nameof(weights.GateBias), "Biases");
        Require(shape.Biases, weights.UpBias, nameof(weights.UpBias), "Biases");
        Require(shape.Biases, weights.DownBias, nameof(weights.DownBias), "Biases");
        if (weights.Gate is { } gate)
        {
            Gate = Matrix(gate, nameof(Gate), shape.Intermediate, shape.Hidden);
        }

        Up = Matrix(weights.Up, nameof(Up), shape.Intermediate, shape.Hidden);
        NativeBuffer source = Source(weights.Down, nameof(Down), DownType, shape.Hidden, shape.Intermediate);
        using (source)
        {
            Down = WeightFormat.For(DownType).PackDown(source.Address, shape.Hidden, shape.Intermediate, out NativeBuffer owner);
            memory.Own(owner);
        }

        GateBias = Vector(weights.GateBias, nameof(GateBias), shape.Intermediate);
        UpBias = Vector(weights.UpBias, nameof(UpBias), shape.Intermediate);
        DownBias = Vector(weights.DownBias, nameof(DownBias), shape.Hidden);
    }

    /// <summary>The type that gate and up are in; down too, where it cannot have one of its own.</summary>
    public WeightType Type { get; }

    /// <summary>The type that down is in.</summary>
    public WeightType DownType { get; }

    /// <summary>Owns what is prepared.</summary>
    public NativeMemoryPool Memory { get; }

    /// <summary>[Intermediate x Hidden].</summary>
    public WeightMatrix Gate { get; }

    /// <summary>[Intermediate x Hidden].</summary>
    public WeightMatrix Up { get; }

    /// <summary>Neuron-major.</summary>
    public DownMatrix Down { get; }

    /// <summary>[Intermediate], padded.</summary>
    public float[] GateBias { get; }

    /// <summary>[Intermediate], padded.</summary>
    public float[] UpBias { get; }

    /// <summary>[Hidden], padded.</summary>
    public float[] DownBias { get; }

    private static WeightType CommonType(WeightType[] declared, ReadOnlySpan<WeightTensor?> tensors)
    {
        WeightType? common = null;
        foreach (WeightTensor? tensor in tensors)
        {
            if (tensor?.Type is not { } type)
            {
                continue;
            }

            if (!declared.Contains(type))
            {
                throw new ArgumentException($"Weights are {type}, but [Weights] declares {string.Join(", ", declared)}: add WeightType.{type}.", "weights");
            }

            if (common is { } first && first != type)
            {
                throw new ArgumentException($"Some weights are {first}, others {type}: a layer's matrices share a kernel, so store them alike.", "weights");
            }

            common = type;
        }

        return common ?? declared[0];
    }

    private static void Require(bool declared, object? given, string name, string property)
    {
        if (declared && given is null)
        {
            throw new ArgumentException($"{name} is missing: [FeedForward] declares {property} = true.", "weights");
        }

        if (!declared && given is not null)
        {
            throw new ArgumentException($"{name} is given, but [FeedForward] declares no place for it.", "weights");
        }
    }

    private WeightMatrix Matrix(WeightTensor tensor, string name, int rows, int columns)
    {
        NativeBuffer source = Source(tensor, name, Type, rows, columns);
        WeightMatrix matrix = WeightFormat.For(Type).Pack(source.Address, rows, columns, out NativeBuffer? owner);
        if (owner is null)
        {
            Memory.Own(source);
        }
        else
        {
            Memory.Own(owner);
            source.Dispose();
        }

        return matrix;
    }

    /// <summary>A tensor's bytes in native memory, checked.</summary>
    private NativeBuffer Source(WeightTensor tensor, string name, WeightType type, int rows, int columns)
    {
        WeightFormat format = WeightFormat.For(type);
        nint rowBytes = format.SourceRowBytes(columns);
        long bytes = (long)rowBytes * rows;
        long given = tensor.Values is { } values ? values.LongLength : tensor.Bytes.Length;
        long wanted = tensor.Values is null ? bytes : (long)rows * columns;
        if (given != wanted)
        {
            string unit = tensor.Values is null ? $"bytes of {type}" : "values";
            throw new ArgumentException(
                $"{name} has {given} {unit}; [{rows} x {columns}] needs {wanted} (Hidden = {_shape.Hidden}, Intermediate = {_shape.Intermediate} are declared).", "weights");
        }

        NativeBuffer source = NativeBuffer.Allocate(bytes);
        if (tensor.Values is { } singles)
        {
            for (int row = 0; row < rows; row++)
            {
                format.Encode(singles.AsSpan(row * columns, columns), new Span<byte>((void*)(source.Address + (row * rowBytes)), (int)rowBytes));
            }
        }
        else
        {
            tensor.Bytes.Span.CopyTo(source.AsSpan<byte>());
        }

        if (format.FirstNonFinite(source.Address, rows, columns) is { } place)
        {
            source.Dispose();
            throw new ArgumentException($"{name} has a weight that is not a finite number (as {type}), at row {place.Row}, column {place.Column}.", "weights");
        }

        return source;
    }

    private static float[] Vector(float[]? values, string name, int length)
    {
        if (values is null)
        {
            return [];
        }

        if (values.Length != length || values.Any(value => !float.IsFinite(value)))
        {
            throw new ArgumentException($"{name} must have {length} finite values; {values.Length} were given.", "weights");
        }

        float[] padded = new float[(length + 31) / 32 * 32];
        values.CopyTo(padded, 0);
        return padded;
    }
}
