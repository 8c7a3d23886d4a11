using SparseInfer.Cli.Compilation;
using SparseInfer.Files;
using SparseInfer.Loading;
using SparseInfer.Preparing;

namespace SparseInfer.Cli.Bench;

/// <summary>A model file's tensors under the names that they have in GGUF files, so that what is counted of them does not depend on the kind of file.</summary>
internal static class WeightNames
{
    private static readonly (string HuggingFace, string Gguf)[] OfExpert = [("w1", "ffn_gate_exps"), ("w3", "ffn_up_exps"), ("w2", "ffn_down_exps")];

    /// <summary>The tensors; those that no declared model has keep their own names. An expert's matrices are called as the one that has all experts'.</summary>
    /// <param name="model">What is in the file.</param>
    /// <param name="file">The file.</param>
    /// <param name="options">How it is read.</param>
    public static (string Name, TensorInfo Tensor)[] Of(ModelDeclaration model, ModelFile file, LoadOptions options)
    {
        if (file.Format == ModelFileFormat.Gguf)
        {
            return [.. file.Tensors.Select(tensor => (tensor.Name, tensor))];
        }

        ModelFacts facts = ModelFacts.Read(file, options);
        var names = new Dictionary<string, string>(GgufNames.Of(facts), StringComparer.Ordinal);
        for (int layer = 0; layer < (model.Experts > 0 ? facts.CountLayers() : 0); layer++)
        {
            foreach (string router in (string[])["gate", "primary_router"])
            {
                names[$"model.layers.{layer}.block_sparse_moe.{router}.weight"] = $"blk.{layer}.ffn_gate_inp.weight";
            }

            foreach ((string huggingFace, string gguf) in OfExpert)
            {
                for (int expert = 0; expert < model.Experts; expert++)
                {
                    names[facts.NameOf($"model.layers.{layer}.block_sparse_moe.experts.{expert}.{huggingFace}.weight")] = $"blk.{layer}.{gguf}.weight";
                }
            }
        }

        return [.. file.Tensors.Select(tensor => (names.GetValueOrDefault(tensor.Name, tensor.Name), tensor))];
    }
}
