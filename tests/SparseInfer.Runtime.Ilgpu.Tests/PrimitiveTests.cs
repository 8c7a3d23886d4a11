using System.Runtime.InteropServices;
using ILGPU;
using ILGPU.Runtime;
using SparseInfer.Kernels.Ilgpu;

namespace SparseInfer.Runtime.Ilgpu.Tests;

/// <summary>Device functions, in kernels, against double precision.</summary>
public sealed class PrimitiveTests
{
    private const int Threads = 32;

    [Theory]
    [InlineData(WeightType.F32)]
    [InlineData(WeightType.F16)]
    [InlineData(WeightType.BF16)]
    [InlineData(WeightType.Q8_0)]
    [InlineData(WeightType.Q4_0)]
    public void Rows_are_widened_multiplied_and_added(WeightType type)
    {
        int perWords = DeviceMatrix.ColumnsPerWords(type);
        int columns = Threads * perWords;
        byte[] source = Numbers.Encode(type, Numbers.Random(columns, 1));
        float[] w = Numbers.Decode(type, source, columns);
        (byte[] quants, ushort[] scales) = Layout.Split(type, source);
        float[] x = Numbers.Random(columns, 2);
        float[] y = Numbers.Random(columns, 3);
        float[] sums = Numbers.Random(Threads, 4);
        IlgpuDevice device = TestDevice.Shared;
        using DeviceBuffer<Words4> wordsOn = Send(MemoryMarshal.Cast<byte, Words4>(quants));
        using DeviceBuffer<ushort> scalesOn = Send<ushort>(scales);
        using DeviceBuffer<Float4> xOn = Send(MemoryMarshal.Cast<float, Float4>(x));
        using DeviceBuffer<Float4> yOn = Send(MemoryMarshal.Cast<float, Float4>(y));
        using DeviceBuffer<float> dotOn = Send<float>(sums);
        using DeviceBuffer<Float4> widenedOn = device.Allocate<Float4>(columns / 4, "test");

        Action<ArrayView<Words4>, ArrayView<ushort>, ArrayView<Float4>, ArrayView<float>, ArrayView<Float4>, ArrayView<Float4>> kernel = type switch
        {
            WeightType.F32 => PrimitiveKernels.F32,
            WeightType.F16 => PrimitiveKernels.F16,
            WeightType.BF16 => PrimitiveKernels.BF16,
            WeightType.Q8_0 => PrimitiveKernels.Q8,
            _ => PrimitiveKernels.Q4,
        };
        device.Accelerator.LoadStreamKernel(kernel)(
            new KernelConfig(1, Threads), wordsOn.View, scalesOn.View, xOn.View, dotOn.View, yOn.View, widenedOn.View);
        device.Synchronize();

        Floats(widenedOn).ShouldBe(w);
        float[] yNow = Floats(yOn);
        bool isBlock = scales.Length > 0; // down of block types adds integers: below
        for (int j = 0; j < columns; j++)
        {
            ((double)yNow[j]).ShouldBe(y[j] + (isBlock ? 0 : (double)PrimitiveKernels.H * w[j]), 1e-6);
        }

        float[] dots = new float[Threads];
        dotOn.CopyTo(dots);
        for (int i = 0; i < Threads; i++)
        {
            double expected = sums[i] + Enumerable.Range(i * perWords, perWords).Sum(j => (double)w[j] * x[j]);
            ((double)dots[i]).ShouldBe(expected, 1e-5);
        }
    }

    [Theory]
    [InlineData(WeightType.Q8_0)]
    [InlineData(WeightType.Q4_0)]
    public void Down_rows_have_a_scale_for_each_column(WeightType type)
    {
        int perWords = DeviceMatrix.ColumnsPerWords(type);
        int columns = Threads * perWords;
        (byte[] quants, _) = Layout.Split(type, Numbers.Encode(type, Numbers.Random(columns, 5)));
        float[] values = Layout.Quants(type, quants);
        System.Half[] scales = [.. Numbers.Random(columns, 6).Select(value => (System.Half)value)];
        IlgpuDevice device = TestDevice.Shared;
        using DeviceBuffer<Words4> wordsOn = Send(MemoryMarshal.Cast<byte, Words4>(quants));
        int[] activations = type == WeightType.Q8_0 ? [300, -1234, 32767, -32767] : [3, -7, 100, -127];
        uint low = Packed(activations, shift: 0);
        uint[] given = type == WeightType.Q8_0 ? [Packed(activations, shift: 8), low] : [low, (uint)(-8 * activations.Sum())];
        using DeviceBuffer<Words4> scalesOn = Send(MemoryMarshal.Cast<System.Half, Words4>(scales));
        using DeviceBuffer<uint> activationsOn = Send<uint>(given);
        using DeviceBuffer<Float4> yOn = device.Allocate<Float4>(columns / 4, "test");
        Action<ArrayView<Words4>, ArrayView<Words4>, ArrayView<uint>, ArrayView<Float4>> kernel =
            type == WeightType.Q8_0 ? PrimitiveKernels.Q8Down : PrimitiveKernels.Q4Down;
        device.Accelerator.LoadStreamKernel(kernel)(new KernelConfig(1, Threads), wordsOn.View, scalesOn.View, activationsOn.View, yOn.View);
        device.Synchronize();

        float[] y = Floats(yOn);
        for (int j = 0; j < columns; j++)
        {
            // The second row is the next thread's columns, and so on.
            double sum = Enumerable.Range(0, 4).Sum(row => activations[row] * (double)values[(j + (row * perWords)) % columns]);
            double expected = PrimitiveKernels.Step * (float)scales[j] * sum;
            ((double)y[j]).ShouldBe(expected, 1e-6 * Math.Max(1, Math.Abs(expected)));
        }

        static uint Packed(int[] values, int shift) =>
            (uint)Enumerable.Range(0, 4).Sum(i => (long)((values[i] >> shift) & 0xff) << (8 * i));
    }

    [Fact]
    public void The_exponential_is_right_to_two_units_in_the_last_place_and_saturates()
    {
        float[] x =
        [
            .. Enumerable.Range(0, 4064).Select(i => -87f + (i * 175.5f / 4063)),
            0, -0f, 1, -1, 88.72f, 88.73f, 90, 1e30f, float.PositiveInfinity, -87.33f, -100, -104, -110, -1e30f, float.NegativeInfinity, float.NaN,
            .. Enumerable.Range(0, 16).Select(i => i * 1e-8f),
        ];
        (float[] exp, _, _) = Functions(x);
        for (int i = 0; i < x.Length; i++)
        {
            float expected = (float)Math.Exp(x[i]);
            if (float.IsNaN(expected) || float.IsInfinity(expected))
            {
                exp[i].ShouldBe(expected, $"e^{x[i]:R}");
            }
            else
            {
                double unit = Math.Max((double)MathF.BitIncrement(expected) - expected, float.Epsilon);
                (Math.Abs(exp[i] - Math.Exp(x[i])) / unit).ShouldBeLessThanOrEqualTo(2, $"e^{x[i]:R}");
            }
        }
    }

    [Fact]
    public void Activations_follow_their_formulas_far_out_too()
    {
        float[] x = [.. Enumerable.Range(0, 122).Select(i => (i - 61) / 4f), -1e4f, 1e4f, -1e20f, 1e20f, 0, -0f];
        (_, float[] silu, float[] gelu) = Functions(x);
        for (int i = 0; i < x.Length; i++)
        {
            double v = x[i];
            double tolerance = 1e-6 * Math.Max(1, Math.Abs(v));
            ((double)silu[i]).ShouldBe(v / (1 + Math.Exp(-v)), tolerance);
            double tanh = Math.Tanh(Math.Sqrt(2 / Math.PI) * (v + (0.044715 * v * v * v)));
            ((double)gelu[i]).ShouldBe(0.5 * v * (1 + tanh), tolerance);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(300)]
    [InlineData(599)]
    [InlineData(600)]
    public void The_largest_scores_are_those_that_sorting_finds(int count)
    {
        const int Length = 600;
        var random = new Random(count);
        float[][] sets =
        [
            [.. Enumerable.Range(0, Length).Select(_ => random.NextSingle() - 0.5f)],
            [.. Enumerable.Range(0, Length).Select(_ => (random.Next(5) - 2) / 8f)],
            [.. Enumerable.Range(0, Length).Select(i => i % 3 == 0 ? -0f : 0f)],
            [.. Enumerable.Range(0, Length).Select(i => i % 7 == 0 ? float.NegativeInfinity : i % 11 == 0 ? float.PositiveInfinity : -1e-40f * i)],
        ];
        using DeviceBuffer<float> scores = Send<float>([.. sets.SelectMany(set => set)]);
        using DeviceBuffer<float> kept = TestDevice.Shared.Allocate<float>(sets.Length * Length, "test");
        TestDevice.Shared.Accelerator.LoadStreamKernel<ArrayView<float>, int, int, ArrayView<float>>(PrimitiveKernels.Keep)(
            new KernelConfig(sets.Length, 256), scores.View, Length, count, kept.View);
        TestDevice.Shared.Synchronize();
        Back(kept).ShouldBe(sets.SelectMany(set =>
        {
            HashSet<int> best = [.. Enumerable.Range(0, Length).OrderByDescending(i => (double)set[i]).ThenBy(i => i).Take(count)];
            return set.Select((_, i) => best.Contains(i) ? 0f : -1f);
        }));
    }

    private static (float[] Exp, float[] Silu, float[] Gelu) Functions(float[] x)
    {
        IlgpuDevice device = TestDevice.Shared;

        // Few large groups: ILGPU's CPU accelerator takes long for each, however small.
        int group = Math.Min(x.Length, 256);
        (x.Length % group).ShouldBe(0);
        using DeviceBuffer<float> xOn = Send<float>(x);
        using DeviceBuffer<float> exp = device.Allocate<float>(x.Length, "test");
        using DeviceBuffer<float> silu = device.Allocate<float>(x.Length, "test");
        using DeviceBuffer<float> gelu = device.Allocate<float>(x.Length, "test");
        device.Accelerator.LoadStreamKernel<ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>>(PrimitiveKernels.Functions)(
            new KernelConfig(x.Length / group, group), xOn.View, exp.View, silu.View, gelu.View);
        device.Synchronize();
        return (Back(exp), Back(silu), Back(gelu));
    }

    private static DeviceBuffer<T> Send<T>(ReadOnlySpan<T> values)
        where T : unmanaged
    {
        DeviceBuffer<T> buffer = TestDevice.Shared.Allocate<T>(values.Length, "test");
        buffer.CopyFrom(values);
        return buffer;
    }

    private static float[] Floats(DeviceBuffer<Float4> buffer) => MemoryMarshal.Cast<Float4, float>(Back(buffer)).ToArray();

    private static T[] Back<T>(DeviceBuffer<T> buffer)
        where T : unmanaged
    {
        var values = new T[buffer.Count];
        buffer.CopyTo(values);
        return values;
    }
}
