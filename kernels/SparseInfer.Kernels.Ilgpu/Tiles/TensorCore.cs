using ILGPU.Runtime.Cuda;

namespace SparseInfer.Kernels.Ilgpu;

/// <summary>
/// Products of small matrices of halves, summed in floats: <c>mma.sync.m16n8k16</c> of CUDA devices of sm_80 and later. All 32 lanes of a
/// warp take part. No other accelerator has it.
/// </summary>
public static class TensorCore
{
    /// <summary>
    /// Adds the products of 16 rows with 8 tokens over 32 columns. Of its rows and its token a lane has the eight columns
    /// <c>8 (lane % 4)</c> and following: which of them the instruction calls which does not matter to a sum.
    /// </summary>
    /// <param name="upper">Row <c>lane / 4</c>, eight halves.</param>
    /// <param name="lower">Row <c>lane / 4 + 8</c>.</param>
    /// <param name="x">Token <c>lane / 4</c>.</param>
    /// <param name="sums">
    /// Tokens <c>2 (lane % 4)</c> and the next of row <c>lane / 4</c>, then of row <c>lane / 4 + 8</c>.
    /// </param>
    public static void Add(Words4 upper, Words4 lower, Words4 x, ref Float4 sums)
    {
        Add(upper.X, lower.X, upper.Y, lower.Y, x.X, x.Y, ref sums);
        Add(upper.Z, lower.Z, upper.W, lower.W, x.Z, x.W, ref sums);
    }

    private static void Add(uint a0, uint a1, uint a2, uint a3, uint b0, uint b1, ref Float4 sums)
    {
        Ref<float> sum0 = sums.X;
        Ref<float> sum1 = sums.Y;
        Ref<float> sum2 = sums.Z;
        Ref<float> sum3 = sums.W;
        Input<uint> left0 = a0;
        Input<uint> left1 = a1;
        Input<uint> left2 = a2;
        Input<uint> left3 = a3;
        Input<uint> right0 = b0;
        Input<uint> right1 = b1;
        CudaAsm.EmitRef(
            "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};",
            ref sum0,
            ref sum1,
            ref sum2,
            ref sum3,
            ref left0,
            ref left1,
            ref left2,
            ref left3,
            ref right0,
            ref right1);
        sums = new Float4(sum0.Value, sum1.Value, sum2.Value, sum3.Value);
    }
}
