using SparseInfer.Generators.Declare;

namespace SparseInfer.Generators.Program;

/// <summary>Positions that were learned, where a model has them: a row of a table for each.</summary>
internal static class PositionBlock
{
    public static IReadOnlyList<Operation> Of(EmbeddingSpec spec, Dimensions sizes)
    {
        if (spec.LearnedPositions == 0)
        {
            return [];
        }

        var rows = new Dimension("Positions", spec.LearnedPositions + spec.PositionOffset, $"LearnedPositions{(spec.PositionOffset > 0 ? " + PositionOffset" : "")}");
        return [new AddPosition(new Tensor(TensorRole.Embedding, "Positions", "position_embd.weight", "model.embed_positions.weight", rows, sizes.Hidden), spec.PositionOffset)];
    }
}
