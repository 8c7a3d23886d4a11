using SparseInfer.Generators.Declare;

namespace SparseInfer.Generators.Program;

/// <summary>
/// What a declared decoder computes for a token, as operations in order: the one description that tensors, bytes, barriers, launches and code
/// are told from. A family of models is a choice of blocks.
/// </summary>
/// <param name="Embed">Before the layers.</param>
/// <param name="Layer">What each layer does; what a policy computes, some layers only.</param>
/// <param name="OutputNorm">After the layers.</param>
/// <param name="Head">Last, for tokens whose logits are wanted.</param>
internal sealed record ModelProgram(Embed Embed, IReadOnlyList<Operation> Layer, Norm OutputNorm, Project Head)
{
    public static ModelProgram Of(ModelSpec spec)
    {
        var sizes = Dimensions.Of(spec);
        var embedding = new Tensor(
            TensorRole.Embedding, "Embedding", "token_embd.weight", "model.embed_tokens.weight", sizes.Vocabulary, sizes.Hidden);
        var head = new Tensor(TensorRole.Projection, "Head", "output.weight", "lm_head.weight", sizes.Vocabulary, sizes.Hidden);
        var norm = new Tensor(TensorRole.NormWeight, "OutputNorm", "output_norm.weight", "model.norm.weight", sizes.Hidden);
        return new(
            new Embed(embedding, spec.Embedding.Scale),
            PolicyPhases.Insert(
                spec,
                [
                    .. AttentionBlock.Of(spec.Attention, spec.Norm, sizes),
                    .. FeedForwardBlock.Of(spec.FeedForward, spec.Norm, sizes),
                ],
                sizes),
            NormBlock.Of(spec.Norm, Stage.Logits, norm),
            new Project(Stage.Logits, WorkUnit.Word, spec.Embedding.Tied ? embedding with { Field = head.Field } : head, Slot.Normed, Slot.Logits));
    }

    /// <summary>A layer alone: a program of one block.</summary>
    public static IReadOnlyList<Operation> Of(FeedForwardSpec spec) => [.. FeedForwardBlock.Of(spec, Dimensions.Of(spec))];

    /// <summary>Whether the head is the embedding's table.</summary>
    public bool IsTied => Head.Matrix.Gguf == Embed.Table.Gguf;
}
