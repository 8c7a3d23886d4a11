namespace SparseInfer.Kernels.Cpu.Tests;

/// <summary>What a block type's kernels promise, written out one number at a time.</summary>
internal abstract class BlockReference
{
    private static readonly Dictionary<Type, BlockReference> All = new()
    {
        [typeof(Q8_0)] = new Q8Reference(),
        [typeof(Q4_0)] = new Q4Reference(),
        [typeof(Q5_0)] = new Q5Reference(hasMinimum: false),
        [typeof(Q5_1)] = new Q5Reference(hasMinimum: true),
        [typeof(Q4_K)] = new Q4KReference(),
        [typeof(Q5_K)] = new Q5KReference(),
        [typeof(Q6_K)] = new Q6KReference(),
    };

    /// <summary>The largest quant of an input's and of an activation's block.</summary>
    public virtual int Range => 127;

    /// <summary>Share of a block's largest weight that encoding may be off by.</summary>
    public abstract double EncodingStep { get; }

    /// <summary>An input of 8 bits is off by half a step at most; one of 16 bits by what is lost beside F32's own rounding here.</summary>
    public double InputRounding => Range == 127 ? 0.01 : 4e-5;

    /// <summary>Where a block has its half, and behind it the half of its minima.</summary>
    public virtual int HalvesOffset => 0;

    public virtual bool HasMinimum => false;

    /// <summary>The reference of a type; null: it has no blocks.</summary>
    public static BlockReference? For<T>() => All.GetValueOrDefault(typeof(T));

    /// <summary>A weight of a block: what its scales are multiplied with.</summary>
    public abstract int Quant(ReadOnlySpan<byte> block, int index);

    /// <summary>A weight's integer scale.</summary>
    public virtual int Scale(ReadOnlySpan<byte> block, int index) => 1;

    /// <summary>A weight's integer minimum.</summary>
    public virtual int Minimum(ReadOnlySpan<byte> block, int index) => 0;

    /// <summary>The dot product of an input and a row of blocks.</summary>
    public abstract float Dot(ReadOnlySpan<float> x, ReadOnlySpan<byte> blocks);

    /// <summary>A weight as ggml dequantizes it.</summary>
    public float Value(ReadOnlySpan<byte> block, int index)
    {
        float value = Half(block) * Scale(block, index) * Quant(block, index);
        return HasMinimum ? value - (MinimumHalf(block) * Minimum(block, index)) : value;
    }

    /// <summary>
    /// One column of the down product: 32 activations in steps of their largest, an integer sum, one multiply-add with half and step; one more for
    /// the minimum.
    /// </summary>
    public float Down(ReadOnlySpan<float> h, ReadOnlySpan<byte> blocks, int blockElements, int blockBytes)
    {
        float sum = 0;
        for (int first = 0; first < h.Length; first += 32)
        {
            ReadOnlySpan<byte> bytes = blocks.Slice(first / blockElements * blockBytes, blockBytes);
            (int[] quants, float step) = Reference.Quantize(h.Slice(first, 32), Range);
            int total = 0;
            for (int i = 0; i < 32; i++)
            {
                int index = (first % blockElements) + i;
                total += Scale(bytes, index) * Quant(bytes, index) * quants[i];
            }

            sum = MathF.FusedMultiplyAdd(total, Half(bytes) * step, sum);
            if (HasMinimum)
            {
                int minimum = Minimum(bytes, first % blockElements) * quants.Sum();
                sum = MathF.FusedMultiplyAdd(-minimum, MinimumHalf(bytes) * step, sum);
            }
        }

        return sum;
    }

    protected float Half(ReadOnlySpan<byte> block) => (float)BitConverter.ToHalf(block[HalvesOffset..]);

    protected float MinimumHalf(ReadOnlySpan<byte> block) => (float)BitConverter.ToHalf(block[(HalvesOffset + 2)..]);
}
