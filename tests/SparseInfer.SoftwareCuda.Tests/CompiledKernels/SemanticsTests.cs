using ILGPU;
using ILGPU.Runtime;

namespace SparseInfer.SoftwareCuda.Tests.CompiledKernels;

/// <summary>Kernels as ILGPU compiles them, each beside a plain loop: what they use is what generated programs are written in, and more.</summary>
public sealed class SemanticsTests : IDisposable
{
    private const int N = 64;

    private readonly Bench _bench = new();

    [Fact]
    public void A_straight_kernel_reads_and_writes_its_element()
    {
        float[] x = [.. Enumerable.Range(0, 128).Select(i => i * 0.5f)];
        ArrayView<float> output = _bench.Unwritten<float>(128);
        _bench.Accelerator.LoadStreamKernel<ArrayView<float>, ArrayView<float>, float>(SemanticsKernels.Scale)((2, 64), _bench.Of(x), output, 3f);
        _bench.Back(output).ShouldBe(x.Select(v => (v * 3f) + 1f));
    }

    [Fact]
    public void A_shuffle_reduction_sums_the_warp_in_the_order_of_its_steps()
    {
        float[] x = [.. Enumerable.Range(0, N).Select(i => MathF.Sin(i))];
        ArrayView<float> output = _bench.Unwritten<float>(N);
        _bench.Accelerator.LoadStreamKernel<ArrayView<float>, ArrayView<float>>(SemanticsKernels.WarpSum)((1, N), _bench.Of(x), output);
        float[] expected = new float[N];
        for (int warp = 0; warp < 2; warp++)
        {
            float[] v = [.. x.Skip(warp * 32).Take(32)];
            for (int mask = 16; mask > 0; mask >>= 1)
            {
                v = [.. v.Select((value, lane) => value + v[lane ^ mask])];
            }

            v.CopyTo(expected, warp * 32);
        }

        _bench.Back(output).ShouldBe(expected);
    }

    [Fact]
    public void Shuffles_inside_loops_keep_what_the_loop_has_gathered()
    {
        ArrayView<int> output = _bench.Unwritten<int>(32);
        _bench.Accelerator.LoadStreamKernel<ArrayView<int>, int>(SemanticsKernels.LoopOfShuffles)((1, 32), output, 7);
        int[] a = [.. Enumerable.Range(0, 32)];
        int[] total = new int[32];
        for (int round = 0; round < 7; round++)
        {
            for (int mask = 1; mask < 32; mask *= 2)
            {
                a = [.. a.Select((value, lane) => value + (a[lane ^ mask] * round))];
            }

            for (int lane = 0; lane < 32; lane++)
            {
                total[lane] ^= a[lane] + round;
            }
        }

        _bench.Back(output).ShouldBe(total);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    public void Conditions_of_several_parts_are_each_lanes_own_bit(int chooses)
    {
        float[] a = [.. Enumerable.Range(0, 32).Select(i => i % 3 == 0 ? 2.5f : i % 5 == 0 ? float.NaN : -1f)];
        float[] b = [.. Enumerable.Range(0, 32).Select(i => i % 4 < 2 ? 1.5f : -2f)];
        ArrayView<uint> output = _bench.Unwritten<uint>(32 * 6);
        var launch = _bench.Accelerator.LoadStreamKernel<ArrayView<float>, ArrayView<float>, ArrayView<uint>, int>(SemanticsKernels.BitsOfConditions);
        launch((1, 32), _bench.Of(a), _bench.Of(b), output, chooses);
        uint[] got = _bench.Back(output);
        uint Bits(Func<int, bool> of) => (uint)Enumerable.Range(0, 32).Sum(i => of(i) ? 1L << i : 0);
        uint counted = 0;
        for (int i = 0; i < chooses; i++)
        {
            counted += Bits(lane => a[lane] > i || (b[lane] > i && lane > i));
        }

        uint[] expected =
        [
            Bits(i => a[i] > 0 || b[i] > 0), Bits(i => a[i] > 0 && b[i] > 0), Bits(i => chooses != 0 && (a[i] > 0 || b[i] > 0)),
            Bits(i => i < 20 && (i < chooses || a[i] > b[i])), Bits(i => i < 20 && !(a[i] < b[i])), counted,
        ];
        got.Chunk(32).Select(lanes => lanes.Distinct().ToArray()).ShouldBe(expected.Select(bits => new[] { bits }));
    }

    [Fact]
    public void Each_kind_of_shuffle_takes_from_the_lane_it_names()
    {
        ArrayView<int> output = _bench.Unwritten<int>(32 * 5);
        _bench.Accelerator.LoadStreamKernel<ArrayView<int>>(SemanticsKernels.EveryShuffle)((1, 32), output);
        int[] got = _bench.Back(output);
        for (int lane = 0; lane < 32; lane++)
        {
            got[lane].ShouldBe(100 + (lane ^ 5));
            got[32 + lane].ShouldBe(100 + (lane + 3 < 32 ? lane + 3 : lane));
            got[64 + lane].ShouldBe(100 + (lane - 2 >= 0 ? lane - 2 : lane));
            got[96 + lane].ShouldBe(100 + ((lane * 7) & 31));
            got[128 + lane].ShouldBe(109);
        }
    }

    [Fact]
    public void Barriers_in_loops_make_shared_memory_a_tree_of_sums()
    {
        const int Size = 256;
        int[] x = [.. Enumerable.Range(0, Size * 3).Select(i => i % 17)];
        ArrayView<int> output = _bench.Unwritten<int>(3);
        _bench.Accelerator.LoadStreamKernel<ArrayView<int>, ArrayView<int>>(SemanticsKernels.SharedTree)((3, Size), _bench.Of(x), output);
        _bench.Back(output).ShouldBe(Enumerable.Range(0, 3).Select(g => x.Skip(g * Size).Take(Size).Sum()));
    }

    [Fact]
    public void A_branch_that_whole_warps_take_may_hold_shuffles()
    {
        ArrayView<int> output = _bench.Unwritten<int>(128);
        _bench.Accelerator.LoadStreamKernel<ArrayView<int>>(SemanticsKernels.UniformBranch)((1, 128), output);
        _bench.Back(output).ShouldBe(Enumerable.Range(0, 128).Select(thread => thread / 32 % 2 == 0 ? thread + (thread ^ 1) : -thread));
    }

    [Fact]
    public void Lanes_may_go_round_a_loop_as_often_as_they_like_between_barriers()
    {
        ArrayView<int> output = _bench.Unwritten<int>(64);
        _bench.Accelerator.LoadStreamKernel<ArrayView<int>>(SemanticsKernels.UnevenLoops)((1, 64), output);
        int Sum(int n) => n * (n - 1) / 2;
        _bench.Back(output).ShouldBe(Enumerable.Range(0, 64).Select(thread => Sum(thread) + Sum((thread + 1) % 64)));
    }

    [Fact]
    public void Structures_are_loaded_whole_by_field_and_stored_whole_and_by_field()
    {
        Four[] fours = [.. Enumerable.Range(0, 32).Select(i => new Four { X = (uint)i, Y = (uint)(i * 2), Z = (uint)(i * 3), W = (uint)(i * 5) })];
        ArrayView<Four> output = _bench.Zeros<Four>(32);
        _bench.Accelerator.LoadStreamKernel<ArrayView<Four>, ArrayView<Four>>(SemanticsKernels.Fours)((1, 32), _bench.Of(fours), output);
        Four[] got = _bench.Back(output);
        for (uint i = 0; i < 32; i++)
        {
            (got[i].X, got[i].Y, got[i].Z, got[i].W).ShouldBe((i + 1, i * 10, i * 8, 7u));
        }
    }

    [Fact]
    public void Arguments_come_in_structures_of_views_and_generic_structures()
    {
        ArrayView<float> a = _bench.Of([.. Enumerable.Range(0, 32).Select(i => (float)i)]);
        ArrayView<float> b = _bench.Of([.. Enumerable.Range(0, 32).Select(i => i * 10f)]);
        ArrayView<float> output = _bench.Zeros<float>(32);
        _bench.Accelerator.LoadStreamKernel<Pair<float>, Box<Tripler, int>, ArrayView<float>>(SemanticsKernels.StructArguments)(
            (1, 32), new Pair<float> { First = a, Second = b, Bias = 0.5f }, new Box<Tripler, int>(4), output);
        _bench.Back(output).ShouldBe(Enumerable.Range(0, 32).Select(i => (3f * i) + (i * 10f) + 0.5f + 4 + 3));
    }

    [Fact]
    public void Device_functions_may_ask_for_the_thread_read_views_and_shuffle()
    {
        ArrayView<int> output = _bench.Unwritten<int>(64);
        _bench.Accelerator.LoadStreamKernel<ArrayView<int>, ArrayView<int>>(SemanticsKernels.DeviceFunctions)(
            (2, 32), _bench.Of([.. Enumerable.Range(0, 64)]), output);
        int Factorial(int n) => n <= 1 ? 1 : n * Factorial(n - 1);
        _bench.Back(output).ShouldBe(Enumerable.Range(0, 64).Select(i => (i * 2) + 1 + (i % 32) + Factorial(i % 5) + ((i % 32) ^ 1)));
    }

    [Fact]
    public void Switches_nested_loops_and_changed_parameters_mean_what_they_say()
    {
        ArrayView<long> output = _bench.Unwritten<long>(64);
        _bench.Accelerator.LoadStreamKernel<ArrayView<long>, int>(SemanticsKernels.SwitchesAndLoops)((1, 64), output, 3);
        _bench.Back(output).ShouldBe(Enumerable.Range(0, 64).Select(thread => SemanticsKernels.Walk(thread, 3)));
    }

    [Fact]
    public void Every_operation_on_numbers_gives_what_the_host_gets()
    {
        ArrayView<long> integers = _bench.Unwritten<long>(32 * SemanticsKernels.Operations);
        ArrayView<float> floats = _bench.Unwritten<float>(32 * SemanticsKernels.Operations);
        _bench.Accelerator.LoadStreamKernel<ArrayView<long>, ArrayView<float>>(SemanticsKernels.Operate)((1, 32), integers, floats);
        long[] gotIntegers = _bench.Back(integers);
        float[] gotFloats = _bench.Back(floats);
        for (int lane = 0; lane < 32; lane++)
        {
            for (int operation = 0; operation < SemanticsKernels.Operations; operation++)
            {
                int i = (lane * SemanticsKernels.Operations) + operation;
                gotIntegers[i].ShouldBe(SemanticsKernels.Integer(operation, lane), $"operation {operation}, lane {lane}");
                gotFloats[i].ShouldBe(SemanticsKernels.Float(operation, lane), $"operation {operation}, lane {lane}");
            }
        }
    }

    [Fact]
    public void Halves_and_bits_are_converted_exactly()
    {
        ArrayView<float> output = _bench.Unwritten<float>(65536);
        ArrayView<ushort> back = _bench.Unwritten<ushort>(65536);
        _bench.Accelerator.LoadStreamKernel<ArrayView<ushort>, ArrayView<float>, ArrayView<ushort>>(SemanticsKernels.Halves)(
            (256, 256), _bench.Of([.. Enumerable.Range(0, 65536).Select(i => (ushort)i)]), output, back);
        float[] floats = _bench.Back(output);
        ushort[] halves = _bench.Back(back);
        for (int i = 0; i < 65536; i++)
        {
            System.Half half = BitConverter.UInt16BitsToHalf((ushort)i);
            bool isRight = System.Half.IsNaN(half)
                ? float.IsNaN(floats[i])
                : BitConverter.SingleToUInt32Bits(floats[i]) == BitConverter.SingleToUInt32Bits((float)half) && halves[i] == i;
            isRight.ShouldBeTrue($"{i:x4}: {floats[i]}, {halves[i]:x4}");
        }
    }

    [Fact]
    public void A_grid_of_three_dimensions_visits_every_group_once()
    {
        ArrayView<int> output = _bench.Zeros<int>(2 * 3 * 4);
        var config = new KernelConfig(new Index3D(2, 3, 4), new Index3D(32, 1, 1));
        _bench.Accelerator.LoadStreamKernel<ArrayView<int>>(SemanticsKernels.Grid3D)(config, output);
        _bench.Back(output).ShouldBe(Enumerable.Range(0, 24).Select(i => i + 1));
    }

    [Fact]
    public void Dynamic_shared_memory_has_the_size_that_the_launch_asks_for()
    {
        ArrayView<int> output = _bench.Unwritten<int>(32);
        var config = new KernelConfig(1, 32, SharedMemoryConfig.RequestDynamic<int>(40));
        _bench.Accelerator.LoadStreamKernel<ArrayView<int>>(SemanticsKernels.Dynamic)(config, output);
        _bench.Back(output).ShouldBe(Enumerable.Range(0, 32).Select(i => 31 - i + 40));
    }

    [Fact]
    public void Kernels_load_by_method_and_launch_on_a_stream()
    {
        ArrayView<int> output = _bench.Unwritten<int>(32);
        using AcceleratorStream stream = _bench.Accelerator.CreateStream();
        var launch = _bench.Accelerator.LoadKernel<Action<AcceleratorStream, KernelConfig, ArrayView<int>>>(
            ((Action<ArrayView<int>>)SemanticsKernels.Iota).Method);
        launch(stream, (1, 32), output);
        stream.Synchronize();
        _bench.Back(output).ShouldBe(Enumerable.Range(0, 32));
    }

    [Fact]
    public void Many_groups_give_the_same_on_one_core_and_on_several()
    {
        ArrayView<int> input = _bench.Of([.. Enumerable.Range(0, 256 * 200).Select(i => i % 31)]);
        ArrayView<int> one = _bench.Unwritten<int>(200);
        ArrayView<int> several = _bench.Unwritten<int>(200);
        Action<KernelConfig, ArrayView<int>, ArrayView<int>> launch =
            _bench.Accelerator.LoadStreamKernel<ArrayView<int>, ArrayView<int>>(SemanticsKernels.SharedTree);
        _bench.Software.Parallelism = 1;
        launch((200, 256), input, one);
        int[] expected = _bench.Back(one);
        _bench.Software.Parallelism = 3;
        launch((200, 256), input, several);
        _bench.Back(several).ShouldBe(expected);
    }

    public void Dispose() => _bench.Dispose();
}
