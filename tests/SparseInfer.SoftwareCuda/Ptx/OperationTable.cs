using SparseInfer.SoftwareCuda.Counting;
using SparseInfer.SoftwareCuda.Execution;
using SparseInfer.SoftwareCuda.Execution.Operations;

namespace SparseInfer.SoftwareCuda.Ptx;

/// <summary>How an operation is executed, and what it works on.</summary>
/// <param name="Handler">What executes it.</param>
/// <param name="Signature">Destinations, <c>=</c>, sources: w for words of 32 bits or less, d for 64 bits, p for predicates.</param>
/// <param name="Class">For counters.</param>
internal sealed record Operation(nint Handler, string Signature, InstructionClass Class);

/// <summary>Operations that work lane by lane, by their whole name.</summary>
internal static unsafe partial class OperationTable
{
    private static readonly Dictionary<string, Operation> Operations = Create();

    public static Operation? Find(string name) => Operations.GetValueOrDefault(name);

    /// <summary>The operations whose names begin most like one that is missing, for an error.</summary>
    public static IEnumerable<string> Like(string name)
    {
        string stem = name.Split('.')[0];
        return Operations.Keys.Where(key => key.StartsWith(stem + ".", StringComparison.Ordinal)).Order(StringComparer.Ordinal).Take(12);
    }

    private static Dictionary<string, Operation> Create()
    {
        var table = new Builder();
        Integers(table);
        Bits(table);
        Floats(table);
        NarrowFloats(table);
        Comparisons(table);
        return table.Operations;
    }

    private static void Integers(Builder t)
    {
        foreach (string s in (string[])["s32", "u32"])
        {
            t.Binary<Add<uint>, uint>($"add.{s}");
            t.Binary<Sub<uint>, uint>($"sub.{s}");
            t.Binary<Mul<uint>, uint>($"mul.lo.{s}");
            t.Ternary<Mad<uint>, uint>($"mad.lo.{s}");
        }

        foreach (string s in (string[])["s64", "u64"])
        {
            t.Binary<Add<ulong>, ulong>($"add.{s}");
            t.Binary<Sub<ulong>, ulong>($"sub.{s}");
            t.Binary<Mul<ulong>, ulong>($"mul.lo.{s}");
            t.Ternary<Mad<ulong>, ulong>($"mad.lo.{s}");
        }

        foreach (string s in (string[])["s16", "u16"])
        {
            t.Scalar2<Add16, uint, uint, uint>($"add.{s}");
            t.Scalar2<Sub16, uint, uint, uint>($"sub.{s}");
            t.Scalar2<Mul16, uint, uint, uint>($"mul.lo.{s}");
            t.Scalar3<Mad16, uint, uint, uint, uint>($"mad.lo.{s}");
        }

        t.Scalar2<AddSaturated, uint, uint, uint>("add.sat.s32");
        t.Scalar2<SubSaturated, uint, uint, uint>("sub.sat.s32");
        t.Scalar2<MulHiS16, uint, uint, uint>("mul.hi.s16");
        t.Scalar2<MulHiU16, uint, uint, uint>("mul.hi.u16");
        t.Scalar2<MulHiS32, uint, uint, uint>("mul.hi.s32");
        t.Scalar2<MulHiU32, uint, uint, uint>("mul.hi.u32");
        t.Scalar2<MulHiS64, ulong, ulong, ulong>("mul.hi.s64");
        t.Scalar2<MulHiU64, ulong, ulong, ulong>("mul.hi.u64");
        t.Scalar3<MadHiS32, uint, uint, uint, uint>("mad.hi.s32");
        t.Scalar3<MadHiU32, uint, uint, uint, uint>("mad.hi.u32");
        t.Scalar3<MadHiS64, ulong, ulong, ulong, ulong>("mad.hi.s64");
        t.Scalar3<MadHiU64, ulong, ulong, ulong, ulong>("mad.hi.u64");
        t.Scalar2<MulWideS16, uint, uint, uint>("mul.wide.s16");
        t.Scalar2<MulWideU16, uint, uint, uint>("mul.wide.u16");
        t.Scalar2<MulWideS32, ulong, uint, uint>("mul.wide.s32");
        t.Scalar2<MulWideU32, ulong, uint, uint>("mul.wide.u32");
        t.Scalar3<MadWideS16, uint, uint, uint, uint>("mad.wide.s16");
        t.Scalar3<MadWideU16, uint, uint, uint, uint>("mad.wide.u16");
        t.Scalar3<MadWideS32, ulong, uint, uint, ulong>("mad.wide.s32");
        t.Scalar3<MadWideU32, ulong, uint, uint, ulong>("mad.wide.u32");
        t.Scalar2<Mul24S, uint, uint, uint>("mul24.lo.s32");
        t.Scalar2<Mul24U, uint, uint, uint>("mul24.lo.u32");
        t.Scalar3<SadS32, uint, uint, uint, uint>("sad.s32");
        t.Scalar3<SadU32, uint, uint, uint, uint>("sad.u32");
        t.Scalar2<DivS16, uint, uint, uint>("div.s16");
        t.Scalar2<DivU16, uint, uint, uint>("div.u16");
        t.Scalar2<DivS32, uint, uint, uint>("div.s32");
        t.Scalar2<DivU32, uint, uint, uint>("div.u32");
        t.Scalar2<DivS64, ulong, ulong, ulong>("div.s64");
        t.Scalar2<DivU64, ulong, ulong, ulong>("div.u64");
        t.Scalar2<RemS16, uint, uint, uint>("rem.s16");
        t.Scalar2<RemU32, uint, uint, uint>("rem.u16");
        t.Scalar2<RemS32, uint, uint, uint>("rem.s32");
        t.Scalar2<RemU32, uint, uint, uint>("rem.u32");
        t.Scalar2<RemS64, ulong, ulong, ulong>("rem.s64");
        t.Scalar2<RemU64, ulong, ulong, ulong>("rem.u64");
        t.Scalar2<MinS16, uint, uint, uint>("min.s16");
        t.Scalar2<MaxS16, uint, uint, uint>("max.s16");
        t.Binary<Min<uint>, uint>("min.u16", "min.u32");
        t.Binary<Max<uint>, uint>("max.u16", "max.u32");
        t.Binary<Min<int>, int>("min.s32");
        t.Binary<Max<int>, int>("max.s32");
        t.Binary<Min<long>, long>("min.s64");
        t.Binary<Max<long>, long>("max.s64");
        t.Binary<Min<ulong>, ulong>("min.u64");
        t.Binary<Max<ulong>, ulong>("max.u64");
        t.Scalar1<Neg16, uint, uint>("neg.s16");
        t.Scalar1<Abs16, uint, uint>("abs.s16");
        t.Unary<NegInteger<int>, int>("neg.s32");
        t.Unary<AbsInteger<int>, int>("abs.s32");
        t.Unary<NegInteger<long>, long>("neg.s64");
        t.Unary<AbsInteger<long>, long>("abs.s64");
        t.Class = InstructionClass.DotProduct;
        t.Scalar3<Dp4a<Signed, Signed>, uint, uint, uint, uint>("dp4a.s32.s32");
        t.Scalar3<Dp4a<Signed, Unsigned>, uint, uint, uint, uint>("dp4a.s32.u32");
        t.Scalar3<Dp4a<Unsigned, Signed>, uint, uint, uint, uint>("dp4a.u32.s32");
        t.Scalar3<Dp4a<Unsigned, Unsigned>, uint, uint, uint, uint>("dp4a.u32.u32");
        t.Scalar3<Dp2aLow<Signed, Signed>, uint, uint, uint, uint>("dp2a.lo.s32.s32");
        t.Scalar3<Dp2aLow<Signed, Unsigned>, uint, uint, uint, uint>("dp2a.lo.s32.u32");
        t.Scalar3<Dp2aLow<Unsigned, Signed>, uint, uint, uint, uint>("dp2a.lo.u32.s32");
        t.Scalar3<Dp2aLow<Unsigned, Unsigned>, uint, uint, uint, uint>("dp2a.lo.u32.u32");
        t.Scalar3<Dp2aHigh<Signed, Signed>, uint, uint, uint, uint>("dp2a.hi.s32.s32");
        t.Scalar3<Dp2aHigh<Signed, Unsigned>, uint, uint, uint, uint>("dp2a.hi.s32.u32");
        t.Scalar3<Dp2aHigh<Unsigned, Signed>, uint, uint, uint, uint>("dp2a.hi.u32.s32");
        t.Scalar3<Dp2aHigh<Unsigned, Unsigned>, uint, uint, uint, uint>("dp2a.hi.u32.u32");
    }

    private static void Bits(Builder t)
    {
        t.Class = InstructionClass.Integer;
        t.Binary<And<uint>, uint>("and.b16", "and.b32");
        t.Binary<Or<uint>, uint>("or.b16", "or.b32");
        t.Binary<Xor<uint>, uint>("xor.b16", "xor.b32");
        t.Binary<And<ulong>, ulong>("and.b64");
        t.Binary<Or<ulong>, ulong>("or.b64");
        t.Binary<Xor<ulong>, ulong>("xor.b64");
        t.Scalar1<Not16, uint, uint>("not.b16");
        t.Unary<Not<uint>, uint>("not.b32");
        t.Unary<Not<ulong>, ulong>("not.b64");
        t.Add("and.pred", &PredicateLoops.And, "p=pp", InstructionClass.Compare);
        t.Add("or.pred", &PredicateLoops.Or, "p=pp", InstructionClass.Compare);
        t.Add("xor.pred", &PredicateLoops.Xor, "p=pp", InstructionClass.Compare);
        t.Add("not.pred", &PredicateLoops.Not, "p=p", InstructionClass.Compare);
        t.Add("mov.pred", &PredicateLoops.Move, "p=p", InstructionClass.Move);
        t.Scalar2<Shl16, uint, uint, uint>("shl.b16");
        t.Scalar2<ShrU16, uint, uint, uint>("shr.u16", "shr.b16");
        t.Scalar2<ShrS16, uint, uint, uint>("shr.s16");
        t.Binary<Shl32, uint>("shl.b32");
        t.Binary<ShrU32, uint>("shr.u32", "shr.b32");
        t.Binary<ShrS32, int>("shr.s32");
        t.Scalar2<Shl64, ulong, ulong, uint>("shl.b64");
        t.Scalar2<ShrU64, ulong, ulong, uint>("shr.u64", "shr.b64");
        t.Scalar2<ShrS64, ulong, ulong, uint>("shr.s64");
        t.Scalar3<ShfLeftWrap, uint, uint, uint, uint>("shf.l.wrap.b32");
        t.Scalar3<ShfLeftClamp, uint, uint, uint, uint>("shf.l.clamp.b32");
        t.Scalar3<ShfRightWrap, uint, uint, uint, uint>("shf.r.wrap.b32");
        t.Scalar3<ShfRightClamp, uint, uint, uint, uint>("shf.r.clamp.b32");
        t.Scalar1<Popc32, uint, uint>("popc.b32");
        t.Scalar1<Popc64, uint, ulong>("popc.b64");
        t.Scalar1<Clz32, uint, uint>("clz.b32");
        t.Scalar1<Clz64, uint, ulong>("clz.b64");
        t.Scalar1<Brev32, uint, uint>("brev.b32");
        t.Scalar1<Brev64, ulong, ulong>("brev.b64");
        t.Scalar1<BfindU32, uint, uint>("bfind.u32");
        t.Scalar1<BfindS32, uint, uint>("bfind.s32");
        t.Scalar1<BfindU64, uint, ulong>("bfind.u64");
        t.Scalar1<BfindS64, uint, ulong>("bfind.s64");
        t.Scalar1<BfindShift32<BfindU32>, uint, uint>("bfind.shiftamt.u32");
        t.Scalar1<BfindShift32<BfindS32>, uint, uint>("bfind.shiftamt.s32");
        t.Scalar1<BfindShift64<BfindU64>, uint, ulong>("bfind.shiftamt.u64");
        t.Scalar1<BfindShift64<BfindS64>, uint, ulong>("bfind.shiftamt.s64");
        t.Scalar3<BfeU32, uint, uint, uint, uint>("bfe.u32");
        t.Scalar3<BfeS32, uint, uint, uint, uint>("bfe.s32");
        t.Scalar3<BfeU64, ulong, ulong, uint, uint>("bfe.u64");
        t.Scalar3<BfeS64, ulong, ulong, uint, uint>("bfe.s64");
        t.Scalar4<Bfi32, uint, uint, uint, uint, uint>("bfi.b32");
        t.Scalar4<Bfi64, ulong, ulong, ulong, uint, uint>("bfi.b64");
        t.Scalar2<Bmsk, uint, uint, uint>("bmsk.clamp.b32");
        t.Scalar3<Fns, uint, uint, uint, uint>("fns.b32");
        t.Scalar3<Prmt, uint, uint, uint, uint>("prmt.b32");
        t.Scalar4<Lop3, uint, uint, uint, uint, uint>("lop3.b32");
        t.Class = InstructionClass.Compare;
        foreach (string s in (string[])["b16", "s16", "u16", "b32", "s32", "u32", "f32"])
        {
            t.Add($"selp.{s}", &LaneLoops.Select<uint>, "w=wwp", InstructionClass.Compare);
            t.Scalar3<SelectByInteger<uint>, uint, uint, uint, int>($"slct.{s}.s32");
            t.Scalar3<SelectByFloat<uint>, uint, uint, uint, float>($"slct.{s}.f32", $"slct.ftz.{s}.f32");
        }

        foreach (string s in (string[])["b64", "s64", "u64", "f64"])
        {
            t.Add($"selp.{s}", &LaneLoops.Select<ulong>, "d=ddp", InstructionClass.Compare);
            t.Scalar3<SelectByInteger<ulong>, ulong, ulong, ulong, int>($"slct.{s}.s32");
            t.Scalar3<SelectByFloat<ulong>, ulong, ulong, ulong, float>($"slct.{s}.f32", $"slct.ftz.{s}.f32");
        }

        t.Class = InstructionClass.Move;
        foreach (string s in (string[])["b8", "b16", "s16", "u16", "f16", "b32", "s32", "u32", "f32"])
        {
            t.Unary<Copy<uint>, uint>($"mov.{s}");
        }

        foreach (string s in (string[])["b64", "s64", "u64", "f64"])
        {
            t.Unary<Copy<ulong>, ulong>($"mov.{s}");
        }
    }

    /// <summary>Where the table is filled. Names that are added take the class that is set.</summary>
    private sealed class Builder
    {
        public Dictionary<string, Operation> Operations { get; } = new(StringComparer.Ordinal);

        public InstructionClass Class { get; set; } = InstructionClass.Integer;

        public void Add(string name, delegate*<byte*, Instruction*, uint, void> handler, string signature, InstructionClass @class) =>
            Operations.Add(name, new Operation((nint)handler, signature, @class));

        public void Unary<TOp, T>(params string[] names)
            where TOp : struct, IUnary<T>
            where T : unmanaged
        {
            foreach (string name in names)
            {
                Add(name, &LaneLoops.Unary<TOp, T>, $"{Letter<T>()}={Letter<T>()}", Class);
            }
        }

        public void Binary<TOp, T>(params string[] names)
            where TOp : struct, IBinary<T>
            where T : unmanaged
        {
            foreach (string name in names)
            {
                Add(name, &LaneLoops.Binary<TOp, T>, $"{Letter<T>()}={Letter<T>()}{Letter<T>()}", Class);
            }
        }

        public void Ternary<TOp, T>(params string[] names)
            where TOp : struct, ITernary<T>
            where T : unmanaged
        {
            foreach (string name in names)
            {
                Add(name, &LaneLoops.Ternary<TOp, T>, $"{Letter<T>()}={Letter<T>()}{Letter<T>()}{Letter<T>()}", Class);
            }
        }

        public void Scalar1<TOp, TD, TA>(params string[] names)
            where TOp : struct, IScalar<TD, TA>
            where TD : unmanaged
            where TA : unmanaged
        {
            foreach (string name in names)
            {
                Add(name, &LaneLoops.Scalar1<TOp, TD, TA>, $"{Letter<TD>()}={Letter<TA>()}", Class);
            }
        }

        public void Scalar2<TOp, TD, TA, TB>(params string[] names)
            where TOp : struct, IScalar<TD, TA, TB>
            where TD : unmanaged
            where TA : unmanaged
            where TB : unmanaged
        {
            foreach (string name in names)
            {
                Add(name, &LaneLoops.Scalar2<TOp, TD, TA, TB>, $"{Letter<TD>()}={Letter<TA>()}{Letter<TB>()}", Class);
            }
        }

        public void Scalar3<TOp, TD, TA, TB, TC>(params string[] names)
            where TOp : struct, IScalar<TD, TA, TB, TC>
            where TD : unmanaged
            where TA : unmanaged
            where TB : unmanaged
            where TC : unmanaged
        {
            foreach (string name in names)
            {
                Add(name, &LaneLoops.Scalar3<TOp, TD, TA, TB, TC>, $"{Letter<TD>()}={Letter<TA>()}{Letter<TB>()}{Letter<TC>()}", Class);
            }
        }

        public void Scalar4<TOp, TD, TA, TB, TC, TE>(params string[] names)
            where TOp : struct, IScalar4<TD, TA, TB, TC, TE>
            where TD : unmanaged
            where TA : unmanaged
            where TB : unmanaged
            where TC : unmanaged
            where TE : unmanaged
        {
            foreach (string name in names)
            {
                Add(name, &LaneLoops.Scalar4<TOp, TD, TA, TB, TC, TE>, $"{Letter<TD>()}={Letter<TA>()}{Letter<TB>()}{Letter<TC>()}{Letter<TE>()}", Class);
            }
        }

        public void Compare<TOp, T>(string comparison, params string[] types)
            where TOp : struct, IBinary<T>
            where T : unmanaged
        {
            foreach (string type in types)
            {
                Add($"setp.{comparison}.{type}", &LaneLoops.Compare<TOp, T>, $"pp={Letter<T>()}{Letter<T>()}", InstructionClass.Compare);
            }
        }

        public void CompareScalar<TOp, T>(string name)
            where TOp : struct, IScalar<bool, T, T>
            where T : unmanaged
            => Add(name, &LaneLoops.CompareScalar<TOp, T>, $"pp={Letter<T>()}{Letter<T>()}", InstructionClass.Compare);

        public void Test<TOp, T>(string name)
            where TOp : struct, IScalar<bool, T>
            where T : unmanaged
            => Add(name, &LaneLoops.Test<TOp, T>, $"p={Letter<T>()}", InstructionClass.Compare);

        private static char Letter<T>()
            where T : unmanaged => sizeof(T) == 8 ? 'd' : 'w';
    }
}
