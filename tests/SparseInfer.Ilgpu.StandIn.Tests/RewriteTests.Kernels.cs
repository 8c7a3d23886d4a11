namespace SparseInfer.Ilgpu.StandIn.Tests;

// The kernels, and what the host makes of the same text.
public sealed partial class RewriteTests
{
    private static void Iota(ArrayView<int> output) => output[Group.IdxX] = Group.IdxX;

    private static void Scale(ArrayView<float> input, ArrayView<float> output, float factor)
    {
        int i = (Grid.IdxX * Group.DimX) + Group.IdxX;
        output[i] = (input[i] * factor) + 1f;
    }

    private static void WarpSum(ArrayView<float> input, ArrayView<float> output)
    {
        float sum = input[Group.IdxX];
        float other = Warp.ShuffleXor(sum, 16);
        sum += other;
        other = Warp.ShuffleXor(sum, 8);
        sum += other;
        other = Warp.ShuffleXor(sum, 4);
        sum += other;
        other = Warp.ShuffleXor(sum, 2);
        sum += other;
        other = Warp.ShuffleXor(sum, 1);
        sum += other;
        output[Group.IdxX] = sum;
    }

    private static void LoopOfShuffles(ArrayView<int> output, int rounds)
    {
        int a = Warp.LaneIdx;
        int total = 0;
        for (int round = 0; round < rounds; round++)
        {
            for (int mask = 1; mask < Warp.WarpSize; mask *= 2)
            {
                int other = Warp.ShuffleXor(a, mask);
                a += other * round;
            }

            total ^= a + round;
        }

        output[Warp.LaneIdx] = total;
    }

    private static void EveryShuffle(ArrayView<int> output)
    {
        int lane = Warp.LaneIdx;
        int own = 100 + lane;
        int xor = Warp.ShuffleXor(own, 5);
        int down = Warp.ShuffleDown(own, 3);
        int up = Warp.ShuffleUp(own, 2);
        int any = Warp.Shuffle(own, lane * 7);
        int nine = Warp.Broadcast(own, 9);
        output[lane] = xor;
        output[32 + lane] = down;
        output[64 + lane] = up;
        output[96 + lane] = any;
        output[128 + lane] = nine;
    }

    private static void SharedTree(ArrayView<int> input, ArrayView<int> output)
    {
        var shared = SharedMemory.Allocate<int>(256);
        int thread = Group.IdxX;
        shared[thread] = input[(Grid.IdxX * Group.DimX) + thread];
        for (int half = Group.DimX / 2; half > 0; half /= 2)
        {
            Group.Barrier();
            if (thread < half)
                shared[thread] += shared[thread + half];
        }

        if (thread == 0)
            output[Grid.IdxX] = shared[0];
    }

    private static void UniformBranch(ArrayView<int> output)
    {
        int value = Group.IdxX;
        if (Warp.WarpIdx % 2 == 0)
        {
            int other = Warp.ShuffleXor(value, 1);
            output[Group.IdxX] = value + other;
        }
        else
        {
            output[Group.IdxX] = -value;
        }
    }

    private static void UnevenLoops(ArrayView<int> output)
    {
        var shared = SharedMemory.Allocate<int>(64);
        int sum = 0;
        for (int i = 0; i < Group.IdxX; i++)
            sum += i;
        shared[Group.IdxX] = sum;
        Group.Barrier();
        output[Group.IdxX] = sum + shared[(Group.IdxX + 1) % 64];
    }

    private static void Quads(ArrayView<Quad> input, ArrayView<Quad> output)
    {
        int i = Group.IdxX;
        var whole = input[i];
        var result = default(Quad);
        result.A = whole.A + 1;
        result.B = input[i].B * 5;
        output[i] = result;
        output[i].C = whole.C + input[i].D;
        output[i].D += 7;
    }

    private static void StructArguments<TOperation>(Pair<float> pair, Box<TOperation, int> box, ArrayView1D<float, Stride1D.Dense> output)
        where TOperation : unmanaged, IOperation
    {
        int i = Group.IdxX;
        output[i] = TOperation.Apply(pair.First[i]) + pair.Second[i] + pair.Bias + box.Value + default(TOperation).Count;
    }

    private static void DeviceFunctions(ArrayView<int> input, ArrayView<int> output)
    {
        int i = GlobalIndex();
        int doubled = 0;
        Double(input, i, ref doubled);
        output[i] = doubled + 1 + Warp.LaneIdx + Factorial(i % 32 % 32 - (i % 32) + (i % 5));
    }

    private static int GlobalIndex() => (Grid.IdxX * Group.DimX) + Group.IdxX;

    private static void Double(ArrayView<int> input, int i, ref int result) => result = input.SubView(i, 1)[0] * 2;

    private static int Factorial(int n)
    {
        int product = 1;
        while (n > 1)
            product *= n--;
        return product;
    }

    private static void SwitchesAndLoops(ArrayView<long> output, int depth)
    {
        int thread = Group.IdxX;
        long result = 0;
        depth += thread % 3;
        for (int i = 0; i < 5; i++)
        {
            Group.Barrier();
            if (i >= depth)
                continue;
            for (int j = i; j < depth; j++)
            {
                switch ((thread + i + j) % 5)
                {
                    case 0:
                        result += j;
                        break;
                    case 1:
                        result *= 3;
                        break;
                    case 2:
                        continue;
                    case 3:
                        result -= (long)i << 33;
                        break;
                    default:
                        result ^= 0x55;
                        break;
                }

                if (result > 1L << 40)
                    break;
            }

            if (depth > 3 && i == 2)
                result++;
            if (thread % 3 == 2)
                result += 2;
        }

        output[thread] = result;
    }

    private static long SwitchReference(int thread, int depth)
    {
        long result = 0;
        depth += thread % 3;
        for (int i = 0; i < depth; i++)
        {
            for (int j = i; j < depth; j++)
            {
                switch ((thread + i + j) % 5)
                {
                    case 0:
                        result += j;
                        break;
                    case 1:
                        result *= 3;
                        break;
                    case 2:
                        continue;
                    case 3:
                        result -= (long)i << 33;
                        break;
                    default:
                        result ^= 0x55;
                        break;
                }

                if (result > 1L << 40)
                    break;
            }

            if (depth > 3 && i == 2)
                result++;
            if (thread % 3 == 2)
                result += 2;
        }

        return result;
    }

    private static void Operations(ArrayView<double> output)
    {
        int lane = Group.IdxX;
        for (int operation = 0; operation < 24; operation++)
            output[(lane * 24) + operation] = Operate(operation, lane);
    }

    private static double Operate(int operation, int lane)
    {
        int i = (lane * 77) - 1000;
        uint u = (uint)i * 2654435761u;
        long l = (long)i << 20;
        ulong ul = (ulong)l ^ 0x9e3779b97f4a7c15ul;
        float f = i * 0.37f;
        double d = i / 3.0;
        switch (operation)
        {
            case 0:
                return (i + 3) * (i - 7) / 5 % 11;
            case 1:
                return (u >> 3) ^ (u << 5) & ~u | 0x10u;
            case 2:
                return (l / 3) + (l % 1000) - (l >> 7);
            case 3:
                return (ul >> 11) % 65537;
            case 4:
                return (f * 2f) - (f / 3f) + MathF.Sqrt(MathF.Abs(f));
            case 5:
                return d * d - Math.Floor(d);
            case 6:
                return (sbyte)i + (byte)i + (short)i + (ushort)i;
            case 7:
                return (float)u + (double)ul;
            case 8:
                return f > 3f ? 1 : f < -3f ? -1 : 0;
            case 9:
                return (i & 1) == 0 && u > 5u || l <= 0 ? 2 : 3;
            case 10:
                return IntrinsicMath.PopCount(u) + IntrinsicMath.PopCount(i) + IntrinsicMath.PopCount(l) + IntrinsicMath.PopCount(ul);
            case 11:
                return Interop.FloatAsInt(f) + Interop.IntAsFloat(0x40490fdbu);
            case 12:
                return (float)(Half)f;
            case 13:
                return Math.Max(i, 10) + Math.Min(u, 10u) + MathF.Max(f, 1f);
            case 14:
                return -i + ~i;
            case 15:
                return u / 7u + (double)(u % 13u);
            case 16:
                return (int)f + (uint)(MathF.Abs(f)) + (long)d;
            case 17:
                return f >= 0f && !(d < 0.0) ? f : d;
            case 18:
                return unchecked((int)ul) + unchecked((int)l);
            case 19:
                return (ulong)u * u >> 32;
            case 20:
                return MathF.Tanh(f) + MathF.Floor(f) + MathF.Ceiling(-f);
            case 21:
                return (double)(Half)1.5f * (double)Interop.IntAsFloat((ushort)0x3c00);
            case 22:
                return IntrinsicMath.Clamp(i, -100, 100);
            default:
                return u >= 0x80000000u ? u : -1.0;
        }
    }

    private static void Halves(ArrayView<ushort> input, ArrayView<float> output, ArrayView<ushort> back)
    {
        int i = GlobalIndex();
        float value = Interop.IntAsFloat(input[i]);
        output[i] = value;
        back[i] = Interop.FloatAsInt((Half)value);
    }

    private static void Grid3D(ArrayView<int> output)
    {
        int group = Grid.IdxX + (Grid.DimX * (Grid.IdxY + (Grid.DimY * Grid.IdxZ)));
        if (Group.IdxX == 0)
            output[group] += group + 1;
    }

    private static void Dynamic(ArrayView<int> output)
    {
        var shared = SharedMemory.GetDynamic<int>();
        shared[Group.IdxX] = Group.IdxX;
        Group.Barrier();
        output[Group.IdxX] = shared[31 - Group.IdxX] + shared.IntLength;
    }

    private struct Quad
    {
        public uint A;
        public uint B;
        public uint C;
        public uint D;
    }

    private struct Pair<T>
        where T : unmanaged
    {
        public ArrayView<T> First;
        public ArrayView<T> Second;
        public float Bias;
    }

    private readonly struct Box<TTag, T>(T value)
        where TTag : unmanaged
        where T : unmanaged
    {
        public T Value { get; } = value;
    }

    private interface IOperation
    {
        static abstract float Apply(float x);

        int Count { get; }
    }

    private readonly struct Tripler : IOperation
    {
        public int Count => 3;

        public static float Apply(float x) => 3f * x;
    }
}
