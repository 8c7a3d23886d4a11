using System.Globalization;
using SparseInfer.Files;

namespace SparseInfer.Loading;

/// <summary>
/// Compares what a model file says of itself with the declaration. What changes the result is an error that names the attribute;
/// the activation is only a note, because published configurations get it wrong (the declared one is used).
/// </summary>
internal static class MetadataCheck
{
    public static void Run(ModelFile file, ModelShape shape, List<string> problems, List<string> notes)
    {
        ModelMetadata metadata = file.Metadata;
        bool gguf = file.Format == ModelFileFormat.Gguf;
        string prefix = gguf && metadata.TryGetString("general.architecture", out string? architecture) ? architecture + "." : "";
        string Key(string ggufKey, string configKey) => gguf ? prefix + ggufKey : configKey;

        void Integer(string key, int declared, string attribute)
        {
            if (metadata.TryGetInt64(key, out long stored) && stored != declared)
            {
                problems.Add($"'{key}' is {stored}, but {attribute} = {declared} is declared");
            }
        }

        void Number(string key, float declared, string attribute)
        {
            if (metadata.TryGetDouble(key, out double stored) && (float)stored != declared)
            {
                problems.Add(string.Create(CultureInfo.InvariantCulture, $"'{key}' is {(float)stored}, but {attribute} = {declared} is declared"));
            }
        }

        Integer(Key("block_count", "num_hidden_layers"), shape.Layers, "[DecoderModel] Layers");
        Integer(Key("embedding_length", "hidden_size"), shape.Hidden, "[DecoderModel] Hidden");
        Integer(Key("feed_forward_length", "intermediate_size"), shape.Intermediate, "[FeedForward] Intermediate");
        Integer(Key("attention.head_count", "num_attention_heads"), shape.Heads, "[Attention] Heads");
        Integer(Key("attention.head_count_kv", "num_key_value_heads"), shape.KeyValueHeads, "[Attention] KeyValueHeads");
        Number(Key("rope.freq_base", "rope_theta"), shape.RopeTheta, "[Attention] RopeTheta");
        Number(Key("attention.layer_norm_rms_epsilon", "rms_norm_eps"), shape.NormEpsilon, "[RmsNorm] Epsilon");
        Number(Key("rope.scaling.factor", "rope_scaling.factor"), shape.RopeScaling, "[Attention] RopeScaling");
        string scalingKey = Key("rope.scaling.type", metadata.TryGetString("rope_scaling.rope_type", out _) ? "rope_scaling.rope_type" : "rope_scaling.type");
        if (metadata.TryGetString(scalingKey, out string? scaling) && scaling is not ("none" or "linear" or "default"))
        {
            problems.Add($"'{scalingKey}' is '{scaling}', but only linear scaling, [Attention] RopeScaling, can be declared");
        }

        if (gguf)
        {
            Integer(prefix + "rope.dimension_count", shape.RopeDimensions, "[Attention] RopeDimensions");
        }

        if (metadata.TryGetInt64(Key("context_length", "max_position_embeddings"), out long context) && context < shape.Context)
        {
            notes.Add($"The file says the model was trained for {context} tokens; {shape.Context} are declared.");
        }

        if (metadata.TryGetString(Key("feed_forward.activation", "hidden_act"), out string? activation)
            && !Matches(activation, shape.Activation))
        {
            notes.Add($"The file names the activation '{activation}'; {shape.Activation} is declared, and used.");
        }
    }

    private static bool Matches(string stored, Activation declared) => declared switch
    {
        Activation.Relu => stored is "relu",
        Activation.FatRelu => stored is "fatrelu",
        Activation.SquaredRelu => stored is "relu2" or "relu_sqr" or "relu_squared",
        Activation.DRelu => stored is "drelu" or "relu",
        Activation.Silu => stored is "silu" or "swish",
        _ => stored.StartsWith("gelu", StringComparison.Ordinal),
    };
}
