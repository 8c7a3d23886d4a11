namespace SparseInfer.Kernels.Cpu.Tests;

/// <summary>
/// Q5_0's and Q5_1's dot product: the input in steps of a 127th; an integer sum for each block, whose quants count from 0; what they have too much is
/// taken off, or the minimum added, with the input's sum times its step; even blocks in one chain of fused multiply-add, odd ones in another.
/// </summary>
internal sealed class Q5Reference(bool hasMinimum) : BlockReference
{
    public override double EncodingStep => hasMinimum ? 1.05 / 31 : 1.05 / 16;

    public override bool HasMinimum => hasMinimum;

    public override int Minimum(ReadOnlySpan<byte> block, int index) => -1;

    public override int Quant(ReadOnlySpan<byte> block, int index) => Five(block, index) - (hasMinimum ? 0 : 16);

    public override float Dot(ReadOnlySpan<float> x, ReadOnlySpan<byte> blocks)
    {
        int blockBytes = hasMinimum ? 24 : 22;
        var sums = new float[2];
        for (int block = 0; block < blocks.Length / blockBytes; block++)
        {
            ReadOnlySpan<byte> bytes = blocks.Slice(block * blockBytes, blockBytes);
            (int[] input, float step) = Reference.Quantize(x.Slice(block * 32, 32), Range);
            int dot = 0;
            for (int k = 0; k < 32; k++)
            {
                dot += input[k] * Five(bytes, k);
            }

            ref float sum = ref sums[block % 2];
            if (hasMinimum)
            {
                sum = MathF.FusedMultiplyAdd(dot * step, Half(bytes), sum);
                sum = MathF.FusedMultiplyAdd(input.Sum() * step, MinimumHalf(bytes), sum);
            }
            else
            {
                sum = MathF.FusedMultiplyAdd(MathF.FusedMultiplyAdd(dot, step, -16 * input.Sum() * step), Half(bytes), sum);
            }
        }

        return sums[0] + sums[1];
    }

    private int Five(ReadOnlySpan<byte> block, int index)
    {
        ReadOnlySpan<byte> quants = block[(hasMinimum ? 4 : 2)..];
        int four = index < 16 ? quants[4 + index] & 15 : quants[4 + index - 16] >> 4;
        return four + (((quants[index / 8] >> (index % 8)) & 1) * 16);
    }
}
