namespace SparseInfer.Kernels.Cpu.Tests;

/// <summary>
/// Q8_0's dot product: the input in steps of a 32,767th of each block's largest element; integer sums over columns 2j, 2j + 1 and the two
/// that lie 16 behind; 8 chains of fused multiply-add with both scales' product.
/// </summary>
internal sealed class Q8Reference : BlockReference
{
    public override int Range => 32767;

    public override double EncodingStep => 0.56 / 127;

    private const int BlockBytes = 34;

    public override int Quant(ReadOnlySpan<byte> block, int index) => (sbyte)block[2 + index];

    public override float Dot(ReadOnlySpan<float> x, ReadOnlySpan<byte> blocks)
    {
        var sums = new float[8];
        for (int block = 0; block < blocks.Length / BlockBytes; block++)
        {
            ReadOnlySpan<byte> bytes = blocks.Slice(block * BlockBytes, BlockBytes);
            (int[] input, float step) = Reference.Quantize(x.Slice(block * 32, 32), Range);
            float scale = (float)BitConverter.ToHalf(bytes) * step;
            for (int j = 0; j < 8; j++)
            {
                int sum = 0;
                foreach (int k in new[] { 2 * j, (2 * j) + 1, (2 * j) + 16, (2 * j) + 17 })
                {
                    sum += input[k] * Quant(bytes, k);
                }

                sums[j] = MathF.FusedMultiplyAdd(sum, scale, sums[j]);
            }
        }

        return Reference.Tree(sums);
    }
}
