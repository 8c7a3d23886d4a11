using SparseInfer.SoftwareCuda.Execution;
using SparseInfer.SoftwareCuda.Tests.Ptx;

namespace SparseInfer.SoftwareCuda.Tests.Operations;

/// <summary>What lanes do together, and what control does to them.</summary>
public sealed class WarpOperationTests : IDisposable
{
    private readonly Machine _machine = new();

    public void Dispose() => _machine.Dispose();

    [Theory]
    [InlineData("up", 0x00)]
    [InlineData("up", 0x1800)]
    [InlineData("down", 0x1F)]
    [InlineData("down", 0x181F)]
    [InlineData("down", 0x0007)]
    [InlineData("bfly", 0x1F)]
    [InlineData("bfly", 0x1C1F)]
    [InlineData("idx", 0x1F)]
    [InlineData("idx", 0x181F)]
    [InlineData("idx", 0x000F)]
    public void Shuffles_follow_the_definition(string mode, int clamp)
    {
        for (int distance = 0; distance < 32; distance += 3)
        {
            uint[] got = Run($"xor.b32 %r2, %r1, 21;\nshfl.sync.{mode}.b32 %r3|%p1, %r2, {distance}, {clamp}, -1;\nselp.u32 %r4, 256, 0, %p1;\nadd.u32 %r3, %r3, %r4;");
            for (int lane = 0; lane < 32; lane++)
            {
                int segment = clamp >> 8 & 31;
                int max = (lane & segment) | (clamp & 31 & ~segment);
                int min = lane & segment;
                (int other, bool valid) = mode switch
                {
                    "up" => (lane - distance, lane - distance >= max),
                    "down" => (lane + distance, lane + distance <= max),
                    "bfly" => (lane ^ distance, (lane ^ distance) <= max),
                    _ => (min | (distance & ~segment), (min | (distance & ~segment)) <= max),
                };
                got[lane].ShouldBe((uint)((valid ? other : lane) ^ 21) + (valid ? 256u : 0), $"lane {lane}, distance {distance}");
            }
        }
    }

    [Fact]
    public void Parts_of_a_warp_vote_reduce_and_match_on_their_own()
    {
        const string Masks = "setp.lt.u32 %p1, %r1, 12;\nselp.b32 %r5, 0xFFF, 0xFFFFF000, %p1;\nand.b32 %r6, %r1, 3;\nsetp.eq.u32 %p2, %r6, 1;\n";
        Run(Masks + "vote.sync.ballot.b32 %r3, %p2, %r5;").ShouldBe(Lanes(lane => 0x22222222u & Members(lane)));
        Run(Masks + "setp.ge.u32 %p3, %r1, 12;\nvote.sync.all.pred %p4, %p3, %r5;\nselp.u32 %r3, 1, 0, %p4;").ShouldBe(Lanes(lane => lane < 12 ? 0u : 1));
        Run(Masks + "vote.sync.any.pred %p4, %p1, %r5;\nselp.u32 %r3, 1, 0, %p4;").ShouldBe(Lanes(lane => lane < 12 ? 1u : 0));
        Run(Masks + "vote.sync.uni.pred %p4, %p1, %r5;\nselp.u32 %r3, 1, 0, %p4;").ShouldBe(Lanes(_ => 1u));
        Run(Masks + "redux.sync.add.s32 %r3, %r1, %r5;").ShouldBe(Lanes(lane => lane < 12 ? 66u : (31 * 32 / 2) - 66));
        Run(Masks + "redux.sync.max.u32 %r3, %r1, %r5;").ShouldBe(Lanes(lane => lane < 12 ? 11u : 31));
        Run(Masks + "sub.s32 %r7, 5, %r1;\nredux.sync.min.s32 %r3, %r7, %r5;").ShouldBe(Lanes(lane => unchecked((uint)(lane < 12 ? -6 : -26))));
        Run(Masks + "match.any.sync.b32 %r3, %r6, %r5;").ShouldBe(Lanes(lane => (0x11111111u << (int)(lane & 3)) & Members(lane)));

        static uint Members(uint lane) => lane < 12 ? 0xFFFu : 0xFFFFF000;
    }

    [Fact]
    public void Parts_of_a_warp_come_to_a_shuffle_at_different_times() =>
        Run("""
            setp.lt.u32 %p1, %r1, 12;
            selp.b32 %r5, 0xFFF, 0xFFFFF000, %p1;
            mov.u32 %r2, %r1;
            @%p1 bra S;
            add.u32 %r2, %r2, 100;
            S:
            selp.b32 %r6, 4, 13, %p1;
            shfl.sync.idx.b32 %r3, %r2, %r6, 31, %r5;
            @!%p1 bra D;
            shfl.sync.idx.b32 %r3, %r2, 5, 31, %r5;
            D:
            """).ShouldBe(Lanes(lane => lane < 12 ? 5u : 113));

    [Fact]
    public void An_active_mask_is_each_branchs_own() =>
        Run("setp.lt.u32 %p1, %r1, 10;\n@%p1 bra L;\nactivemask.b32 %r3;\nbra D;\nL:\nactivemask.b32 %r3;\nD:").ShouldBe(Lanes(lane => lane < 10 ? 0x3FFu : 0xFFFFFC00));

    [Fact]
    public void A_barrier_reduces_over_the_group()
    {
        Run("setp.lt.u32 %p1, %r1, 37;\nbar.red.popc.u32 %r3, 0, %p1;", threads: 61).ShouldBe(Lanes(_ => 37u));
        Run("setp.lt.u32 %p1, %r1, 37;\nbar.red.and.pred %p2, 0, %p1;\nselp.u32 %r3, 1, 0, %p2;", threads: 61).ShouldBe(Lanes(_ => 0u));
        Run("setp.lt.u32 %p1, %r1, 37;\nbar.red.or.pred %p2, 0, !%p1;\nselp.u32 %r3, 1, 0, %p2;", threads: 61).ShouldBe(Lanes(_ => 1u));
    }

    [Fact]
    public void Branches_go_by_a_table_and_labels_are_a_structures_own() =>
        Run("""
            and.b32 %r2, %r1, 3;
            mov.u32 %r3, 0;
            T: .branchtargets A, B, C, A;
            brx.idx %r2, T;
            A: add.u32 %r3, %r3, 1;
            B: add.u32 %r3, %r3, 10;
            C: add.u32 %r3, %r3, 100;
            { .reg .b32 %r2; mov.u32 %r2, 1000; L1: add.u32 %r3, %r3, %r2; }
            { setp.gt.u32 %p1, %r2, 1; @%p1 bra L2; add.u32 %r3, %r3, 5; L2: }
            """).ShouldBe(Lanes(lane => (lane & 3) switch { 1 => 1115u, 2 => 1100, 0 => 1116, _ => 1111 }));

    [Fact]
    public void Local_memory_is_each_lanes_own_and_has_generic_addresses() =>
        Run("""
            .local .align 8 .b8 mine[16];
            mov.u64 %rd6, mine;
            mul.lo.u32 %r2, %r1, 7;
            st.local.u32 [%rd6+4], %r2;
            cvta.local.u64 %rd7, %rd6;
            ld.u32 %r3, [%rd7+4];
            mov.u64 %rd8, s;
            cvta.shared.u64 %rd8, %rd8;
            add.u64 %rd8, %rd8, %rd3;
            st.u32 [%rd8], %r3;
            ld.u32 %r3, [%rd8];
            """).ShouldBe(Lanes(lane => lane * 7));

    [Theory]
    [InlineData("add.u32", "", 1000u + (31 * 32 / 2))]
    [InlineData("and.b32", "", 0u)]
    [InlineData("or.b32", "", 1000u | 31)]
    [InlineData("xor.b32", "", 1000u)]
    [InlineData("max.s32", "", 1000u)]
    [InlineData("min.u32", "", 0u)]
    [InlineData("exch.b32", "", 31u)]
    [InlineData("inc.u32", "", 31u)]
    [InlineData("dec.u32", "", 31u)]
    [InlineData("cas.b32", ", 5", 1000u)]
    public void Atomics_go_lane_by_lane(string operation, string other, uint left)
    {
        nint a = _machine.Buffer(1000);
        nint b = _machine.Buffer(new uint[32]);
        _machine.Run($"atom.global.{operation} %r3, [%rd1], %r1{other};\nst.global.u32 [%rd5], %r3;", a, b);
        Machine.Read(a, 1)[0].ShouldBe(left);
        Machine.Read(b, 1)[0].ShouldBe(1000u);
    }

    [Fact]
    public void Lanes_that_do_not_take_part_are_idle()
    {
        nint a = _machine.Buffer(new uint[64]);
        nint b = _machine.Buffer(new uint[64]);
        long all = _machine.Run("mov.u32 %r2, 1;", a, b, options: new LaunchOptions { CountAccesses = true })!.IdleLanes;
        long some = _machine.Run("setp.lt.u32 %p1, %r1, 5;\n@%p1 mov.u32 %r2, 1;", a, b, options: new LaunchOptions { CountAccesses = true })!.IdleLanes;
        (some - all).ShouldBe(27);
    }

    private static uint[] Lanes(Func<uint, uint> of) => [.. Enumerable.Range(0, 32).Select(lane => of((uint)lane))];

    /// <summary>Executes a body that leaves something in %r3; gives that of the first warp.</summary>
    private uint[] Run(string body, int threads = 32)
    {
        nint a = _machine.Buffer(new uint[64]);
        nint b = _machine.Buffer(new uint[64]);
        _machine.Run(body + "\nst.global.u32 [%rd5], %r3;", a, b, threads);
        return Machine.Read(b, 32);
    }
}
