using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Ilgpu;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Tests.Fixture;
using SparseInfer.Generators.Text;
using SparseInfer.Generators.Traits.ParallelAttention;
using SparseInfer.Generators.Traits.Scales;
using SparseInfer.Generators.Traits.SubNorms;

namespace SparseInfer.Generators.Tests.Program;

/// <summary>How a program's operations become launches: what is fused, what has a launch of its own, what no kernel computes.</summary>
public sealed class LaunchTests
{
    private static readonly ModelSpec Small = Parsed.Model("""
        using SparseInfer;
        [DecoderModel(Hidden = 64, Layers = 3, Vocabulary = 100, Context = 16)]
        [Attention(Heads = 4, KeyValueHeads = 2)]
        [FeedForward(Intermediate = 96, Activation = Activation.Relu, Gated = true)]
        [RmsNorm(Epsilon = 1e-5f)]
        [Weights(WeightType.F32)]
        public sealed partial class Model;
        """, "Model")!;

    private static readonly ModelSpec Biased = Small with
    {
        Attention = Small.Attention with { QueryKeyValueBiases = true, OutputBias = true },
        FeedForward = Small.FeedForward with { Biases = true },
        Norm = new NormSpec(NormKind.Layer, 1e-5f),
    };

    private static readonly ModelSpec Mixed = Small with { Weights = new[] { WeightType.F16, WeightType.Q8_0 }.ToEquatableArray() };

    /// <summary>Biases and the norm before the heads are part of other launches, whatever the norm and the weight types are.</summary>
    [Fact]
    public void A_token_has_seven_launches_a_layer()
    {
        foreach (ModelSpec spec in new[] { Small, Biased, Mixed })
        {
            Text(Launches(spec).Token).ShouldBe(
                "embedding | norm and heads, attention, its splits, projection, norm, feed-forward, its sum | norm, logits, greedy token");
        }
    }

    /// <summary>Norms of heads are part of the launches that rotate them, in each pass.</summary>
    [Fact]
    public void Norms_of_heads_take_no_launch()
    {
        ModelSpec normed = Small with { Attention = Small.Attention with { QueryKeyNorms = true } };
        Text(Launches(normed).Token).ShouldBe(Text(Launches(Small).Token));
        Text(Launches(normed).Prompt).ShouldBe(Text(Launches(Small).Prompt));
        Text(Launches(normed).Together.ShouldNotBeNull()).ShouldBe(Text(Launches(Small).Together.ShouldNotBeNull()));
    }

    /// <summary>They are added by who reads the embedding; sequences together have a position each, and a kernel of their own.</summary>
    [Fact]
    public void Learned_positions_take_no_launch()
    {
        ModelSpec learned = Small with { Embedding = Small.Embedding with { LearnedPositions = 16 } };
        Text(Launches(learned).Token).ShouldBe(Text(Launches(Small).Token));
        Launches(learned).Kernels.Select(kernel => kernel.Name).ShouldBe(Launches(Small).Kernels.Select(kernel => kernel.Name));
        Launches(learned).KernelsTogether.Select(kernel => kernel.Name).Except(Launches(Small).KernelsTogether.Select(kernel => kernel.Name)).ShouldBe(["EmbedTogetherF32"]);
    }

    /// <summary>The feed-forward's norm is taken before attention is added, in the launch that adds it; the order of launches is a plain decoder's.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Parallel_attention_takes_no_launch(int norms)
    {
        ModelSpec parallel = Small with { Traits = new TraitSpec[] { new ParallelAttentionSpec(norms) }.ToEquatableArray() };
        Text(Launches(parallel).Token).ShouldBe(Text(Launches(Small).Token));
        Text(Launches(parallel).Together.ShouldNotBeNull()).ShouldBe(Text(Launches(Small).Together.ShouldNotBeNull()));
        Kernels(Launches(parallel).Prompt).ShouldBe(Kernels(Launches(Small).Prompt).Select((name, i) => i == 7 ? "NormAdd" : name));
    }

    /// <summary>A scale of what attention adds comes before the norm.</summary>
    [Fact]
    public void Parallel_attention_may_be_scaled()
    {
        ModelSpec scaled = Small with { Traits = new TraitSpec[] { new ScalesSpec(0.5f, 1f), new ParallelAttentionSpec(1) }.ToEquatableArray() };
        Text(Launches(scaled).Token).ShouldBe(
            "embedding | norm and heads, attention, its splits, projection, Scale of projected, norm, feed-forward, its sum | norm, logits, greedy token");
    }

    /// <summary>
    /// A single token's output projection normalises its own input; neurons are multiplied by the norm's weights, and the sum of down's slices is scaled.
    /// </summary>
    [Fact]
    public void Sub_norms_take_no_launch_of_a_token()
    {
        ModelSpec normed = Small with { Traits = new TraitSpec[] { new SubNormsSpec() }.ToEquatableArray() };
        Text(Launches(normed).Token).ShouldBe(
            "embedding | norm and heads, attention, its splits, norm and projection, norm, feed-forward, its sum | norm, logits, greedy token");
        Text(Launches(normed).Together.ShouldNotBeNull()).ShouldBe(
            "embedding | norm, rows of the heads, rotation, attention, its splits, attention's norm, projection, norm, feed-forward, down, its sum | norm, logits, greedy token");
        Kernels(Launches(normed).Prompt).Skip(6).Take(9).ShouldBe(
            ["NormAttended", "ProductF32x64", "AddNorm", "ProductF32x64", "ProductF32x64", "ActivateBatch", "NormNeurons", "ProductDownF32", "AddNorm"]);
        Text(Launches(Wide() with { Traits = normed.Traits }).Token).ShouldContain("its splits, attention's norm, projection, norm");
    }

    [Fact]
    public void Sub_norms_are_refused_where_a_part_is_missing()
    {
        ModelSpec normed = Small with { Traits = new TraitSpec[] { new SubNormsSpec() }.ToEquatableArray() };
        foreach (Type missing in new[] { typeof(NormAttended), typeof(SumSquares), typeof(NormNeurons) })
        {
            Should.Throw<NotSupportedException>(() => Launches(normed, layer => [.. layer.Where(operation => operation.GetType() != missing)]), missing.Name)
                .Message.ShouldStartWith("A GPU's program has no launch for ");
        }
    }

    /// <summary>Kernels normalise, then rotate, queries and keys alike.</summary>
    [Fact]
    public void Norms_of_heads_are_refused_in_another_order_or_of_queries_alone()
    {
        ModelSpec normed = Small with { Attention = Small.Attention with { QueryKeyNorms = true } };
        IReadOnlyList<Operation> Turned(IReadOnlyList<Operation> layer) => [.. layer.SelectMany(operation => operation switch
        {
            NormHeads => Array.Empty<Operation>(),
            Rotate rotate => [rotate, layer.OfType<NormHeads>().Single(norm => norm.Writes == rotate.Writes)],
            _ => [operation],
        })];
        Should.Throw<NotSupportedException>(() => Launches(normed, Turned)).Message.ShouldStartWith("A GPU's program has no launch for ");
        Should.Throw<NotSupportedException>(() => Launches(normed, layer => [.. layer.Where(operation => operation is not NormHeads || operation.Writes != Slot.Keys)]))
            .Message.ShouldStartWith("A GPU's program has no launch for ");
    }

    [Fact]
    public void A_wide_model_normalises_in_a_launch_of_its_own() => Text(Launches(Wide()).Token).ShouldBe(
        "embedding | norm, heads, attention, its splits, projection, norm, feed-forward, its sum | norm, logits, greedy token");

    [Fact]
    public void A_bias_is_a_launch_where_sequences_are_together()
    {
        Text(Launches(Small).Together.ShouldNotBeNull()).ShouldBe(
            "embedding | norm, rows of the heads, rotation, attention, its splits, projection, norm, feed-forward, down, its sum | norm, logits, greedy token");
        Text(Launches(Biased).Together.ShouldNotBeNull()).ShouldBe(
            "embedding | norm, rows of the heads, rotation, attention, its splits, projection, its bias, norm, feed-forward, down, its sum | norm, logits, greedy token");
    }

    /// <summary>The first norm comes before the layers; each layer ends with the next one's, after down or after neurons that were skipped.</summary>
    [Fact]
    public void A_prompts_layer_ends_with_the_next_ones_norm() => Kernels(Launches(Small).Prompt).ShouldBe(
    [
        "EmbedF32", "Norm",
        "ProductF32x64", "RotateBatch", "AttendPartF16", "AttendJoin", "ProductF32x64", "AddNorm",
        "ProductF32x64", "ProductF32x64", "ActivateBatch", "ProductDownF32", "AddNorm",
        "DenseTogether", "DownTogether", "JoinF32", "Dense", "JoinF32", "Norm",
        "HeadF32", "ArgMax", "ProductF32x64",
    ]);

    [Fact]
    public void A_kernel_is_loaded_where_a_launch_has_it()
    {
        Launches(Small).Kernels.ShouldNotContain(kernel => kernel.Name == "AddBias");
        Launches(Biased).Kernels.ShouldContain(kernel => kernel.Name == "AddBias");
        Launches(Small).TensorCoreKernels.ShouldBeEmpty();
        Launches(Mixed with { FeedForward = Mixed.FeedForward with { Biases = true } }).Kernels.ShouldContain(kernel => kernel.Name == "AddBias"); // down's, on tensor cores
        Launches(Mixed).TensorCoreKernels.Select(kernel => kernel.Name).ShouldBe(["SplitInputs", "MatrixF16x64", "MatrixDownF16"]);
        Launches(Wide()).KernelsTogether.ShouldNotContain(kernel => kernel.Name == "NormTogether");
        Launches(Small).KernelsTogether.ShouldContain(kernel => kernel.Name == "NormTogether");
        foreach (DecoderLaunches launches in new[] { Launches(Small), Launches(Biased), Launches(Mixed) })
        {
            launches.Kernels.Concat(launches.TensorCoreKernels).Concat(launches.KernelsTogether).Select(kernel => kernel.Name).ShouldBeUnique();
        }
    }

    [Fact]
    public void Launches_are_counted_for_the_first_declared_type()
    {
        IReadOnlyList<KernelUse> table = KernelTable.Of(IlgpuDecoderPlan.Of(Mixed));
        table.Single(use => use.Name == "HeadsF16").Dense.ShouldBe(3);
        table.Single(use => use.Name == "HeadsQ8_0").Dense.ShouldBe(0);
        table.Where(use => use.Name == "Dense").Select(use => use.Dense).ShouldBe([3, 0]);
        table.Single(use => use.Name == "RowsTogetherF16x64").Together.ShouldBe((2 * 3) + 1);
        table.Single(use => use.Name == "AttendPartF32").Dense.ShouldBe(0);
    }

    /// <summary>Wherever it stands, also between operations that are launched together otherwise.</summary>
    [Fact]
    public void An_operation_that_no_kernel_computes_is_refused()
    {
        int count = ModelProgram.Of(Biased).Layer.Count;
        for (int place = 0; place <= count; place++)
        {
            Should.Throw<NotSupportedException>(() => Launches(Biased, layer => [.. layer.Take(place), new Invented(), .. layer.Skip(place)]))
                .Message.ShouldContain(nameof(Invented));
        }
    }

    /// <summary>Heads without one of their rotations, a norm that nothing is added before, a sum that is added to nothing.</summary>
    [Fact]
    public void Operations_that_are_fused_are_refused_where_one_is_missing()
    {
        foreach (Type missing in new[] { typeof(Rotate), typeof(AddResidual), typeof(SumSlices), typeof(Down) })
        {
            int last = ModelProgram.Of(Small).Layer.Select(operation => operation.GetType()).ToList().LastIndexOf(missing);
            Should.Throw<NotSupportedException>(() => Launches(Small, layer => [.. layer.Where((_, i) => i != last)]))
                .Message.ShouldStartWith("A GPU's program has no launch for ");
        }
    }

    private sealed record Invented() : Operation(Stage.FeedForward, WorkUnit.Column, Slot.Projected, Slot.Projected);

    private static ModelSpec Wide() => Small with
    {
        Attention = Small.Attention with { Heads = 128, KeyValueHeads = 8, HeadDimension = 128, RopeDimensions = 128 },
        FeedForward = Small.FeedForward with { Hidden = 16384 },
    };

    private static DecoderLaunches Launches(ModelSpec spec) => new(IlgpuDecoderPlan.Of(spec));

    private static DecoderLaunches Launches(ModelSpec spec, Func<IReadOnlyList<Operation>, IReadOnlyList<Operation>> layer)
    {
        var program = ModelProgram.Of(spec);
        return new(new CodeWriter(), IlgpuDecoderPlan.Of(spec), program with { Layer = layer(program.Layer) });
    }

    private static string Text(LaunchPass pass)
    {
        Launch[] launches = [.. pass.Launches];
        int before = launches.TakeWhile(launch => !launch.IsOfLayer).Count();
        int layer = launches.Count(launch => launch.IsOfLayer);
        return string.Join(" | ", new[] { launches[..before], launches[before..(before + layer)], launches[(before + layer)..] }
            .Select(part => string.Join(", ", part.Select(launch => launch.What))));
    }

    private static IEnumerable<string> Kernels(LaunchPass pass) => pass.Launches.Select(launch => launch.Kernels[0].Kernel.Name);
}
