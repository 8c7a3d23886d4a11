using SparseInfer.Files;
using SparseInfer.Loading;

namespace SparseInfer.Cli.Calibrate;

/// <summary>What a policy wants of a file: of the one that <see cref="LoadOptions.PredictorFile"/> names, where it has it, or else of the model's.</summary>
/// <param name="file">The model's.</param>
/// <param name="predictor">The other; null: there is none.</param>
/// <param name="experts">Experts of a layer, each of which has its own; 0: there are none.</param>
internal sealed class PolicyTensors(ModelFile file, ModelFile? predictor, int experts)
{
    /// <summary>Finds a layer's tensor.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="expert">Which expert's; 0 where there are none.</param>
    /// <param name="gguf">Its name in GGUF, after the layer's.</param>
    /// <param name="huggingFace">Its name in safetensors, after that of the layer's feed-forward.</param>
    /// <param name="shape">What it must be, rows first.</param>
    /// <exception cref="CliException">No file has it so.</exception>
    public TensorInfo Find(int layer, int expert, string gguf, string huggingFace, params long[] shape)
    {
        foreach (ModelFile? candidate in (ModelFile?[])[predictor, file])
        {
            string name = Name(candidate ?? file);
            if (candidate?.TryGetTensor(name, out TensorInfo? tensor) == true)
            {
                bool isStacked = experts > 0 && candidate.Format == ModelFileFormat.Gguf;
                long[] wanted = isStacked ? [experts, .. shape] : shape;
                return !tensor.Shape.SequenceEqual(wanted)
                    ? throw new CliException($"tensor '{tensor.Name}' of {candidate.Path} is {string.Join(" x ", tensor.Shape)}, and the policy wants {string.Join(" x ", wanted)}.")
                    : tensor.Weight is null
                    ? throw new CliException($"tensor '{tensor.Name}' of {candidate.Path} is {tensor.Type}, which is not read here: one of {string.Join(", ", Enum.GetNames<WeightType>())} is.")
                    : isStacked ? tensor.Parts()[expert] : tensor;
            }
        }

        throw new CliException(
            $"there is no tensor '{Name(predictor ?? file)}' in {(predictor ?? file).Path}, which the policy wants: give the file that has it with --predictor FILE.");

        string Name(ModelFile of) => (of.Format == ModelFileFormat.Gguf, experts > 0) switch
        {
            (true, false) => $"blk.{layer}.{gguf}",
            (true, true) => $"blk.{layer}.{gguf.Replace(".", "_exps.", StringComparison.Ordinal)}",
            (false, false) => $"model.layers.{layer}.mlp.{huggingFace}",
            (false, true) => $"model.layers.{layer}.block_sparse_moe.experts.{expert}.{huggingFace}",
        };
    }

    /// <summary>A tensor widened to F32.</summary>
    public static float[] Values(TensorInfo tensor)
    {
        float[] values = new float[tensor.Shape.Aggregate(1L, (product, size) => product * size)];
        WeightFormat.For(tensor.Weight!.Value).Decode(tensor.Bytes, values);
        return values;
    }
}
