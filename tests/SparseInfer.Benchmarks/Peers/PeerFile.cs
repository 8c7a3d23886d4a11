using SparseInfer.Cli.Compilation;
using SparseInfer.Cli.Synthetic;
using SparseInfer.Files;

namespace SparseInfer.Benchmarks;

/// <summary>The file that both engines read: the user's, or one of synthetic weights, which is deleted at the end.</summary>
internal sealed class PeerFile : IDisposable
{
    private readonly bool _isTemporary;

    private PeerFile(string path, bool isTemporary, ModelDeclaration declaration)
    {
        Path = path;
        _isTemporary = isTemporary;
        Declaration = declaration;
    }

    public string Path { get; }

    /// <summary>What our program is generated from: read from the file.</summary>
    public ModelDeclaration Declaration { get; }

    /// <summary>Takes a file.</summary>
    /// <param name="path">A GGUF file of architecture llama.</param>
    /// <param name="activation">What it was trained with; null: what the file says.</param>
    public static PeerFile Of(string path, Activation? activation) => new(path, isTemporary: false, Declare(path, activation));

    /// <summary>
    /// Writes one in a folder for temporary files. Nine neurons of ten, or what is asked for, are inactive for any token where the activation is
    /// ReLU, and signs tell which. Such files say SiLU to llama.cpp, which has no ReLU for this architecture: it takes the same time.
    /// </summary>
    public static PeerFile Write(ModelDeclaration shape, double sparsity, CancellationToken cancellationToken)
    {
        if (!CanBeLlama(shape))
        {
            throw new Cli.CliException($"--synthetic {shape.Name}: a file of architecture llama cannot hold this shape; take llama-2-7b, llama-2-13b or tinyllama-1.1b.");
        }

        string path = System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"sparseinfer-peers-{Environment.ProcessId}.gguf");
        try
        {
            using (ModelFile made = SyntheticModel.Build(shape, new ActivityTarget(sparsity, 1, 1), seed: 0, (_, _) => { }, cancellationToken, prepared: false))
            {
                var writer = new GgufWriter();
                AddKeys(writer, shape);
                foreach (TensorInfo tensor in made.Tensors)
                {
                    writer.AddTensor(tensor);
                }

                writer.Save(path);
            }

            return new PeerFile(path, isTemporary: true, Declare(path, shape.Activation));
        }
        catch
        {
            File.Delete(path);
            throw;
        }
    }

    public void Dispose()
    {
        if (_isTemporary)
        {
            File.Delete(Path);
        }
    }

    private static ModelDeclaration Declare(string path, Activation? activation)
    {
        using ModelFile file = ModelFile.Open(path);
        return FileDeclaration.Read(file, activation, threshold: null, alpha: 1f);
    }

    private static bool CanBeLlama(ModelDeclaration shape) => shape is
    {
        Gated: true, Activation: Activation.Relu, Experts: 0, LayerNorm: false, TiedEmbedding: false, EmbeddingScale: 1f, HeadDimension: 0,
        QueryKeyValueBiases: false, QueryKeyNorms: false, RopePairing: RopePairing.Interleaved,
    };

    private static void AddKeys(GgufWriter writer, ModelDeclaration shape)
    {
        writer.Add("general.architecture", "llama");
        writer.Add("general.name", shape.Name);
        writer.Add("llama.block_count", (uint)shape.Layers);
        writer.Add("llama.context_length", (uint)shape.Context);
        writer.Add("llama.embedding_length", (uint)shape.Hidden);
        writer.Add("llama.feed_forward_length", (uint)shape.Intermediate);
        writer.Add("llama.attention.head_count", (uint)shape.Heads);
        writer.Add("llama.attention.head_count_kv", (uint)shape.KeyValueHeads);
        writer.Add("llama.attention.layer_norm_rms_epsilon", shape.NormEpsilon);
        writer.Add("llama.rope.freq_base", shape.RopeTheta);

        // llama.cpp loads no model without a vocabulary, and ours reads none without bytes.
        const int Control = 3;
        const int Bytes = 256;
        string[] named = ["<unk>", "<s>", "</s>", .. Enumerable.Range(0, Bytes).Select(i => $"<0x{i:X2}>"), "▁"];
        string[] tokens = [.. named, .. Enumerable.Range(0, shape.Vocabulary - named.Length).Select(i => $"t{i}")];
        writer.Add("tokenizer.ggml.model", "llama");
        writer.Add("tokenizer.ggml.tokens", tokens);
        writer.Add("tokenizer.ggml.scores", tokens.Select((_, i) => (float)-i).ToArray());
        writer.Add("tokenizer.ggml.token_type", tokens.Select((_, i) => i == 0 ? 2 : i < Control ? 3 : i < Control + Bytes ? 6 : 1).ToArray());
        writer.Add("tokenizer.ggml.bos_token_id", 1u);
        writer.Add("tokenizer.ggml.eos_token_id", 2u);
        writer.Add("tokenizer.ggml.unknown_token_id", 0u);
    }
}
