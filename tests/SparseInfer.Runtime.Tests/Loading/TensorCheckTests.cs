using SparseInfer.Files;
using SparseInfer.Loading;

namespace SparseInfer.Runtime.Tests.Loading;

/// <summary>In which type a tensor is used that is stored in none of the declared ones.</summary>
public sealed class TensorCheckTests : IDisposable
{
    private readonly string _path = Path.Combine(Path.GetTempPath(), $"{nameof(TensorCheckTests)}-{Guid.NewGuid():N}.gguf");

    public void Dispose() => File.Delete(_path);

    [Theory]
    [InlineData(64, WeightType.Q8_0)]
    [InlineData(40, WeightType.BF16)] // no whole blocks
    public void The_first_declared_type_whose_blocks_divide_its_rows_is_taken(int rank, WeightType expected)
    {
        (TensorCheck check, DeclaredMatrix wanted, List<string> problems) = Check(rank, WeightType.Q8_0, WeightType.BF16);
        problems.ShouldBeEmpty();
        check[wanted, 0].Target.ShouldBe(expected);
    }

    [Fact]
    public void Where_there_is_none_the_tensor_is_named_with_its_width() => Check(40, WeightType.Q8_0, WeightType.Q4_K).Problems.ShouldBe(
        ["tensor 'blk.0.fc2.weight' is F16 in rows of 40 ([Svd] Rank), which are no whole blocks of Q8_0, Q4_K, as [Weights] declares: add WeightType.F16"]);

    private (TensorCheck Check, DeclaredMatrix Wanted, List<string> Problems) Check(int rank, params WeightType[] types)
    {
        var writer = new GgufWriter();
        writer.AddTensor("blk.0.fc2.weight", TensorType.Of(WeightType.F16), [4, rank], new byte[2 * 4 * rank]);
        writer.Save(_path);
        using ModelFile file = ModelFile.Open(_path);
        var wanted = new DeclaredMatrix(new("blk.{layer}.fc2.weight", "mlp.fc2"), 4, rank, types, "Intermediate", "[Svd] Rank");
        List<string> problems = [];
        return (new(new(file), null, new() { ConvertWeights = true }, [wanted], 1, mixesDown: false, problems), wanted, problems);
    }
}
