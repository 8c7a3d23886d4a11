using SparseInfer.Files;
using SparseInfer.Generators.Tests.Execution;
using static SparseInfer.Generators.Tests.Execution.DecoderRun;
using static SparseInfer.Generators.Tests.Policies.PhaseZoo;

namespace SparseInfer.Generators.Tests.Policies;

/// <summary>What policies want of files: in the model's own or in another, and refused by name where it is not there.</summary>
public sealed class PhaseFileTests
{
    /// <summary>Of F32, which the model does not declare, in the second: the types that it was rounded to hold it exactly.</summary>
    [Theory]
    [InlineData("EveryLayer")]
    [InlineData("WideRank")]
    public void What_policies_want_may_be_in_a_file_of_its_own(string name)
    {
        DecoderCase declared = Of(name);
        DecoderWeights weights = TraitZoo.Weights(declared);
        float[] expected = With(declared, weights, Devices[1], model => Decode(model, SparsityMode.Predicted));
        string folder = Directory.CreateTempSubdirectory().FullName;
        try
        {
            ShouldBeReadFrom([.. new[] { "model.gguf", "predictor.gguf", "predictor.safetensors" }.Select(file => Path.Combine(folder, file))], declared, weights, expected);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void ShouldBeReadFrom(string[] paths, DecoderCase declared, DecoderWeights weights, float[] expected)
    {
        weights.Save(paths[0], tensor => !IsPredictor(tensor));
        weights.Save(paths[1], IsPredictor);
        weights.SaveSafetensors(paths[2], Enumerable.Range(0, declared.Layers)
            .Where(layer => declared.Predictors[layer] is not null)
            .SelectMany(layer => new[] { "fc1.weight", "fc2.weight", "fc2.bias" }.Where(part => part != "fc2.bias" || declared.Predictors[layer]!.Bias)
                .Select(part => (There: $"model.layers.{layer}.mlp.predictor.{part}", Here: $"blk.{layer}.{part}")))
            .Append(("extra", "output_norm.weight"))
            .ToDictionary(pair => pair.Item1, pair => pair.Item2));

        foreach (string predictor in paths.Skip(1))
        {
            using LanguageModel model = Assembly.Value.LoadModel(declared.FullName, paths[0], Devices[0], new LoadOptions { PredictorFile = predictor });
            Decode(model, SparsityMode.Predicted).ShouldBe(expected);
            int tensors = declared.Predictors.Sum(layer => layer is null ? 0 : layer.Bias ? 3 : 2);
            string unused = predictor == paths[2] ? "; unused: 'extra'" : "";
            model.LoadReport.Notes.ShouldContain($"{tensors} tensors of policies are from '{predictor}'{unused}.");
        }

        // Closed with the model, and refused by name.
        int first = Array.FindIndex(declared.Predictors, predictor => predictor is not null);
        File.Delete(paths[2]);
        weights.Save(paths[2], tensor => IsPredictor(tensor) && !tensor.StartsWith("blk.2.fc2", StringComparison.Ordinal));
        Should.Throw<ModelFormatException>(() => Assembly.Value.LoadModel(declared.FullName, paths[0], Devices[0], new LoadOptions { PredictorFile = paths[2] }))
            .Message.ShouldContain($"tensor 'blk.2.fc2.weight' is missing in '{paths[2]}'");
        new DecoderWeights(declared with { Predictors = [.. declared.Predictors.Select(predictor => predictor is null ? null : predictor with { Rank = 16 })], Weights = [WeightType.F16] })
            .Save(paths[2], IsPredictor);
        Should.Throw<ModelFormatException>(() => Assembly.Value.LoadModel(declared.FullName, paths[0], Devices[0], new LoadOptions { PredictorFile = paths[2] }))
            .Message.ShouldContain($"tensor 'blk.{first}.fc1.weight' of '{paths[2]}' is [16, 64], but [{declared.Predictors[first]!.Rank}, 64] ([LowRankPredictor] Rank x Hidden) is declared");
        Should.Throw<FileNotFoundException>(() => Assembly.Value.LoadModel(declared.FullName, paths[0], Devices[0], new LoadOptions { PredictorFile = paths[2] + "x" }))
            .Message.ShouldContain(paths[2] + "x");
    }

    /// <summary>In Hugging Face's form each expert has tensors of its own, whatever the model's file is; in GGUF they lie one behind the other.</summary>
    [Fact]
    public void What_policies_want_of_experts_may_be_in_a_file_of_another_kind()
    {
        DecoderCase declared = Of("RanksOfExperts");
        DecoderWeights weights = TraitZoo.Weights(declared);
        float[] expected = With(declared, weights, Devices[0], model => Decode(model, SparsityMode.Predicted));
        string folder = Directory.CreateTempSubdirectory().FullName;
        try
        {
            string[] paths = [.. new[] { "model.gguf", "predictor.gguf", "predictor.safetensors" }.Select(file => Path.Combine(folder, file))];
            weights.Save(paths[0], tensor => !IsPredictor(tensor));
            weights.Save(paths[1], IsPredictor);
            Dictionary<string, string> names = Enumerable.Range(0, declared.Layers)
                .Where(layer => declared.Predictors[layer] is not null)
                .SelectMany(layer => new[] { "fc1.weight", "fc2.weight", "fc2.bias" }.Where(part => part != "fc2.bias" || declared.Predictors[layer]!.Bias)
                    .SelectMany(part => Enumerable.Range(0, declared.Experts).Select(expert => (
                        There: $"model.layers.{layer}.block_sparse_moe.experts.{expert}.predictor.{part}",
                        Here: $"blk.{layer}.{part.Replace(".", "_exps.")}#{expert}"))))
                .ToDictionary(pair => pair.There, pair => pair.Here);
            weights.SaveSafetensors(paths[2], names);
            foreach (string predictor in paths.Skip(1))
            {
                using LanguageModel model = Assembly.Value.LoadModel(declared.FullName, paths[0], Devices[0], new LoadOptions { PredictorFile = predictor });
                Decode(model, SparsityMode.Predicted).ShouldBe(expected);
            }

            names.Remove("model.layers.1.block_sparse_moe.experts.3.predictor.fc2.bias");
            File.Delete(paths[2]);
            weights.SaveSafetensors(paths[2], names);
            Should.Throw<ModelFormatException>(() => Assembly.Value.LoadModel(declared.FullName, paths[0], Devices[0], new LoadOptions { PredictorFile = paths[2] }))
                .Message.ShouldContain($"tensor 'model.layers.1.block_sparse_moe.experts.3.predictor.fc2.bias' is missing in '{paths[2]}'");
            var others = new DecoderWeights(declared with { Experts = 4 });
            File.Delete(paths[1]);
            others.Save(paths[1], IsPredictor);
            Should.Throw<ModelFormatException>(() => Assembly.Value.LoadModel(declared.FullName, paths[0], Devices[0], new LoadOptions { PredictorFile = paths[1] }))
                .Message.ShouldContain($"tensor 'blk.0.fc1_exps.weight' of '{paths[1]}' is [4, 32, 64], but [5, 32, 64] ([Experts] Count x [LowRankPredictor] Rank x Hidden) is declared");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static bool IsPredictor(string tensor) => tensor.Contains(".fc", StringComparison.Ordinal);

    [Fact]
    public void A_file_without_the_policys_tensors_is_refused_by_name()
    {
        DecoderCase declared = Models[0];
        var weights = new DecoderWeights(declared with { Predictors = [new(32), new(40), null, new(32), new(40)] });
        Should.Throw<ModelFormatException>(() => With(declared, weights, Devices[0], model => model.Shape))
            .Message.ShouldContain("tensor 'blk.3.fc1.weight' is [32, 64], but [40, 64] ([LowRankPredictor] Rank x Hidden) is declared");
        weights = new DecoderWeights(declared with { Predictors = [new(32), new(40), null, null, new(40)] });
        Should.Throw<ModelFormatException>(() => With(declared, weights, Devices[0], model => model.Shape))
            .Message.ShouldContain("tensor 'blk.3.fc2.weight' is missing");
        weights = new DecoderWeights(declared with { Predictors = [new(32), new(40), new(40), new(40), new(40)] });
        Should.Throw<ModelFormatException>(() => With(declared, weights, Devices[0], model => model.Shape))
            .Message.ShouldContain("tensor 'blk.2.fc1.weight', 'blk.2.fc2.weight' has no place in the declaration");
    }
}
