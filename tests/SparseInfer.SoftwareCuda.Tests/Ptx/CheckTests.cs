using SparseInfer.SoftwareCuda.Execution;
using SparseInfer.SoftwareCuda.Ptx;

namespace SparseInfer.SoftwareCuda.Tests.Ptx;

/// <summary>Each check catches a kernel that breaks its rule, and says where.</summary>
public sealed class CheckTests : IDisposable
{
    private readonly Machine _machine = new();
    private readonly nint _a;
    private readonly nint _b;

    public CheckTests()
    {
        _a = _machine.Buffer(new uint[64]);
        _b = _machine.Buffer(new uint[64]);
    }

    public void Dispose() => _machine.Dispose();

    [Fact]
    public void A_right_kernel_passes()
    {
        _machine.Run("ld.global.u32 %r2, [%rd4];\nadd.u32 %r2, %r2, %r1;\nst.global.u32 [%rd5], %r2;", _a, _b);
        Machine.Read(_b, 32).ShouldBe([.. Enumerable.Range(0, 32).Select(lane => (uint)lane)]);
    }

    [Fact]
    public void An_address_behind_an_allocation_is_caught() =>
        Caught(KernelFaultKind.OutOfBounds, "ld.global.u32 %r2, [%rd4+256];", Machine.FirstLine, lane: 0).Message.ShouldContain("behind an allocation of 256 bytes");

    [Fact]
    public void Only_the_lane_that_leaves_an_allocation_is_named() =>
        Caught(KernelFaultKind.OutOfBounds, "ld.global.u32 %r2, [%rd4+160];", Machine.FirstLine, lane: 24);

    [Fact]
    public void A_misaligned_address_is_caught() =>
        Caught(KernelFaultKind.Misaligned, "\nld.global.v2.u32 {%r2, %r3}, [%rd4];", Machine.FirstLine + 1, lane: 1);

    [Fact]
    public void A_freed_buffer_is_caught()
    {
        _machine.Memory.Free(_a).ShouldBeTrue();
        Caught(KernelFaultKind.FreedMemory, "ld.global.u32 %r2, [%rd4];", Machine.FirstLine, lane: 0);
    }

    [Fact]
    public void A_shuffle_that_lanes_miss_is_caught() => Caught(
        KernelFaultKind.DivergentShuffle,
        "setp.lt.u32 %p1, %r1, 16;\n@%p1 bra L;\nbar.sync 0;\nL:\nshfl.sync.bfly.b32 %r2, %r1, 1, 31, -1;",
        Machine.FirstLine + 4,
        lane: 0).Message.ShouldContain("bar.sync 0");

    [Fact]
    public void A_barrier_that_lanes_miss_is_caught() => Caught(
        KernelFaultKind.DivergentBarrier,
        "setp.lt.u32 %p1, %r1, 16;\n@%p1 bra L;\nbar.sync 0;\nbra E;\nL:\nbar.sync 0;\nE:",
        Machine.FirstLine + 5,
        lane: 0).Message.ShouldContain("line 10");

    [Theory]
    [InlineData("setp.ge.u32 %p1, %r1, 20;\n@%p1 ret;", 32, 4, "lane 20, which has ended")]
    [InlineData("\n", 48, 0, "lane 16, which has no thread")]
    public void A_shuffle_that_reads_a_lane_which_is_not_there_is_caught(string before, int threads, int lane, string message)
    {
        var fault = Should.Throw<KernelFaultException>(() => _machine.Run(before + "\nshfl.sync.bfly.b32 %r2, %r1, 16, 31, -1;", _a, _b, threads));
        (fault.Kind, fault.Lane, fault.Line).ShouldBe((KernelFaultKind.DivergentShuffle, lane, Machine.FirstLine + 2));
        fault.Message.ShouldContain(message);
    }

    [Fact]
    public void A_shuffle_by_a_lane_that_its_mask_leaves_out_is_caught() => Caught(
        KernelFaultKind.DivergentShuffle, "shfl.sync.bfly.b32 %r2, %r1, 1, 31, 0xffff;", Machine.FirstLine, lane: 16);

    [Theory]
    [InlineData("setp.eq.u32 %p1, %r1, 31;\n@%p1 ret;", "lanes 80000000 of warp 0 have ended")]
    [InlineData("setp.ge.u32 %p1, %r1, 32;\n@%p1 ret;", "warp 1 has ended")]
    public void A_barrier_that_threads_cannot_come_to_any_more_is_caught(string before, string message)
    {
        var fault = Should.Throw<KernelFaultException>(() => _machine.Run(before + "\nbar.sync 0;", _a, _b, threads: 64));
        (fault.Kind, fault.Line, fault.Warp).ShouldBe((KernelFaultKind.DivergentBarrier, Machine.FirstLine + 2, 0));
        fault.Message.ShouldContain(message);
    }

    /// <summary>By a write that may not happen, by one of two ways that meet, and in a loop's first pass.</summary>
    [Theory]
    [InlineData("setp.lt.u32 %p1, %r1, 5;\n@%p1 mov.u32 %r2, 1;\nadd.u32 %r3, %r2, 1;", 2, 5)]
    [InlineData("setp.lt.u32 %p1, %r1, 5;\n@!%p1 bra MEET;\nmov.u32 %r2, 1;\nMEET:\nadd.u32 %r3, %r2, 1;", 4, 5)]
    [InlineData("setp.lt.u32 %p1, %r1, 5;\n@%p1 bra WAY;\nbra MEET;\nWAY: mov.u32 %r2, 1;\nMEET:\nadd.u32 %r3, %r2, 1;", 5, 5)]
    [InlineData("mov.u32 %r4, 0;\nAGAIN:\nadd.u32 %r3, %r2, 1;\nmov.u32 %r2, 1;\nadd.u32 %r4, %r4, 1;\nsetp.lt.u32 %p1, %r4, 3;\n@%p1 bra AGAIN;", 2, 0)]
    public void An_unwritten_register_is_caught(string body, int line, int lane) =>
        Caught(KernelFaultKind.UninitializedRegister, body, Machine.FirstLine + line, lane);

    [Theory]
    [InlineData("mov.u32 %r2, 1;\nadd.u32 %r3, %r2, 1;")]
    [InlineData("setp.lt.u32 %p1, %r1, 5;\n@%p1 bra WAY;\nmov.u32 %r2, 2;\nbra MEET;\nWAY: mov.u32 %r2, 1;\nMEET:\nadd.u32 %r3, %r2, 1;")]
    public void Registers_that_every_way_writes_are_not_looked_at(string body) =>
        PtxModule.Load(Machine.Text(body)).Find("Kernel_T")!.Program.Doubtful.ShouldBeEmpty();

    /// <summary>Eight registers are loaded, and then stored.</summary>
    private const string Eight = "ld.global.v4.u32 {%r6, %r7, %r8, %r9}, [%rd4];\nld.global.v4.u32 {%r12, %r13, %r14, %r15}, [%rd4];\n"
        + "st.global.v4.u32 [%rd4], {%r6, %r7, %r8, %r9};\nst.global.v4.u32 [%rd4], {%r12, %r13, %r14, %r15};\n";

    /// <summary>What is read later is alive until then, also around a loop and behind it; a word for each 32 bits, none for a predicate.</summary>
    [Theory]
    [InlineData("", 6)]
    [InlineData(Eight, 10)]
    [InlineData(
        "mov.u32 %r2, 1;\nmov.u32 %r3, 1;\nmov.u32 %r4, 0;\nAGAIN:\nadd.u32 %r5, %r2, %r3;\nadd.u32 %r4, %r4, 1;\n" + Eight
        + "setp.lt.u32 %p2, %r4, 5;\n@%p2 bra ON;\nmov.u32 %r5, 1;\nON:\nsetp.lt.u32 %p1, %r4, 9;\n@%p1 bra AGAIN;\nst.global.u32 [%rd4], %r1;",
        14)]
    public void Registers_are_those_alive_at_the_busiest_place(string body, int words) =>
        PtxModule.Load(Machine.Text(body)).Find("Kernel_T")!.Registers.ShouldBe(words);

    [Fact]
    public void Unwritten_shared_memory_is_caught() =>
        Caught(KernelFaultKind.UnwrittenShared, "mov.u64 %rd6, s;\nld.shared.u32 %r2, [%rd6+8];", Machine.FirstLine + 1, lane: 0);

    [Fact]
    public void Unwritten_global_memory_is_caught()
    {
        nint fresh = _machine.Memory.Allocate(128);
        _machine.Memory.Written(fresh, 40);
        Caught(KernelFaultKind.UnwrittenGlobal, "ld.global.u32 %r2, [%rd4];", Machine.FirstLine, lane: 10, fresh);
    }

    [Fact]
    public void A_race_in_shared_memory_is_caught() => Caught(
        KernelFaultKind.SharedRace,
        "mov.u64 %rd6, s;\nadd.u64 %rd7, %rd6, %rd3;\nst.shared.u32 [%rd7], %r1;\nxor.b64 %rd7, %rd7, 4;\nld.shared.u32 %r2, [%rd7];",
        Machine.FirstLine + 4,
        lane: 0);

    [Fact]
    public void A_race_between_warps_is_caught_and_a_barrier_mends_it()
    {
        string body = "mov.u64 %rd6, s;\nadd.u64 %rd7, %rd6, %rd3;\nst.shared.u32 [%rd7], %r1;\n{0}\nxor.b64 %rd7, %rd7, 128;\nld.shared.u32 %r2, [%rd7];";
        var fault = Should.Throw<KernelFaultException>(() => _machine.Run(body.Replace("{0}", "bar.warp.sync -1;"), _a, _b, threads: 64));
        fault.Kind.ShouldBeOneOf(KernelFaultKind.SharedRace, KernelFaultKind.UnwrittenShared);
        _machine.Run(body.Replace("{0}", "bar.sync 0;"), _a, _b, threads: 64);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_race_between_groups_is_caught_at_the_later_one(int parallelism)
    {
        var fault = Should.Throw<KernelFaultException>(() => _machine.Run(
            "mov.u32 %r2, %ctaid.x;\nadd.u32 %r2, %r2, 7;\nst.global.u32 [%rd4], %r2;",
            _a,
            _b,
            groups: 8,
            options: new LaunchOptions { Parallelism = parallelism }));
        fault.Kind.ShouldBe(KernelFaultKind.GlobalRace);
        fault.Line.ShouldBe(Machine.FirstLine + 2);
        fault.Group.ShouldBe((1, 0, 0));
        fault.Lane.ShouldBe(0);
    }

    /// <summary>What is written is there already, or not, as groups come: it is a race in any case.</summary>
    [Theory]
    [InlineData("mov.u32 %r2, 7;\nst.global.u32 [%rd4], %r2;")]
    [InlineData("mov.u32 %r2, 0;\nst.global.u32 [%rd4], %r2;")]
    [InlineData("setp.eq.u32 %p1, %r3, 0;\n@%p1 st.global.u32 [%rd4], %r1;\n@!%p1 ld.global.u32 %r2, [%rd4];\nst.global.u32 [%rd5+128], %r3;")]
    public void Groups_that_meet_at_one_element_are_a_race_whatever_they_write(string body)
    {
        for (int run = 0; run < 4; run++)
        {
            Should.Throw<KernelFaultException>(() => _machine.Run("mov.u32 %r3, %ctaid.x;\n" + body, _a, _b, groups: 2))
                .Kind.ShouldBe(KernelFaultKind.GlobalRace);
        }
    }

    [Fact]
    public void A_write_after_a_read_in_shared_memory_is_a_race() => Caught(
        KernelFaultKind.SharedRace,
        "mov.u64 %rd6, s;\nadd.u64 %rd7, %rd6, %rd3;\nst.shared.u32 [%rd7], %r1;\nbar.sync 0;\nld.shared.u32 %r2, [%rd7];\nxor.b64 %rd7, %rd7, 4;\nst.shared.u32 [%rd7], %r2;",
        Machine.FirstLine + 6,
        lane: 0);

    [Fact]
    public void Two_lanes_that_write_one_word_of_shared_memory_are_a_race() => Caught(
        KernelFaultKind.SharedRace, "mov.u64 %rd6, s;\nst.shared.u32 [%rd6], %r1;", Machine.FirstLine + 1, lane: 1);

    [Fact]
    public void Halves_of_a_word_may_be_written_by_two_lanes() => _machine.Run(
        "mov.u64 %rd6, s;\nshr.u64 %rd7, %rd3, 1;\nadd.u64 %rd8, %rd6, %rd7;\nadd.u64 %rd9, %rd1, %rd7;\ncvt.u16.u32 %h1, %r1;\nst.shared.u16 [%rd8], %h1;\nst.global.u16 [%rd9], %h1;",
        _a,
        _b);

    [Fact]
    public void What_one_group_wrote_in_shared_memory_is_unwritten_for_the_next()
    {
        var fault = Should.Throw<KernelFaultException>(() => _machine.Run(
            "mov.u64 %rd6, s;\nadd.u64 %rd7, %rd6, %rd3;\nmov.u32 %r3, %ctaid.x;\nsetp.eq.u32 %p1, %r3, 0;\n@%p1 st.shared.u32 [%rd7], %r1;\nld.shared.u32 %r2, [%rd7];",
            _a,
            _b,
            groups: 2,
            options: new LaunchOptions { Parallelism = 1 }));
        (fault.Kind, fault.Group).ShouldBe((KernelFaultKind.UnwrittenShared, (1, 0, 0)));
    }

    [Fact]
    public void Two_launches_may_write_one_element()
    {
        _machine.Run("st.global.u32 [%rd4], %r1;", _a, _b);
        _machine.Run("add.u32 %r2, %r1, 1;\nst.global.u32 [%rd4], %r2;", _a, _b);
        Machine.Read(_a, 2).ShouldBe([1u, 2u]);
    }

    [Fact]
    public void A_race_in_global_memory_within_a_warp_is_caught() =>
        Caught(KernelFaultKind.GlobalRace, "st.global.u32 [%rd2], %r1;", Machine.FirstLine, lane: 1);

    [Fact]
    public void A_fault_names_the_programs_line() => Caught(
        KernelFaultKind.OutOfBounds,
        ".loc 1 12 3\nld.global.u32 %r2, [%rd4+256];\nret; }\n.file 1 \"/src/Kernels.cs\"\n.visible .entry Kernel_U()\n{",
        Machine.FirstLine + 1,
        lane: 0).SourceLine.ShouldBe("Kernels.cs:12");

    [Fact]
    public void Only_buffers_that_a_kernel_stores_through_are_watched() =>
        PtxModule.Load(Machine.Text("ld.global.u32 %r2, [%rd4];\nmul.wide.u32 %rd6, %r2, 4;\nadd.u64 %rd7, %rd2, %rd6;\nst.global.u32 [%rd7], %r2;"))
            .Find("Kernel_T")!.Program.StoredParameters.ShouldBe([8], ignoreOrder: true);

    [Theory]
    [InlineData("%rd6", 0)]
    [InlineData("%rd7", 8)]
    public void Each_element_of_a_vector_of_parameters_has_its_own_buffer(string stored, int offset) =>
        PtxModule.Load(
            ".version 8.0\n.target sm_80\n.address_size 64\n.visible .entry Kernel_V(.param .align 16 .b8 _v_1[16])\n"
            + $"{{ .reg .b64 %rd<9>;\nld.param.v2.b64 {{%rd6, %rd7}}, [_v_1];\nst.global.u64 [{stored}], %rd6;\nret; }}\n")
            .Find("Kernel_V")!.Program.StoredParameters.ShouldBe([offset]);

    [Fact]
    public void An_endless_loop_is_stopped() => Should.Throw<KernelFaultException>(() => _machine.Run(
        "L:\nbra L;", _a, _b, options: new LaunchOptions { InstructionLimit = 1000 })).Kind.ShouldBe(KernelFaultKind.NoProgress);

    [Fact]
    public void An_unknown_instruction_is_named()
    {
        var error = Should.Throw<PtxException>(() => PtxModule.Load(Machine.Text("\nwgmma.fence.sync.aligned;")));
        error.Line.ShouldBe(Machine.FirstLine + 1);
        error.Message.ShouldContain("wgmma.fence.sync.aligned");
    }

    [Fact]
    public void Counters_tell_sectors_and_bank_conflicts()
    {
        var counters = _machine.Run(
            "ld.global.u32 %r2, [%rd4];\nshl.b64 %rd6, %rd3, 1;\nmov.u64 %rd7, s;\nadd.u64 %rd7, %rd7, %rd6;\nst.shared.u32 [%rd7], %r2;\nst.global.u32 [%rd5], %r2;",
            _a,
            _b,
            options: new LaunchOptions { CountAccesses = true })!;
        counters.Memory["a"].LoadedSectors.ShouldBe(4);
        counters.Memory["a"].LoadedBytes.ShouldBe(128);
        counters.Memory["b"].StoredSectors.ShouldBe(4);
        counters.BankConflicts.ShouldBe(1);
    }

    private KernelFaultException Caught(KernelFaultKind kind, string body, int line, int lane, nint a = 0)
    {
        var fault = Should.Throw<KernelFaultException>(() => _machine.Run(body, a == 0 ? _a : a, _b));
        fault.Kind.ShouldBe(kind);
        fault.Kernel.ShouldBe("T");
        fault.Line.ShouldBe(line);
        fault.Group.ShouldBe((0, 0, 0));
        fault.Lane.ShouldBe(lane);
        return fault;
    }
}
