namespace SparseInfer.Kernels.Cpu.Tests;

/// <summary>
/// Q8_0's dot product: the input in steps of a 32,767th of each block's largest element; one integer sum a block; a
/// chain of fused multiply-add, with both scales' product, over even blocks and one over odd ones.
/// </summary>
internal sealed class Q8Reference : BlockReference
{
    public override int Range => 32767;

    public override double EncodingStep => 0.56 / 127;

    private const int BlockBytes = 34;

    public override int Quant(ReadOnlySpan<byte> block, int index) => (sbyte)block[2 + index];

    public override float Dot(ReadOnlySpan<float> x, ReadOnlySpan<byte> blocks)
    {
        var sums = new float[2];
        for (int block = 0; block < blocks.Length / BlockBytes; block++)
        {
            ReadOnlySpan<byte> bytes = blocks.Slice(block * BlockBytes, BlockBytes);
            (int[] input, float step) = Reference.Quantize(x.Slice(block * 32, 32), Range);
            int sum = 0;
            for (int k = 0; k < 32; k++)
            {
                sum += input[k] * Quant(bytes, k);
            }

            sums[block % 2] = MathF.FusedMultiplyAdd(sum, (float)BitConverter.ToHalf(bytes) * step, sums[block % 2]);
        }

        return sums[0] + sums[1];
    }
}
