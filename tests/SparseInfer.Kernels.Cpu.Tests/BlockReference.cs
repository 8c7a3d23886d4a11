namespace SparseInfer.Kernels.Cpu.Tests;

/// <summary>What a block type's kernels promise, written out one number at a time.</summary>
internal abstract class BlockReference
{
    private static readonly Dictionary<Type, BlockReference> All = new()
    {
        [typeof(Q8_0)] = new Q8Reference(),
        [typeof(Q4_0)] = new Q4Reference(),
    };

    /// <summary>The largest quant of an input's and of an activation's block.</summary>
    public abstract int Range { get; }

    /// <summary>Share of a block's largest weight that encoding may be off by.</summary>
    public abstract double EncodingStep { get; }

    /// <summary>An input of 8 bits is off by half a step at most; one of 16 bits by what is lost beside F32's own rounding here.</summary>
    public double InputRounding => Range == 127 ? 0.01 : 4e-5;

    /// <summary>The reference of a type; null: it has no blocks.</summary>
    public static BlockReference? For<T>() => All.GetValueOrDefault(typeof(T));

    /// <summary>A weight of a block: what its scale is multiplied with.</summary>
    public abstract int Quant(ReadOnlySpan<byte> block, int index);

    /// <summary>The dot product of an input and a row of blocks.</summary>
    public abstract float Dot(ReadOnlySpan<float> x, ReadOnlySpan<byte> blocks);

    /// <summary>One column of the down product: 32 activations in steps of their largest, an integer sum, one multiply-add with both scales.</summary>
    public float Down(ReadOnlySpan<float> h, ReadOnlySpan<byte> blocks, int blockBytes)
    {
        float sum = 0;
        for (int block = 0; block < blocks.Length / blockBytes; block++)
        {
            ReadOnlySpan<byte> bytes = blocks.Slice(block * blockBytes, blockBytes);
            (int[] quants, float step) = Reference.Quantize(h.Slice(block * 32, 32), Range);
            int total = 0;
            for (int i = 0; i < 32; i++)
            {
                total += Quant(bytes, i) * quants[i];
            }

            sum = MathF.FusedMultiplyAdd(total, (float)BitConverter.ToHalf(bytes) * step, sum);
        }

        return sum;
    }
}
