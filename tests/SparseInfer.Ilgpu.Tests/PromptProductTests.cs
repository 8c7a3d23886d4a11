using System.Reflection;
using System.Runtime.InteropServices;
using SparseInfer.Generators.Ilgpu;
using SparseInfer.Generators.Tests.Execution;
using SparseInfer.SoftwareCuda.Counting;
using ReferencePolicy = SparseInfer.Generators.Tests.Execution.LayerPolicy;

namespace SparseInfer.Ilgpu.Tests;

/// <summary>The matrix products of prompts alone: every weight type, tile and odd shape against double precision.</summary>
public sealed class PromptProductTests : IDisposable
{
    private static readonly Dictionary<WeightType, Lazy<Assembly>> Assemblies = StoredFormat.Types.ToDictionary(
        type => type,
        type => new Lazy<Assembly>(() => FeedForwardKernels.Compile(
            Layers(type).Append(Counted(type)).SelectMany(layer => Shapes(type).Select(shape => PromptProducts.Emit(layer, shape))))));

    private readonly IlgpuDevice _device = TestDevice.Open();

    public static TheoryData<WeightType, string> TypesAndShapes { get; } =
    [
        .. StoredFormat.Types.SelectMany(type => Shapes(type).Select(shape => (type, shape.Name))),
    ];

    /// <summary>Of types that share their kernels, the largest tile and the smallest.</summary>
    private static IReadOnlyList<GroupShape> Shapes(WeightType type) =>
        GroupShape.Of(type) is var all && StoredFormat.For(type).IsCovered ? [all[0], all[^1]] : all;

    [Theory]
    [MemberData(nameof(TypesAndShapes))]
    public void Every_shape_and_count_of_tokens_has_the_sums_of_double_precision(WeightType type, string name)
    {
        GroupShape shape = GroupShape.Of(type).Single(shape => shape.Name == name);
        foreach (LayerCase layer in Layers(type))
        {
            var data = new LayerData(layer);
            using var products = new PromptProducts(_device, Assemblies[type].Value, layer, data, shape);
            int[] counts = layer.Hidden < 128 ? [1, 7, 8, 9, 31, 32, 33, 64] : layer.Hidden < 256 ? [128] : [33];
            foreach (int tokens in counts)
            {
                string where = $"{layer.Name}, {name}, {tokens} tokens";
                float[] x = Values(tokens * layer.Hidden);
                ShouldBeProducts(products.Product(x, tokens, firstRow: 3, rest: 2), x, data.Up, tokens, null, where);

                float[] h = Values(tokens * layer.Intermediate);
                float[]? bias = shape.Matrix is null ? data.DownBias : null;
                float[] down = products.Down(h, tokens, bias);
                ShouldBeProducts(down, h, data.Down, tokens, bias, where + ", down");
                ShouldHaveTheBitsOf(down, products.Down(h, tokens, bias), where + ", again");
            }
        }
    }

    /// <summary>Halves end at 65,504 and at 2^-24: a power of two for each token keeps its inputs between.</summary>
    [Theory]
    [InlineData(1e12f)]
    [InlineData(3e5f)]
    [InlineData(1e-12f)]
    [InlineData(0f)]
    public void On_tensor_cores_inputs_of_any_size_have_the_sums_of_double_precision(float scale)
    {
        LayerCase layer = Layers(WeightType.F16)[0];
        var data = new LayerData(layer);
        GroupShape shape = GroupShape.Of(WeightType.F16).Single(shape => shape.Name == "Matrix64x64");
        using var products = new PromptProducts(_device, Assemblies[WeightType.F16].Value, layer, data, shape);
        float[] x = [.. Values(9 * layer.Hidden).Select((value, i) => i < layer.Hidden ? value : value * scale)];
        x[5] = 1e9f; // one that dwarfs the rest of the first token's

        // Halves end at 2^-24, the largest input stands at 2^14 or above: so a value is off by 2^-39 of that at most, whatever its own size.
        ShouldBeProducts(products.Product(x, 9), x, data.Up, 9, null, $"scale {scale}", inputError: Math.Pow(2, -39));
    }

    /// <summary>Counted where every tile and every load is full.</summary>
    [Theory]
    [MemberData(nameof(TypesAndShapes))]
    public void Shared_memory_has_no_conflicts_and_loads_fetch_nothing_in_vain(WeightType type, string name)
    {
        GroupShape shape = GroupShape.Of(type).Single(shape => shape.Name == name);
        LayerCase layer = Counted(type);
        using var products = new PromptProducts(_device, Assemblies[type].Value, layer, new LayerData(layer), shape);
        float[] x = Values(64 * layer.Hidden);
        float[] h = Values(64 * layer.Intermediate);
        foreach (LaunchCounters launch in TestDevice.Count(_device, () =>
        {
            products.Product(x, 64);
            products.Down(h, 64, null);
        }))
        {
            bool isDown = launch.Kernel.StartsWith("ProductDown", StringComparison.Ordinal);
            if (isDown && shape.Rows == 32 && StoredFormat.For(type).ColumnsPerLoad == 32)
            {
                // 32 columns of a neuron are one load: half a sector, and eight lanes have eight neurons, for which four turns are too few.
                continue;
            }

            launch.BankConflicts.ShouldBe(0, launch.Kernel);
            foreach ((string parameter, MemoryCounters memory) in launch.Memory)
            {
                // A row's scales are two bytes a block, and every row has its own sectors. What is split is read by lanes of two quads each.
                if (parameter != "scales" && launch.Kernel != "SplitInputs")
                {
                    // Bits above four stand apart: a load's are a quarter or a half of a sector, whose rest is for the next loads.
                    bool isApart = parameter == "words" && RowPlan.Of(type, layer.Hidden) is var row && row.Stride != row.Words;
                    int percent = isApart && isDown && shape.Rows < 128 ? 260 : isApart ? 160 : 110;
                    (32 * memory.LoadedSectors).ShouldBeLessThanOrEqualTo(memory.LoadedBytes * percent / 100, $"{launch.Kernel}, {parameter}");
                    (32 * memory.StoredSectors).ShouldBeLessThanOrEqualTo(memory.StoredBytes * 11 / 10, $"{launch.Kernel}, {parameter}");
                }
            }
        }
    }

    /// <summary>PTX has a product and a sum where the driver makes one instruction of both.</summary>
    [Theory]
    [InlineData(WeightType.F32)]
    [InlineData(WeightType.F16)]
    [InlineData(WeightType.BF16)]
    [InlineData(WeightType.Q8_0)]
    [InlineData(WeightType.Q4_0)]
    public void Most_instructions_of_the_largest_tile_are_products(WeightType type)
    {
        GroupShape shape = GroupShape.Of(type)[0];
        LayerCase layer = Counted(type);
        using var products = new PromptProducts(_device, Assemblies[type].Value, layer, new LayerData(layer), shape);
        float[] x = Values(64 * layer.Hidden);
        float[] h = Values(64 * layer.Intermediate);
        foreach (LaunchCounters launch in TestDevice.Count(_device, () =>
        {
            products.Product(x, 64);
            products.Down(h, 64, null);
        }))
        {
            double fused = launch.Instructions[InstructionClass.Float] / 2.0;
            double others = launch.Instructions.Where(pair => pair.Key is not (InstructionClass.Float or InstructionClass.Move)).Sum(pair => pair.Value);
            (fused / (fused + others)).ShouldBeGreaterThan(0.5, $"{launch.Kernel}: {string.Join(", ", launch.Instructions)}");
        }
    }

    public void Dispose() => _device.Dispose();

    private static LayerCase Counted(WeightType type) =>
        new(256, 256, Activation.Relu, type, Gated: false, Biases: false, ReferencePolicy.None);

    /// <summary>Sizes that fill no tile, blocks that fill no load of two lanes, and one of several tiles and steps.</summary>
    private static LayerCase[] Layers(WeightType type)
    {
        bool blocks = StoredFormat.For(type).IsBlock;
        return StoredFormat.For(type).BlockColumns > 32 ? [Layer(256, 256, biases: true)] :
        [
            Layer(blocks ? 96 : 100, blocks ? 160 : 75, biases: false),
            Layer(34, 33, biases: true),
            Layer(160, blocks ? 96 : 90, biases: true),
        ];

        LayerCase Layer(int hidden, int intermediate, bool biases) => new(
            blocks ? (hidden + 31) / 32 * 32 : hidden,
            blocks ? (intermediate + 31) / 32 * 32 : intermediate,
            Activation.Relu,
            type,
            Gated: false,
            biases,
            ReferencePolicy.None);
    }

    private static float[] Values(int count)
    {
        var random = new Random(count);
        float[] values = new float[count];
        for (int i = 0; i < count; i++)
        {
            values[i] = random.Next(5) == 0 ? 0 : (random.NextSingle() * 4) - 2;
        }

        return values;
    }

    /// <param name="x">[tokens, columns].</param>
    /// <param name="inputError">What an input may be off by, as a share of its token's largest.</param>
    private static void ShouldBeProducts(
        float[] y, float[] x, StoredMatrix weights, int tokens, float[]? bias, string where, double inputError = 0)
    {
        int columns = weights.Columns;
        int rows = weights.Values.Length / columns;
        y.Length.ShouldBe(tokens * rows, where);
        for (int token = 0; token < tokens; token++)
        {
            double off = inputError * x.Skip(token * columns).Take(columns).Max(MathF.Abs);
            for (int row = 0; row < rows; row++)
            {
                ReadOnlySpan<float> w = weights.Row(row);
                double sum = bias?[row] ?? 0;
                double size = Math.Abs(sum);
                double rounded = 0;
                for (int j = 0; j < columns; j++)
                {
                    double product = (double)w[j] * x[(token * columns) + j];
                    sum += product;
                    size += Math.Abs(product);
                    rounded += off * Math.Abs(w[j]);
                }

                // Sums of up to 160 floats in a row: their roundings, in units of the terms' size.
                Math.Abs(y[(token * rows) + row] - sum).ShouldBeLessThanOrEqualTo((2e-6 * size) + rounded, $"{where}, token {token}, row {row}");
            }
        }
    }

    private static void ShouldHaveTheBitsOf(float[] expected, float[] actual, string where) =>
        MemoryMarshal.AsBytes<float>(actual).SequenceEqual(MemoryMarshal.AsBytes<float>(expected)).ShouldBeTrue(where);
}
