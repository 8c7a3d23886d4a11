namespace SparseInfer.Kernels.Cpu.Tests;

/// <summary>
/// Dot products of blocks of 256: the input in steps of a 127th of the block's largest element, one integer of quants, scales and input, another of
/// minima and input; each enters by one fused multiply-add.
/// </summary>
internal abstract class SuperBlockReference(int blockBytes) : BlockReference
{
    public override float Dot(ReadOnlySpan<float> x, ReadOnlySpan<byte> blocks)
    {
        float sum = 0;
        for (int block = 0; block < blocks.Length / blockBytes; block++)
        {
            ReadOnlySpan<byte> bytes = blocks.Slice(block * blockBytes, blockBytes);
            (int[] input, float step) = Reference.Quantize(x.Slice(block * 256, 256), Range);
            int dot = 0;
            int minimum = 0;
            for (int k = 0; k < 256; k++)
            {
                dot += Scale(bytes, k) * Quant(bytes, k) * input[k];
                minimum += Minimum(bytes, k) * input[k];
            }

            sum = MathF.FusedMultiplyAdd(dot, Half(bytes) * step, sum);
            sum = HasMinimum ? MathF.FusedMultiplyAdd(-minimum, MinimumHalf(bytes) * step, sum) : sum;
        }

        return sum;
    }
}

/// <summary>Q4_K: scales and minima of six bits, packed as in ggml's <c>get_scale_min_k4</c>; 64 columns in 32 bytes.</summary>
internal class Q4KReference(int blockBytes = 144) : SuperBlockReference(blockBytes)
{
    public override double EncodingStep => 0.12;

    public override bool HasMinimum => true;

    protected virtual int QuantsOffset => 16;

    public override int Quant(ReadOnlySpan<byte> block, int index) =>
        (block[QuantsOffset + (index / 64 * 32) + (index % 32)] >> (index % 64 / 32 * 4)) & 15;

    public override int Scale(ReadOnlySpan<byte> block, int index)
    {
        ReadOnlySpan<byte> scales = block.Slice(4, 12);
        int j = index / 32;
        return j < 4 ? scales[j] & 63 : (scales[j + 4] & 15) + (scales[j - 4] / 64 * 16);
    }

    public override int Minimum(ReadOnlySpan<byte> block, int index)
    {
        ReadOnlySpan<byte> scales = block.Slice(4, 12);
        int j = index / 32;
        return j < 4 ? scales[j + 4] & 63 : (scales[j + 4] / 16) + (scales[j] / 64 * 16);
    }
}

/// <summary>Q5_K: a fifth bit in 32 bytes before the four bits, a bit of each byte for every 32 columns.</summary>
internal sealed class Q5KReference() : Q4KReference(176)
{
    public override double EncodingStep => 0.08;

    protected override int QuantsOffset => 48;

    public override int Quant(ReadOnlySpan<byte> block, int index) =>
        base.Quant(block, index) + (((block[16 + (index % 32)] >> (index / 32)) & 1) * 16);
}

/// <summary>Q6_K: four bits, two bits, scales of 16 columns, the half last; less 32.</summary>
internal sealed class Q6KReference() : SuperBlockReference(210)
{
    public override double EncodingStep => 0.04;

    public override int HalvesOffset => 208;

    public override int Scale(ReadOnlySpan<byte> block, int index) => (sbyte)block[192 + (index / 16)];

    public override int Quant(ReadOnlySpan<byte> block, int index)
    {
        int half = index / 128;
        int quarter = index % 128 / 32;
        int k = index % 32;
        int four = block[(half * 64) + (quarter % 2 * 32) + k] >> (quarter / 2 * 4);
        int two = block[128 + (half * 32) + k] >> (quarter * 2);
        return (four & 15) + ((two & 3) * 16) - 32;
    }
}
