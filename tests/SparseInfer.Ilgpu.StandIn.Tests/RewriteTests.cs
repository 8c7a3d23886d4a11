namespace SparseInfer.Ilgpu.StandIn.Tests;

/// <summary>Kernels as C# compiles them, each beside a plain loop.</summary>
public sealed partial class RewriteTests : IDisposable
{
    private const int N = 64;

    private readonly Bench _bench = new();

    [Fact]
    public void A_straight_kernel_reads_and_writes_its_element()
    {
        var x = Enumerable.Range(0, 128).Select(i => i * 0.5f).ToArray();
        using var input = _bench.Of(x);
        using var output = _bench.Unwritten<float>(128);
        _bench.Accelerator.LoadStreamKernel<ArrayView<float>, ArrayView<float>, float>(Scale)(
            (2, 64), input.AsContiguous(), output.AsContiguous(), 3f);
        output.AsContiguous().GetAsArray().ShouldBe(x.Select(v => (v * 3f) + 1f));
    }

    [Fact]
    public void A_shuffle_reduction_sums_the_warp_in_the_order_of_its_steps()
    {
        var x = Enumerable.Range(0, N).Select(i => MathF.Sin(i)).ToArray();
        using var input = _bench.Of(x);
        using var output = _bench.Unwritten<float>(N);
        _bench.Accelerator.LoadStreamKernel<ArrayView<float>, ArrayView<float>>(WarpSum)(
            (1, N), input.AsContiguous(), output.AsContiguous());
        var expected = new float[N];
        for (int warp = 0; warp < 2; warp++)
        {
            var v = x.Skip(warp * 32).Take(32).ToArray();
            for (int mask = 16; mask > 0; mask >>= 1)
                v = [.. v.Select((value, lane) => value + v[lane ^ mask])];
            v.CopyTo(expected, warp * 32);
        }

        output.AsContiguous().GetAsArray().ShouldBe(expected);
    }

    [Fact]
    public void Shuffles_inside_loops_keep_what_the_loop_has_gathered()
    {
        using var output = _bench.Unwritten<int>(32);
        _bench.Accelerator.LoadStreamKernel<ArrayView<int>, int>(LoopOfShuffles)((1, 32), output.AsContiguous(), 7);
        var a = Enumerable.Range(0, 32).ToArray();
        var total = new int[32];
        for (int round = 0; round < 7; round++)
        {
            for (int mask = 1; mask < 32; mask *= 2)
                a = [.. a.Select((value, lane) => value + (a[lane ^ mask] * round))];
            for (int lane = 0; lane < 32; lane++)
                total[lane] ^= a[lane] + round;
        }

        output.AsContiguous().GetAsArray().ShouldBe(total);
    }

    [Fact]
    public void Each_kind_of_shuffle_takes_from_the_lane_it_names()
    {
        using var output = _bench.Unwritten<int>(32 * 5);
        _bench.Accelerator.LoadStreamKernel<ArrayView<int>>(EveryShuffle)((1, 32), output.AsContiguous());
        var got = output.AsContiguous().GetAsArray();
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
        const int size = 256;
        var x = Enumerable.Range(0, size * 3).Select(i => i % 17).ToArray();
        using var input = _bench.Of(x);
        using var output = _bench.Unwritten<int>(3);
        _bench.Accelerator.LoadStreamKernel<ArrayView<int>, ArrayView<int>>(SharedTree)(
            (3, size), input.AsContiguous(), output.AsContiguous());
        output.AsContiguous().GetAsArray().ShouldBe(Enumerable.Range(0, 3).Select(g => x.Skip(g * size).Take(size).Sum()));
    }

    [Fact]
    public void A_branch_that_whole_warps_take_may_hold_shuffles()
    {
        using var output = _bench.Unwritten<int>(128);
        _bench.Accelerator.LoadStreamKernel<ArrayView<int>>(UniformBranch)((1, 128), output.AsContiguous());
        var got = output.AsContiguous().GetAsArray();
        for (int thread = 0; thread < 128; thread++)
            got[thread].ShouldBe(thread / 32 % 2 == 0 ? thread + (thread ^ 1) : -thread);
    }

    [Fact]
    public void Lanes_may_go_round_a_loop_as_often_as_they_like_between_barriers()
    {
        using var output = _bench.Unwritten<int>(64);
        _bench.Accelerator.LoadStreamKernel<ArrayView<int>>(UnevenLoops)((1, 64), output.AsContiguous());
        var got = output.AsContiguous().GetAsArray();
        for (int thread = 0; thread < 64; thread++)
        {
            int next = (thread + 1) % 64;
            got[thread].ShouldBe((thread * (thread - 1) / 2) + (next * (next - 1) / 2));
        }
    }

    [Fact]
    public void Structures_are_loaded_whole_by_field_and_stored_whole_and_by_field()
    {
        var quads = Enumerable.Range(0, 32)
            .Select(i => new Quad { A = (uint)i, B = (uint)(i * 2), C = (uint)(i * 3), D = (uint)(i * 5) })
            .ToArray();
        using var input = _bench.Of(quads);
        using var output = _bench.Of(new Quad[32]);
        _bench.Accelerator.LoadStreamKernel<ArrayView<Quad>, ArrayView<Quad>>(Quads)((1, 32), input.AsContiguous(), output.AsContiguous());
        var got = output.AsContiguous().GetAsArray();
        for (int i = 0; i < 32; i++)
        {
            got[i].A.ShouldBe((uint)i + 1);
            got[i].B.ShouldBe((uint)i * 10);
            got[i].C.ShouldBe(((uint)i * 3) + ((uint)i * 5));
            got[i].D.ShouldBe(7u);
        }
    }

    [Fact]
    public void Arguments_come_in_structures_of_views_and_generic_structures()
    {
        using var a = _bench.Of(Enumerable.Range(0, 32).Select(i => (float)i).ToArray());
        using var b = _bench.Of(Enumerable.Range(0, 32).Select(i => i * 10f).ToArray());
        using var output = _bench.Zeros<float>(32);
        var launch = _bench.Accelerator.LoadStreamKernel<Pair<float>, Box<Tripler, int>, ArrayView1D<float, Stride1D.Dense>>(
            StructArguments<Tripler>);
        launch((1, 32), new Pair<float> { First = a.View, Second = b.View, Bias = 0.5f }, new Box<Tripler, int>(4), output.View);
        output.View.GetAsArray1D().ShouldBe(Enumerable.Range(0, 32).Select(i => (3f * i) + (i * 10f) + 0.5f + 4 + 3));
    }

    [Fact]
    public void Device_functions_may_ask_for_the_thread_and_read_views()
    {
        using var input = _bench.Of(Enumerable.Range(0, 64).ToArray());
        using var output = _bench.Unwritten<int>(64);
        _bench.Accelerator.LoadStreamKernel<ArrayView<int>, ArrayView<int>>(DeviceFunctions)(
            (2, 32), input.AsContiguous(), output.AsContiguous());
        output.AsContiguous().GetAsArray().ShouldBe(Enumerable.Range(0, 64).Select(i => (i * 2) + 1 + (i % 32) + Factorial(i % 5)));
    }

    [Fact]
    public void Switches_nested_loops_and_changed_parameters_mean_what_they_say()
    {
        using var output = _bench.Unwritten<long>(64);
        _bench.Accelerator.LoadStreamKernel<ArrayView<long>, int>(SwitchesAndLoops)((1, 64), output.AsContiguous(), 3);
        var got = output.AsContiguous().GetAsArray();
        for (int thread = 0; thread < 64; thread++)
            got[thread].ShouldBe(SwitchReference(thread, 3));
    }

    [Fact]
    public void Every_operation_on_numbers_gives_what_the_host_gets()
    {
        using var output = _bench.Unwritten<double>(32 * 24);
        _bench.Accelerator.LoadStreamKernel<ArrayView<double>>(Operations)((1, 32), output.AsContiguous());
        var got = output.AsContiguous().GetAsArray();
        for (int lane = 0; lane < 32; lane++)
        {
            for (int operation = 0; operation < 24; operation++)
                got[(lane * 24) + operation].ShouldBe(Operate(operation, lane), $"operation {operation}, lane {lane}");
        }
    }

    [Fact]
    public void Halves_and_bits_are_converted_exactly()
    {
        var bits = Enumerable.Range(0, 65536).Select(i => (ushort)i).ToArray();
        using var input = _bench.Of(bits);
        using var output = _bench.Unwritten<float>(65536);
        using var back = _bench.Unwritten<ushort>(65536);
        _bench.Accelerator.LoadStreamKernel<ArrayView<ushort>, ArrayView<float>, ArrayView<ushort>>(Halves)(
            (2048, 32), input.AsContiguous(), output.AsContiguous(), back.AsContiguous());
        var floats = output.AsContiguous().GetAsArray();
        var halves = back.AsContiguous().GetAsArray();
        for (int i = 0; i < 65536; i++)
        {
            var half = BitConverter.UInt16BitsToHalf((ushort)i);
            if (System.Half.IsNaN(half))
            {
                float.IsNaN(floats[i]).ShouldBeTrue();
                continue;
            }

            BitConverter.SingleToUInt32Bits(floats[i]).ShouldBe(BitConverter.SingleToUInt32Bits((float)half));
            halves[i].ShouldBe((ushort)i);
        }
    }

    [Fact]
    public void A_grid_of_three_dimensions_visits_every_group_once()
    {
        using var output = _bench.Zeros<int>(2 * 3 * 4);
        var config = new KernelConfig(new Index3D(2, 3, 4), new Index3D(32, 1, 1));
        _bench.Accelerator.LoadStreamKernel<ArrayView<int>>(Grid3D)(config, output.AsContiguous());
        output.AsContiguous().GetAsArray().ShouldBe(Enumerable.Range(0, 24).Select(i => i + 1));
    }

    [Fact]
    public void Dynamic_shared_memory_has_the_size_that_the_launch_asks_for()
    {
        using var output = _bench.Unwritten<int>(32);
        var config = new KernelConfig(1, 32, SharedMemoryConfig.RequestDynamic<int>(40));
        _bench.Accelerator.LoadStreamKernel<ArrayView<int>>(Dynamic)(config, output.AsContiguous());
        output.AsContiguous().GetAsArray().ShouldBe(Enumerable.Range(0, 32).Select(i => (31 - i) + 40));
    }

    [Fact]
    public void Kernels_load_by_method_and_launch_on_a_stream()
    {
        using var output = _bench.Unwritten<int>(32);
        using var stream = _bench.Accelerator.CreateStream();
        var method = ((Action<ArrayView<int>>)Iota).Method;
        var launch = _bench.Accelerator.LoadKernel<Action<AcceleratorStream, KernelConfig, ArrayView<int>>>(method);
        launch(stream, (1, 32), output.AsContiguous());
        stream.Synchronize();
        output.AsContiguous().GetAsArray().ShouldBe(Enumerable.Range(0, 32));
    }

    [Fact]
    public void Many_groups_give_the_same_on_one_core_and_on_several()
    {
        var x = Enumerable.Range(0, 256 * 200).Select(i => i % 31).ToArray();
        using var input = _bench.Of(x);
        using var one = _bench.Unwritten<int>(200);
        using var several = _bench.Unwritten<int>(200);
        var launch = _bench.Accelerator.LoadStreamKernel<ArrayView<int>, ArrayView<int>>(SharedTree);
        _bench.Accelerator.StandIn().Parallelism = 1;
        launch((200, 256), input.AsContiguous(), one.AsContiguous());
        _bench.Accelerator.StandIn().Parallelism = 3;
        launch((200, 256), input.AsContiguous(), several.AsContiguous());
        several.AsContiguous().GetAsArray().ShouldBe(one.AsContiguous().GetAsArray());
    }

    public void Dispose() => _bench.Dispose();
}
