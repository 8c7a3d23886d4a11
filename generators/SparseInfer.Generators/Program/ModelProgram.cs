using System.Runtime.CompilerServices;
using SparseInfer.Generators.Declare;

namespace SparseInfer.Generators.Program;

/// <summary>
/// What a declared decoder computes for a token, as operations in order: the one description that tensors, bytes, barriers, launches and code
/// are told from. A family of models is a choice of blocks, and of traits that rewrite what comes of them.
/// </summary>
/// <param name="Embed">Before the layers.</param>
/// <param name="Layer">What each layer does; what a policy computes, some layers only.</param>
/// <param name="OutputNorm">After the layers.</param>
/// <param name="Head">Last, for tokens whose logits are wanted.</param>
internal sealed record ModelProgram(Embed Embed, IReadOnlyList<Operation> Layer, Norm OutputNorm, Project Head)
{
    /// <summary>What is done with a token's embedding before the layers: in plain decoders nothing.</summary>
    public IReadOnlyList<Operation> AfterEmbed { get; init; } = [];

    /// <summary>What policies remember of a sequence's prompts.</summary>
    public IReadOnlyList<MemoryUse> Memories { get; init; } = [];

    /// <summary>Which words the head computes in Predicted mode; null: all.</summary>
    public WordChoice? Words { get; init; }

    /// <summary>What is done with logits: in plain decoders nothing.</summary>
    public IReadOnlyList<Operation> AfterHead { get; init; } = [];

    /// <summary>Whether sessions show what they compute.</summary>
    public bool IsObserved { get; init; }

    /// <summary>The same, showing nothing.</summary>
    public ModelProgram Unobserved => !IsObserved ? this : this with { IsObserved = false, Layer = [.. Layer.Where(operation => operation is not Observe)] };

    /// <summary>Made once for a spec, whoever asks: the plans, both backends, the modelled cost.</summary>
    private static readonly ConditionalWeakTable<ModelSpec, ModelProgram> Made = new();

    public static ModelProgram Of(ModelSpec spec) => Made.GetValue(
        spec, static spec => InputChannels.Insert(HeadChoice.Insert(spec.Traits.Aggregate(Plain(spec), (program, trait) => Apply(program, trait, spec)), spec), spec));

    /// <summary>The rest of what backends take from the declaration is checked: a trait could have no effect on it.</summary>
    private static ModelProgram Apply(ModelProgram program, TraitSpec trait, ModelSpec spec)
    {
        ModelProgram rewritten = ((IProgramTrait)trait).Apply(program, spec);
        bool isDeclared = rewritten.Layer.Append(rewritten.Embed).Append(rewritten.OutputNorm).All(operation => operation switch
        {
            Embed embed => embed.Scale == spec.Embedding.Scale,
            Norm norm => norm.Spec == spec.Norm,
            Neurons neurons => neurons.Spec == spec.FeedForward,
            _ => true,
        });
        return isDeclared && rewritten.Head.From == Slot.Normed && rewritten.Head.To == Slot.Logits
            ? rewritten
            : throw new NotSupportedException($"{trait.GetType().Name} changes a scale, norm, activation or head that its attribute does not declare.");
    }

    private static ModelProgram Plain(ModelSpec spec)
    {
        var sizes = Dimensions.Of(spec);
        var embedding = new Tensor(
            TensorRole.Embedding, "Embedding", "token_embd.weight", "model.embed_tokens.weight", sizes.Vocabulary, sizes.Hidden);
        var head = new Tensor(TensorRole.Head, "Head", "output.weight", "lm_head.weight", sizes.Vocabulary, sizes.Hidden);
        var norm = new Tensor(TensorRole.NormWeight, "OutputNorm", "output_norm.weight", "model.norm.weight", sizes.Hidden);
        Operation[] layer = spec.Experts is { } experts
            ?
            [
                .. ExpertsBlock.BeforeAttention(experts, sizes),
                .. AttentionBlock.Of(spec.Attention, spec.Norm, sizes),
                .. ExpertsBlock.Of(experts, spec.FeedForward, spec.Norm, sizes),
            ]
            : [.. AttentionBlock.Of(spec.Attention, spec.Norm, sizes), .. FeedForwardBlock.Of(spec.FeedForward, spec.Norm, sizes)];
        return new(
            new Embed(embedding, spec.Embedding.Scale),
            PolicyPhases.Insert(spec, layer, sizes),
            NormBlock.Of(spec.Norm, Stage.Logits, norm),
            new Project(Stage.Logits, WorkUnit.Word, spec.Embedding.Tied ? embedding with { Field = head.Field } : head, Slot.Normed, Slot.Logits))
        {
            AfterEmbed = PositionBlock.Of(spec.Embedding, sizes),
            Memories = PolicyMemories.Of(spec, layer, sizes),
            Words = spec.ModelPolicies.OfType<IVocabularyPolicy>().SingleOrDefault()?.Choose(sizes).OfPolicy(),
        };
    }

    /// <summary>A layer alone: a program of one block.</summary>
    public static IReadOnlyList<Operation> Of(FeedForwardSpec spec) => [.. FeedForwardBlock.Of(spec, Dimensions.Of(spec))];

    /// <summary>Whether the head is the embedding's table.</summary>
    public bool IsTied => Head.Matrix.Gguf == Embed.Table.Gguf;
}
