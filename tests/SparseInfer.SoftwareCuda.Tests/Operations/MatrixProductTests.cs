using SparseInfer.SoftwareCuda.Tests.Ptx;

namespace SparseInfer.SoftwareCuda.Tests.Operations;

/// <summary><c>mma.sync</c> against three loops; where elements lie in fragments is written down as the PTX ISA gives it.</summary>
public sealed class MatrixProductTests
{
    [Theory]
    [InlineData(8, false)]
    [InlineData(16, false)]
    [InlineData(8, true)]
    [InlineData(16, true)]
    public void Halves_are_multiplied_and_summed(int depth, bool bfloat)
    {
        var random = new Random(depth);
        float[,] a = Matrix(16, depth);
        float[,] b = Matrix(depth, 8);
        float[,] c = Matrix(16, 8);
        int registersOfA = depth / 4;
        int registersOfB = depth / 8;
        uint[] input = new uint[32 * 16];
        for (int lane = 0; lane < 32; lane++)
        {
            int group = lane >> 2;
            int inGroup = lane & 3;
            for (int element = 0; element < registersOfA * 2; element++)
            {
                int row = element % 4 < 2 ? group : group + 8;
                int column = (inGroup * 2) + (element & 1) + (element >= 4 ? 8 : 0);
                Put(lane, element / 2, element & 1, a[row, column]);
            }

            for (int element = 0; element < registersOfB * 2; element++)
            {
                Put(lane, 4 + (element / 2), element & 1, b[(inGroup * 2) + (element & 1) + (element >= 2 ? 8 : 0), group]);
            }

            for (int element = 0; element < 4; element++)
            {
                input[(lane * 16) + 8 + element] = BitConverter.SingleToUInt32Bits(c[element < 2 ? group : group + 8, (inGroup * 2) + (element & 1)]);
            }
        }

        using var machine = new Machine();
        nint from = machine.Buffer(input);
        nint to = machine.Buffer(new uint[32 * 4]);
        string type = bfloat ? "bf16" : "f16";
        string list(int start, int count) => "{" + string.Join(", ", Enumerable.Range(start, count).Select(register => $"%r{register}")) + "}";
        string loads = string.Join("\n", Enumerable.Range(0, 12).Select(word => $"ld.global.u32 %r{10 + word}, [%rd6+{word * 4}];"));
        machine.Run(
            $"mul.wide.u32 %rd6, %r1, 64;\nadd.u64 %rd6, %rd1, %rd6;\n{loads}\n"
            + $"mma.sync.aligned.m16n8k{depth}.row.col.f32.{type}.{type}.f32 {list(30, 4)}, {list(10, registersOfA)}, {list(14, registersOfB)}, {list(18, 4)};\n"
            + "mul.wide.u32 %rd7, %r1, 16;\nadd.u64 %rd7, %rd2, %rd7;\nst.global.v4.u32 [%rd7], {%r30, %r31, %r32, %r33};",
            from,
            to);

        uint[] got = Machine.Read(to, 128);
        for (int lane = 0; lane < 32; lane++)
        {
            for (int element = 0; element < 4; element++)
            {
                int row = (lane >> 2) + (element < 2 ? 0 : 8);
                int column = ((lane & 3) * 2) + (element & 1);
                float sum = c[row, column];
                for (int k = 0; k < depth; k++)
                {
                    sum += a[row, k] * b[k, column];
                }

                BitConverter.UInt32BitsToSingle(got[(lane * 4) + element]).ShouldBe(sum, $"row {row}, column {column}");
            }
        }

        // Small whole numbers: every sum is exact, in whatever order.
        float[,] Matrix(int rows, int columns)
        {
            float[,] matrix = new float[rows, columns];
            for (int row = 0; row < rows; row++)
            {
                for (int column = 0; column < columns; column++)
                {
                    matrix[row, column] = random.Next(-60, 61);
                }
            }

            return matrix;
        }

        void Put(int lane, int register, int half, float value)
        {
            uint bits = bfloat ? BitConverter.SingleToUInt32Bits(value) >> 16 : BitConverter.HalfToUInt16Bits((Half)value);
            input[(lane * 16) + register] |= bits << (16 * half);
        }
    }
}
