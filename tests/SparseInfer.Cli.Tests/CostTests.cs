using SparseInfer.Cli.Bench;
using SparseInfer.Cli.Compilation;
using SparseInfer.Cli.Tests.Metadata;
using SparseInfer.Files;

namespace SparseInfer.Cli.Tests;

/// <summary>What tokens of a model cost does not depend on the kind of file that it is in.</summary>
public sealed class CostTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("sparseinfer-cost").FullName;

    public static TheoryData<string> Architectures => [.. TinyModels.OfGguf.Intersect(TinyModels.OfConfig)];

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Architectures))]
    public void A_folder_costs_what_the_gguf_file_of_the_model_costs(string architecture)
    {
        TinyModel tiny = TinyModels.Of(architecture) with { Matrices = WeightType.F32 };

        (long weights, double bound) = Cost(tiny, tiny.SaveGguf(Path.Combine(_folder, "model.gguf")));
        weights.ShouldBeGreaterThan(0);
        bound.ShouldBeGreaterThan(1);
        Cost(tiny, tiny.SaveConfig(Directory.CreateDirectory(Path.Combine(_folder, "model")).FullName)).ShouldBe((weights, bound));
    }

    private static (long WeightBytes, double Bound) Cost(TinyModel tiny, string path)
    {
        ModelDeclaration declaration = TinyDeclaration.Of(tiny, path);
        using ModelFile file = ModelFile.Open(path);
        var cost = new ModelCost(declaration, file);
        return (cost.WeightBytes, cost.Bound(SparsityMode.Exact, new Activity(0.5, null, null, null, cost.Size, 0, null), 0));
    }
}
