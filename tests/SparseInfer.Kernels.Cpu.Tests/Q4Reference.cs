namespace SparseInfer.Kernels.Cpu.Tests;

/// <summary>
/// Q4_0's dot product: the input in steps of a 127th; an integer sum for each block, whose quants count from 0, the 8 too much taken off with the
/// input's step; even blocks in one chain of fused multiply-add with the weights' scale, odd ones in another.
/// </summary>
internal sealed class Q4Reference : BlockReference
{
    public override double EncodingStep => 1.01 / 8;

    public override int Quant(ReadOnlySpan<byte> block, int index) => ((block[2 + (index % 16)] >> (index < 16 ? 0 : 4)) & 15) - 8;

    public override float Dot(ReadOnlySpan<float> x, ReadOnlySpan<byte> blocks)
    {
        var sums = new float[2];
        for (int block = 0; block < blocks.Length / 18; block++)
        {
            ReadOnlySpan<byte> bytes = blocks.Slice(block * 18, 18);
            (int[] input, float step) = Reference.Quantize(x.Slice(block * 32, 32), Range);
            int sum = 0;
            for (int k = 0; k < 16; k++)
            {
                sum += (input[k] * (bytes[2 + k] & 15)) + (input[k + 16] * (bytes[2 + k] >> 4));
            }

            float dot = MathF.FusedMultiplyAdd(sum, step, -8 * input.Sum() * step);
            sums[block % 2] = MathF.FusedMultiplyAdd(dot, (float)BitConverter.ToHalf(bytes), sums[block % 2]);
        }

        return sums[0] + sums[1];
    }
}
