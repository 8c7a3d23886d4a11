using Models;
using SparseInfer.Files;

namespace SparseInfer.Models.Tests;

/// <summary>Weight types by role: what is refused, what is converted to what, and that converted at load and before is the same.</summary>
public sealed class WeightRoleTests(LoadedModels models) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private CpuDevice Device => models.Device(threads: 2);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_a_role_does_not_declare_is_refused_with_its_name_and_its_types()
    {
        string message = Should.Throw<ModelFormatException>(() => ReluRoles.Load(BundledFiles.ReluGguf, Device)).Message;
        message.ShouldContain("tensor 'blk.0.attn_q.weight' is F16, but [Weights] declares Q8_0 for WeightRole.Attention: "
            + "add WeightType.F16 there, or load with LoadOptions.ConvertWeights");
        message.ShouldContain("tensor 'blk.0.ffn_gate.weight' is F16, but [Weights] declares Q4_0, Q8_0 for WeightRole.FeedForward: ");
        message.ShouldNotContain("token_embd");
    }

    [Fact]
    public void Each_role_is_converted_to_the_first_of_its_types_at_load_as_before_it()
    {
        string path = _folder.At("roles.gguf");
        var options = new PreparationOptions { Attention = WeightType.Q8_0, FeedForward = WeightType.Q4_0 };
        using (ModelFile source = ModelFile.Open(BundledFiles.ReluGguf))
        {
            ModelPreparation.Write(source, path, options);
        }

        using (ModelFile prepared = ModelFile.Open(path))
        {
            TypesOf(prepared, ".attn_").ShouldBe(["Q8_0"]);
            TypesOf(prepared, ".ffn_gate", ".ffn_up").ShouldBe(["Q4_0"]);
            TypesOf(prepared, "token_embd").ShouldBe(["F16"]);
        }

        using ReluRoles converted = ReluRoles.Load(path, Device);
        using ReluRoles atLoad = ReluRoles.Load(BundledFiles.ReluGguf, Device, new LoadOptions { ConvertWeights = true });
        atLoad.LoadReport.Notes.ShouldContain("F16 weights were converted to Q8_0.");
        atLoad.LoadReport.Notes.ShouldContain("F16 weights were converted to Q4_0.");
        int[] tokens = BundledFiles.Opening(70);
        foreach (SparsityMode mode in Enum.GetValues<SparsityMode>())
        {
            Logits.ShouldBeBitIdentical(OneByOne(atLoad, mode, tokens), OneByOne(converted, mode, tokens), $"{mode}");
        }

        float[] dense = OneByOne(atLoad, SparsityMode.Dense, tokens);
        Logits.ShouldBeBitIdentical(OneByOne(atLoad, SparsityMode.Exact, tokens), dense, "Exact");
        using Session session = atLoad.CreateSession(new SessionOptions { Mode = SparsityMode.Exact });
        Logits.ShouldBeBitIdentical(Logits.Batched(session, tokens), dense, "as a prompt");
    }

    [Fact]
    public void The_embedding_and_the_head_are_roles_of_their_own()
    {
        string path = _folder.At("embedding.gguf");
        using (ModelFile source = ModelFile.Open(BundledFiles.ReluGguf))
        {
            ModelPreparation.Write(source, path, new PreparationOptions { Embedding = WeightType.F32, Head = WeightType.Q8_0 });
        }

        using ModelFile prepared = ModelFile.Open(path);
        TypesOf(prepared, "token_embd").ShouldBe(["F32"]);
        prepared.TryGetTensor("output.weight", out TensorInfo? head).ShouldBeTrue();
        head.Type.ToString().ShouldBe("Q8_0");
        TypesOf(prepared, ".attn_").ShouldBe(["F16"]);
    }

    private static IEnumerable<string> TypesOf(ModelFile file, params string[] parts) => file.Tensors
        .Where(tensor => tensor.Shape.Count == 2 && parts.Any(part => tensor.Name.Contains(part, StringComparison.Ordinal)) && tensor.Name.EndsWith(".weight", StringComparison.Ordinal))
        .Select(tensor => tensor.Type.ToString()).Distinct();

    private static float[] OneByOne(LanguageModel model, SparsityMode mode, int[] tokens)
    {
        using Session session = model.CreateSession(new SessionOptions { Mode = mode });
        return Logits.OneByOne(session, tokens);
    }
}
