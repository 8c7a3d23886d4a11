using ILGPU;

namespace SparseInfer.SoftwareCuda.Tests.CompiledKernels;

/// <summary>Kernels, and functions that the host calls too.</summary>
public static class SemanticsKernels
{
    /// <summary>Kinds of <see cref="Integer"/> and <see cref="Float"/>.</summary>
    public const int Operations = 14;

    public static void Iota(ArrayView<int> output) => output[Group.IdxX] = Group.IdxX;

    public static void Scale(ArrayView<float> input, ArrayView<float> output, float factor)
    {
        int i = (Grid.IdxX * Group.DimX) + Group.IdxX;
        output[i] = (input[i] * factor) + 1f;
    }

    public static void WarpSum(ArrayView<float> input, ArrayView<float> output)
    {
        float sum = input[Group.IdxX];
        sum += Warp.ShuffleXor(sum, 16);
        sum += Warp.ShuffleXor(sum, 8);
        sum += Warp.ShuffleXor(sum, 4);
        sum += Warp.ShuffleXor(sum, 2);
        sum += Warp.ShuffleXor(sum, 1);
        output[Group.IdxX] = sum;
    }

    public static void LoopOfShuffles(ArrayView<int> output, int rounds)
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

    /// <summary>Conditions of several parts, a bit of each lane; then all lanes' bits, which shuffles put together.</summary>
    public static void BitsOfConditions(ArrayView<float> a, ArrayView<float> b, ArrayView<uint> output, int chooses)
    {
        int lane = Warp.LaneIdx;
        bool either = a[lane] > 0f || b[lane] > 0f;
        output[lane] = Bits(either ? 1u : 0u, lane);
        bool both = a[lane] > 0f && b[lane] > 0f;
        output[32 + lane] = Bits(both ? 1u : 0u, lane);
        bool nested = chooses != 0 && (a[lane] > 0f || b[lane] > 0f);
        output[64 + lane] = Bits(nested ? 1u : 0u, lane);
        bool ofLanes = lane < 20 && (lane < chooses || a[lane] > b[lane]);
        output[96 + lane] = Bits(ofLanes ? 1u : 0u, lane);
        output[128 + lane] = Bits(lane < 20 && !(a[lane] < b[lane]) ? 1u : 0u, lane);
        uint counted = 0u;
        for (int i = 0; i < chooses; i++)
        {
            bool again = a[lane] > i || (b[lane] > i && lane > i);
            counted += Bits(again ? 1u : 0u, lane);
        }

        output[160 + lane] = counted;
    }

    private static uint Bits(uint bit, int lane)
    {
        uint bits = bit << lane;
        bits |= Warp.ShuffleXor(bits, 16);
        bits |= Warp.ShuffleXor(bits, 8);
        bits |= Warp.ShuffleXor(bits, 4);
        bits |= Warp.ShuffleXor(bits, 2);
        bits |= Warp.ShuffleXor(bits, 1);
        return bits;
    }

    public static void EveryShuffle(ArrayView<int> output)
    {
        int lane = Warp.LaneIdx;
        int own = 100 + lane;
        output[lane] = Warp.ShuffleXor(own, 5);
        output[32 + lane] = Warp.ShuffleDown(own, 3);
        output[64 + lane] = Warp.ShuffleUp(own, 2);
        output[96 + lane] = Warp.Shuffle(own, (lane * 7) & 31);
        output[128 + lane] = Warp.Broadcast(own, 9);
    }

    public static void SharedTree(ArrayView<int> input, ArrayView<int> output)
    {
        ArrayView<int> shared = SharedMemory.Allocate<int>(256);
        int thread = Group.IdxX;
        shared[thread] = input[(Grid.IdxX * Group.DimX) + thread];
        for (int half = Group.DimX / 2; half > 0; half /= 2)
        {
            Group.Barrier();
            if (thread < half)
            {
                shared[thread] += shared[thread + half];
            }
        }

        if (thread == 0)
        {
            output[Grid.IdxX] = shared[0];
        }
    }

    public static void UniformBranch(ArrayView<int> output)
    {
        int value = Group.IdxX;
        if (((value / 32) & 1) == 0)
        {
            output[Group.IdxX] = value + Warp.ShuffleXor(value, 1);
        }
        else
        {
            output[Group.IdxX] = -value;
        }
    }

    public static void UnevenLoops(ArrayView<int> output)
    {
        ArrayView<int> shared = SharedMemory.Allocate<int>(64);
        int sum = 0;
        for (int i = 0; i < Group.IdxX; i++)
        {
            sum += i;
        }

        shared[Group.IdxX] = sum;
        Group.Barrier();
        output[Group.IdxX] = sum + shared[(Group.IdxX + 1) & 63];
    }

    public static void Fours(ArrayView<Four> input, ArrayView<Four> output)
    {
        int i = Group.IdxX;
        Four whole = input[i];
        Four result = default;
        result.X = whole.X + 1;
        result.Y = input[i].Y * 5;
        output[i] = result;
        output[i].Z = whole.Z + input[i].W;
        output[i].W += 7;
    }

    public static void StructArguments(Pair<float> pair, Box<Tripler, int> box, ArrayView<float> output)
    {
        int i = Group.IdxX;
        output[i] = Apply<Tripler>(pair.First[i]) + pair.Second[i] + pair.Bias + box.Value + default(Tripler).Count;
    }

    public static void DeviceFunctions(ArrayView<int> input, ArrayView<int> output)
    {
        int i = GlobalIndex();
        int doubled = 0;
        Double(input, i, ref doubled);
        output[i] = doubled + 1 + Warp.LaneIdx + Factorial(i % 5) + Neighbour(Warp.LaneIdx);
    }

    public static void SwitchesAndLoops(ArrayView<long> output, int depth) => output[Group.IdxX] = Walk(Group.IdxX, depth);

    public static long Walk(int thread, int depth)
    {
        long result = 0;
        depth += thread % 3;
        for (int i = 0; i < 5; i++)
        {
            if (i >= depth)
            {
                continue;
            }

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
                {
                    break;
                }
            }

            if (depth > 3 && i == 2)
            {
                result++;
            }
        }

        return result;
    }

    public static void Operate(ArrayView<long> integers, ArrayView<float> floats)
    {
        int lane = Group.IdxX;
        for (int operation = 0; operation < Operations; operation++)
        {
            integers[(lane * Operations) + operation] = Integer(operation, lane);
            floats[(lane * Operations) + operation] = Float(operation, lane);
        }
    }

    public static long Integer(int operation, int lane)
    {
        int i = (lane * 77) - 1000;
        uint u = (uint)i * 2654435761u;
        long l = (long)i << 20;
        ulong ul = (ulong)l ^ 0x9e3779b97f4a7c15ul;
        float f = i * 0.375f;
        switch (operation)
        {
            case 0:
                return (i + 3) * (i - 7) / 5 % 11;
            case 1:
                return (u >> 3) ^ (u << 5 & ~u) | 0x10u;
            case 2:
                return (l / 3) + (l % 1000) - (l >> 7);
            case 3:
                return (long)((ul >> 11) % 65537);
            case 4:
                return (sbyte)i + (byte)i + (short)i + (ushort)i;
            case 5:
                return f > 3f ? 1 : f < -3f ? -1 : 0;
            case 6:
                return ((i & 1) == 0 && u > 5u) || l <= 0 ? 2 : 3;
            case 7:
                return IntrinsicMath.PopCount(u) + IntrinsicMath.PopCount(i) + IntrinsicMath.PopCount(l) + IntrinsicMath.PopCount(ul);
            case 8:
                return Interop.FloatAsInt(f);
            case 9:
                return -i + ~i;
            case 10:
                return (u / 7u) + (u % 13u);
            case 11:
                return (int)f + (int)(uint)MathF.Abs(f);
            case 12:
                return unchecked((int)ul) + unchecked((int)l);
            default:
                return (long)((ulong)u * u >> 32);
        }
    }

    public static float Float(int operation, int lane)
    {
        int i = (lane * 77) - 1000;
        uint u = (uint)i * 2654435761u;
        float f = i * 0.375f;
        switch (operation)
        {
            case 0:
                return MathF.Sqrt(MathF.Abs(f));
            case 1:
                return f / 3f;
            case 2:
                return u;
            case 3:
                return i;
            case 4:
                return Interop.IntAsFloat(0x40490fdbu) + i;
            case 5:
                return (float)(ILGPU.Half)(float)(i & 1023); // the host's type rounds ties otherwise
            case 6:
                return MathF.Max(f, 1f);
            case 7:
                return MathF.Min(f, -1f);
            case 8:
                return f >= 0f ? f : -f;
            case 9:
                return Interop.IntAsFloat(u & 0x7f7fffffu);
            case 10:
                return (long)u << 20;
            case 11:
                return (sbyte)i;
            case 12:
                return MathF.Abs(f) - 0.5f;
            default:
                return f < 0f ? -1f : u >= 0x80000000u ? 1f : 0f;
        }
    }

    public static void Halves(ArrayView<ushort> input, ArrayView<float> output, ArrayView<ushort> back)
    {
        int i = GlobalIndex();
        float value = Interop.IntAsFloat(input[i]);
        output[i] = value;
        back[i] = Interop.FloatAsInt((ILGPU.Half)value);
    }

    public static void Grid3D(ArrayView<int> output)
    {
        int group = Grid.IdxX + (Grid.DimX * (Grid.IdxY + (Grid.DimY * Grid.IdxZ)));
        if (Group.IdxX == 0)
        {
            output[group] += group + 1;
        }
    }

    public static void Dynamic(ArrayView<int> output)
    {
        ArrayView<int> shared = SharedMemory.GetDynamic<int>();
        shared[Group.IdxX] = Group.IdxX;
        Group.Barrier();
        output[Group.IdxX] = shared[31 - Group.IdxX] + shared.IntLength;
    }

    private static int GlobalIndex() => (Grid.IdxX * Group.DimX) + Group.IdxX;

    private static void Double(ArrayView<int> input, int i, ref int result) => result = input.SubView(i, 1)[0] * 2;

    private static int Neighbour(int value) => Warp.ShuffleXor(value, 1);

    private static float Apply<T>(float x)
        where T : unmanaged, IOperation => T.Apply(x);

    private static int Factorial(int n)
    {
        int product = 1;
        while (n > 1)
        {
            product *= n--;
        }

        return product;
    }
}

public struct Pair<T>
    where T : unmanaged
{
    public ArrayView<T> First;
    public ArrayView<T> Second;
    public float Bias;
}

public readonly struct Box<TTag, T>(T value)
    where TTag : unmanaged
    where T : unmanaged
{
    public T Value { get; } = value;
}

public interface IOperation
{
    static abstract float Apply(float x);

    int Count { get; }
}

public readonly struct Tripler : IOperation
{
    public int Count => 3;

    public static float Apply(float x) => 3f * x;
}
