using SparseInfer.SoftwareCuda.Counting;
using SparseInfer.SoftwareCuda.Execution.Operations;

namespace SparseInfer.SoftwareCuda.Ptx;

internal static unsafe partial class OperationTable
{
    private static void Floats(Builder t)
    {
        t.Class = InstructionClass.Float;
        foreach (string rounding in (string[])["", ".rn"])
        {
            t.Binary<Add<float>, float>($"add{rounding}.f32");
            t.Binary<Sub<float>, float>($"sub{rounding}.f32");
            t.Binary<Mul<float>, float>($"mul{rounding}.f32");
            t.Binary<FlushBinary<Add<float>>, float>($"add{rounding}.ftz.f32");
            t.Binary<FlushBinary<Sub<float>>, float>($"sub{rounding}.ftz.f32");
            t.Binary<FlushBinary<Mul<float>>, float>($"mul{rounding}.ftz.f32");
            t.Binary<SaturateBinary<Add<float>>, float>($"add{rounding}.sat.f32");
            t.Binary<SaturateBinary<Sub<float>>, float>($"sub{rounding}.sat.f32");
            t.Binary<SaturateBinary<Mul<float>>, float>($"mul{rounding}.sat.f32");
            t.Binary<Add<double>, double>($"add{rounding}.f64");
            t.Binary<Sub<double>, double>($"sub{rounding}.f64");
            t.Binary<Mul<double>, double>($"mul{rounding}.f64");
        }

        t.Ternary<FusedF32, float>("fma.rn.f32", "mad.rn.f32");
        t.Ternary<FlushTernary<FusedF32>, float>("fma.rn.ftz.f32", "mad.rn.ftz.f32");
        t.Ternary<SaturateTernary<FusedF32>, float>("fma.rn.sat.f32");
        t.Ternary<FusedF64, double>("fma.rn.f64", "mad.rn.f64");
        t.Binary<Min<float>, float>("min.f32");
        t.Binary<Max<float>, float>("max.f32");
        t.Binary<FlushBinary<Min<float>>, float>("min.ftz.f32");
        t.Binary<FlushBinary<Max<float>>, float>("max.ftz.f32");
        t.Binary<Min<double>, double>("min.f64");
        t.Binary<Max<double>, double>("max.f64");
        t.Unary<NegFloat<float>, float>("neg.f32");
        t.Unary<AbsFloat<float>, float>("abs.f32");
        t.Unary<FlushUnary<NegFloat<float>>, float>("neg.ftz.f32");
        t.Unary<FlushUnary<AbsFloat<float>>, float>("abs.ftz.f32");
        t.Unary<NegFloat<double>, double>("neg.f64");
        t.Unary<AbsFloat<double>, double>("abs.f64");
        t.Scalar2<CopySign32, uint, uint, uint>("copysign.f32");
        t.Scalar2<CopySign64, ulong, ulong, ulong>("copysign.f64");

        t.Class = InstructionClass.Special;
        t.Binary<Div<float>, float>("div.rn.f32", "div.full.f32");
        t.Binary<FlushBinary<Div<float>>, float>("div.rn.ftz.f32", "div.full.ftz.f32", "div.approx.ftz.f32");
        t.Scalar2<DivApproximate, float, float, float>("div.approx.f32");
        t.Binary<Div<double>, double>("div.rn.f64");
        t.Unary<Sqrt<float>, float>("sqrt.rn.f32");
        t.Unary<FlushUnary<Sqrt<float>>, float>("sqrt.rn.ftz.f32");
        t.Unary<Sqrt<double>, double>("sqrt.rn.f64");
        t.Unary<RcpF32, float>("rcp.rn.f32");
        t.Unary<FlushUnary<RcpF32>, float>("rcp.rn.ftz.f32");
        t.Unary<RcpF64, double>("rcp.rn.f64");
        Approximate<Exp2>(t, "ex2");
        Approximate<Log2>(t, "lg2");
        Approximate<Sin>(t, "sin");
        Approximate<Cos>(t, "cos");
        Approximate<Tanh>(t, "tanh");
        Approximate<Rsqrt>(t, "rsqrt");
        Approximate<SqrtFunction>(t, "sqrt");
        Approximate<Reciprocal>(t, "rcp");
        t.Scalar1<Approximate64<Rsqrt>, double, double>("rsqrt.approx.f64", "rsqrt.approx.ftz.f64");
        t.Scalar1<Approximate64<Reciprocal>, double, double>("rcp.approx.ftz.f64");
        t.Scalar1<ApproximateNarrow<Exp2, F16>, uint, uint>("ex2.approx.f16");
        t.Scalar1<ApproximateNarrow<Tanh, F16>, uint, uint>("tanh.approx.f16");
        t.Scalar1<Pair1<ApproximateNarrow<Exp2, F16>>, uint, uint>("ex2.approx.f16x2");
        t.Scalar1<Pair1<ApproximateNarrow<Tanh, F16>>, uint, uint>("tanh.approx.f16x2");
        t.Scalar1<ApproximateNarrow<Tanh, BF16>, uint, uint>("tanh.approx.bf16");
        t.Scalar1<Pair1<ApproximateNarrow<Tanh, BF16>>, uint, uint>("tanh.approx.bf16x2");
    }

    private static void Approximate<T>(Builder t, string name)
        where T : struct, IFunction
    {
        t.Scalar1<Approximate<T>, float, float>($"{name}.approx.f32");
        t.Scalar1<ApproximateFlushed<T>, float, float>($"{name}.approx.ftz.f32");
    }

    private static void NarrowFloats(Builder t)
    {
        t.Class = InstructionClass.Float;
        NarrowFloats<F16>(t, "f16", ["", ".rn"]);
        FlushedHalves(t);
        NarrowFloats<BF16>(t, "bf16", ["", ".rn"]);
        t.Class = InstructionClass.Convert;
        t.Scalar2<PackNarrow<F16>, uint, float, float>("cvt.rn.f16x2.f32");
        t.Scalar2<PackNarrow<BF16>, uint, float, float>("cvt.rn.bf16x2.f32");
        t.Scalar2<PackNarrowRelu<F16>, uint, float, float>("cvt.rn.relu.f16x2.f32");
        t.Scalar2<PackNarrowRelu<BF16>, uint, float, float>("cvt.rn.relu.bf16x2.f32");
        t.Unary<WidenF16, uint>("cvt.f32.f16");
        t.Scalar1<NarrowF16, uint, float>("cvt.rn.f16.f32");
        t.Scalar1<FromS32, float, int>("cvt.rn.f32.s32");
        t.Scalar1<FromU32, float, uint>("cvt.rn.f32.u32");
        t.Unary<Low16, uint>("cvt.u16.u32", "cvt.u16.s32", "cvt.u32.u16", "cvt.s32.u16");
        t.Scalar1<ExtendS32, long, int>("cvt.s64.s32", "cvt.u64.s32");
        t.Scalar1<ExtendU32, ulong, uint>("cvt.u64.u32", "cvt.s64.u32");
        t.Scalar1<Truncate64, uint, ulong>("cvt.u32.u64", "cvt.s32.u64", "cvt.u32.s64", "cvt.s32.s64");
    }

    private static void NarrowFloats<T>(Builder t, string type, string[] modes)
        where T : struct, INarrow
    {
        foreach (string mode in modes)
        {
            t.Scalar2<AddNarrow<T>, uint, uint, uint>($"add{mode}.{type}");
            t.Scalar2<SubNarrow<T>, uint, uint, uint>($"sub{mode}.{type}");
            t.Scalar2<MulNarrow<T>, uint, uint, uint>($"mul{mode}.{type}");
            t.Scalar2<Pair2<AddNarrow<T>>, uint, uint, uint>($"add{mode}.{type}x2");
            t.Scalar2<Pair2<SubNarrow<T>>, uint, uint, uint>($"sub{mode}.{type}x2");
            t.Scalar2<Pair2<MulNarrow<T>>, uint, uint, uint>($"mul{mode}.{type}x2");
            if (mode.StartsWith(".rn", StringComparison.Ordinal))
            {
                t.Scalar3<FusedNarrow<T>, uint, uint, uint, uint>($"fma{mode}.{type}");
                t.Scalar3<Pair3<FusedNarrow<T>>, uint, uint, uint, uint>($"fma{mode}.{type}x2");
            }
            else
            {
                t.Scalar2<MinNarrow<T>, uint, uint, uint>($"min{mode}.{type}");
                t.Scalar2<MaxNarrow<T>, uint, uint, uint>($"max{mode}.{type}");
                t.Scalar2<Pair2<MinNarrow<T>>, uint, uint, uint>($"min{mode}.{type}x2");
                t.Scalar2<Pair2<MaxNarrow<T>>, uint, uint, uint>($"max{mode}.{type}x2");
                t.Scalar1<NegNarrow, uint, uint>($"neg{mode}.{type}");
                t.Scalar1<AbsNarrow, uint, uint>($"abs{mode}.{type}");
                t.Scalar1<Pair1<NegNarrow>, uint, uint>($"neg{mode}.{type}x2");
                t.Scalar1<Pair1<AbsNarrow>, uint, uint>($"abs{mode}.{type}x2");
            }
        }

        t.Scalar3<FusedReluNarrow<T>, uint, uint, uint, uint>($"fma.rn.relu.{type}");
        t.Scalar3<Pair3<FusedReluNarrow<T>>, uint, uint, uint, uint>($"fma.rn.relu.{type}x2");
    }

    private static void FlushedHalves(Builder t)
    {
        foreach (string rounding in (string[])["", ".rn"])
        {
            Two<AddNarrow<F16>>($"add{rounding}");
            Two<SubNarrow<F16>>($"sub{rounding}");
            Two<MulNarrow<F16>>($"mul{rounding}");
        }

        Two<MinNarrow<F16>>("min");
        Two<MaxNarrow<F16>>("max");
        One<NegNarrow>("neg");
        One<AbsNarrow>("abs");
        t.Scalar3<FlushHalf3<FusedNarrow<F16>>, uint, uint, uint, uint>("fma.rn.ftz.f16");
        t.Scalar3<Pair3<FlushHalf3<FusedNarrow<F16>>>, uint, uint, uint, uint>("fma.rn.ftz.f16x2");

        void One<TOp>(string name)
            where TOp : struct, IScalar<uint, uint>
        {
            t.Scalar1<FlushHalf1<TOp>, uint, uint>($"{name}.ftz.f16");
            t.Scalar1<Pair1<FlushHalf1<TOp>>, uint, uint>($"{name}.ftz.f16x2");
        }

        void Two<TOp>(string name)
            where TOp : struct, IScalar<uint, uint, uint>
        {
            t.Scalar2<FlushHalf2<TOp>, uint, uint, uint>($"{name}.ftz.f16");
            t.Scalar2<Pair2<FlushHalf2<TOp>>, uint, uint, uint>($"{name}.ftz.f16x2");
        }
    }

    private static void Comparisons(Builder t)
    {
        Comparisons<int>(t, "s32");
        Comparisons<uint>(t, "u32", "u16");
        Comparisons<long>(t, "s64");
        Comparisons<ulong>(t, "u64");
        t.Compare<Eq<uint>, uint>("eq", "b32", "b16");
        t.Compare<Unless<Eq<uint>, uint>, uint>("ne", "b32", "b16");
        t.Compare<Eq<ulong>, ulong>("eq", "b64");
        t.Compare<Unless<Eq<ulong>, ulong>, ulong>("ne", "b64");
        t.Compare<Signed16<Eq<int>>, int>("eq", "s16");
        t.Compare<Signed16<Unless<Eq<int>, int>>, int>("ne", "s16");
        t.Compare<Signed16<Lt<int>>, int>("lt", "s16");
        t.Compare<Signed16<Le<int>>, int>("le", "s16");
        t.Compare<Signed16<Gt<int>>, int>("gt", "s16");
        t.Compare<Signed16<Ge<int>>, int>("ge", "s16");
        FloatComparisons<float>(t, "f32");
        FloatComparisons<double>(t, "f64");
        FlushedComparison<Eq<float>>(t, "eq", "neu");
        FlushedComparison<Ne<float>>(t, "ne", "equ");
        FlushedComparison<Lt<float>>(t, "lt", "geu");
        FlushedComparison<Le<float>>(t, "le", "gtu");
        FlushedComparison<Gt<float>>(t, "gt", "leu");
        FlushedComparison<Ge<float>>(t, "ge", "ltu");
        FlushedComparison<Ordered<float>>(t, "num", "nan");
        NarrowComparisons<F16>(t, "f16");
        NarrowComparisons<BF16>(t, "bf16");
        t.Test<Finite32, float>("testp.finite.f32");
        t.Test<Infinite32, float>("testp.infinite.f32");
        t.Test<NotANumber32, float>("testp.notanumber.f32");
        t.Test<Number32, float>("testp.number.f32");
        t.Test<Normal32, float>("testp.normal.f32");
        t.Test<Subnormal32, float>("testp.subnormal.f32");
        t.Test<Finite64, double>("testp.finite.f64");
        t.Test<Infinite64, double>("testp.infinite.f64");
        t.Test<NotANumber64, double>("testp.notanumber.f64");
        t.Test<Number64, double>("testp.number.f64");
        t.Test<Normal64, double>("testp.normal.f64");
        t.Test<Subnormal64, double>("testp.subnormal.f64");
    }

    private static void Comparisons<T>(Builder t, params string[] types)
        where T : unmanaged
    {
        t.Compare<Eq<T>, T>("eq", types);
        t.Compare<Unless<Eq<T>, T>, T>("ne", types);
        foreach (string lower in (string[])["lt", "lo"])
        {
            t.Compare<Lt<T>, T>(lower, types);
        }

        foreach (string lower in (string[])["le", "ls"])
        {
            t.Compare<Le<T>, T>(lower, types);
        }

        foreach (string higher in (string[])["gt", "hi"])
        {
            t.Compare<Gt<T>, T>(higher, types);
        }

        foreach (string higher in (string[])["ge", "hs"])
        {
            t.Compare<Ge<T>, T>(higher, types);
        }
    }

    private static void FloatComparisons<T>(Builder t, string type)
        where T : unmanaged
    {
        t.Compare<Eq<T>, T>("eq", type);
        t.Compare<Ne<T>, T>("ne", type);
        t.Compare<Lt<T>, T>("lt", type);
        t.Compare<Le<T>, T>("le", type);
        t.Compare<Gt<T>, T>("gt", type);
        t.Compare<Ge<T>, T>("ge", type);
        t.Compare<Ordered<T>, T>("num", type);
        t.Compare<Unless<Eq<T>, T>, T>("neu", type);
        t.Compare<Unless<Ne<T>, T>, T>("equ", type);
        t.Compare<Unless<Lt<T>, T>, T>("geu", type);
        t.Compare<Unless<Le<T>, T>, T>("gtu", type);
        t.Compare<Unless<Gt<T>, T>, T>("leu", type);
        t.Compare<Unless<Ge<T>, T>, T>("ltu", type);
        t.Compare<Unless<Ordered<T>, T>, T>("nan", type);
    }

    private static void FlushedComparison<TOp>(Builder t, string comparison, string contrary)
        where TOp : struct, IBinary<float>
    {
        t.Compare<FlushCompare<TOp>, float>($"{comparison}.ftz", "f32");
        t.Compare<Unless<FlushCompare<TOp>, float>, float>($"{contrary}.ftz", "f32");
    }

    private static void NarrowComparisons<T>(Builder t, string type)
        where T : struct, INarrow
    {
        Pair<EqScalar>("eq", "neu");
        Pair<NeScalar>("ne", "equ");
        Pair<LtScalar>("lt", "geu");
        Pair<LeScalar>("le", "gtu");
        Pair<GtScalar>("gt", "leu");
        Pair<GeScalar>("ge", "ltu");
        Pair<OrderedScalar>("num", "nan");

        void Pair<TOp>(string comparison, string contrary)
            where TOp : struct, IScalar<bool, float, float>
        {
            t.CompareScalar<CompareNarrow<T, TOp>, uint>($"setp.{comparison}.{type}");
            t.CompareScalar<CompareNarrow<T, UnlessScalar<TOp>>, uint>($"setp.{contrary}.{type}");
        }
    }
}
