using SparseInfer.Files;
using SparseInfer.Kernels.Cpu;
using SparseInfer.Loading;

namespace SparseInfer.Cli.Compilation;

/// <summary>
/// Reads the declaration of a model file: numbers from its metadata, by the reader that <c>Load</c> compares with; weight types, biases and
/// gating from its tensors. The activation is given, where files do not say it, or say it wrongly.
/// </summary>
internal static class FileDeclaration
{
    /// <summary>No declaration has more: a file that says more is not asked for each.</summary>
    private const int MaxLayers = 1024;

    /// <summary>Declares the model in a file.</summary>
    /// <param name="file">An open GGUF file, or safetensors beside a config.json.</param>
    /// <param name="activation">What the user said; null: what the file says.</param>
    /// <param name="threshold">FATReLU's, where the user said it.</param>
    /// <param name="alpha">The predictor's.</param>
    /// <param name="options">What overrides the file, as <c>Load</c> will be told; null: nothing.</param>
    /// <exception cref="CliException">The file does not tell what is needed, or no model that can be declared.</exception>
    public static ModelDeclaration Read(ModelFile file, Activation? activation, float? threshold, float alpha, LoadOptions? options = null)
    {
        ModelFacts facts = ModelFacts.Read(file, options ?? new LoadOptions());
        if (facts.Refusal is { } refusal)
        {
            throw new CliException($"{file.Path}: {refusal}.");
        }

        if (facts.Architecture is not { } architecture)
        {
            throw Wrong(file, "does not say what it is: it has no 'general.architecture', or no config.json beside it");
        }

        if (facts.Problems is [var problem, ..])
        {
            throw new CliException($"{file.Path}: {problem}.");
        }

        int experts = facts.First(Fact.Experts) is > 0 ? Integer(facts, Fact.Experts)!.Value : 0;
        Names names = Names.Of(file.Format == ModelFileFormat.Gguf, experts > 0).As(facts.NameOf);
        if (Array.Find(names.Needed, name => !file.TryGetTensor(name, out _) && !(names.Heads.Contains(name) && file.TryGetTensor(FusedHeads.Name(facts, "weight", layer: 0), out _))) is { } missing)
        {
            throw Wrong(file, $"has no tensor '{missing}': it is no model of architecture {architecture.Name} that can be declared");
        }

        int hidden = Integer(facts, Fact.Hidden) ?? Columns(file, names.Embedding);
        int heads = Integer(facts, Fact.Heads) ?? throw Wrong(file, "does not say how many heads it has");
        int headSize = Integer(facts, Fact.HeadDimension) ?? hidden / heads;
        int context = Integer(facts, Fact.Context) ?? throw Wrong(file, "does not say how long its context is: it has no 'context_length'");
        int positions = architecture.PositionOffset is { } offset ? Size(file, names.Positions, 0) - offset : 0;
        int layers = Integer(facts, Fact.Layers) ?? throw Wrong(file, "does not say how many layers it has");
        Activation chosen = activation ?? StoredActivation(facts);
        return new ModelDeclaration
        {
            Name = file.Metadata.TryGetString("general.name", out string? name) && name.Any(char.IsAsciiLetterOrDigit) ? name : NameOf(file),
            Hidden = hidden,
            Layers = layers,
            Vocabulary = Rows(facts, Fact.Vocabulary, names.Embedding),
            Context = positions > 0 ? Math.Min(context, positions) : context,
            Heads = heads,
            KeyValueHeads = Integer(facts, Fact.KeyValueHeads) ?? heads,
            HeadDimension = headSize * heads == hidden ? 0 : headSize,
            Window = Integer(facts, Fact.Window) ?? 0,
            WindowLayers = LayersText.Of(layer => facts.WindowOf(layer, context) > 0, Math.Min(layers, MaxLayers)),
            UnrotatedLayers = facts.IsUnrotated is { } isUnrotated ? LayersText.Of(layer => isUnrotated(layer), Math.Min(layers, MaxLayers)) : null,
            RopeTheta = Number(facts, Fact.RopeTheta) ?? 10000f,
            RopeScaling = Number(facts, Fact.RopeScaling) ?? 1f,
            RopeDimensions = Integer(facts, Fact.RopeDimensions) is { } rotary && rotary != headSize ? rotary : 0,
            RopePairing = architecture.Pairing, // any fits safetensors; this one fits the GGUF file of the same model too
            FrequencyScaling = facts.Scaling ?? (file.TryGetTensor(ScalingCheck.FactorsTensor, out _) ? new FrequencyFactors([]) : null),
            QueryKeyValueBiases = file.TryGetTensor(names.QueryBias, out _) || file.TryGetTensor(FusedHeads.Name(facts, "bias", layer: 0), out _),
            OutputBias = file.TryGetTensor(names.OutputBias, out _),
            QueryKeyNorms = file.TryGetTensor(names.QueryNorm, out _),
            Intermediate = Rows(facts, Fact.Intermediate, names.Up),
            Experts = experts,
            ActiveExperts = experts == 0 ? 0 : Integer(facts, Fact.ActiveExperts) ?? throw Wrong(file, "does not say how many of its experts compute a token"),
            Gating = experts == 0 ? default : Gating(facts),
            Router = experts == 0 ? default : architecture.Router,
            Activation = chosen,
            Threshold = Threshold(chosen, threshold ?? (chosen == Activation.FatRelu ? Number(facts, Fact.Threshold) : null)),
            Gated = file.TryGetTensor(names.Gate, out _),
            FeedForwardBiases = file.TryGetTensor(names.UpBias, out _),
            LayerNorm = architecture.LayerNorm,
            NormEpsilon = Number(facts, Fact.NormEpsilon) ?? throw Wrong(file, "does not say its norms' epsilon"),
            TiedEmbedding = facts.TiedEmbedding ?? !file.TryGetTensor(names.Head, out _),
            EmbeddingScale = Number(facts, Fact.EmbeddingScale) ?? 1f,
            Traits = Traits(facts),
            LearnedPositions = positions,
            PositionOffset = architecture.PositionOffset ?? 0,
            Alpha = alpha,
            Weights = MatrixTypes(file),
        };
    }

    /// <summary>What the file says of traits, where it is other than a plain decoder's.</summary>
    private static DeclaredTrait[] Traits(ModelFacts facts) => facts.Architecture!.Traits.SelectMany(trait => trait.Facts)
        .SelectMany(fact => facts.Traits.Where(stated => stated.Fact == fact && (float)stated.Value != (float)fact.Usual).Take(1))
        .Select(stated => new DeclaredTrait(stated.Fact.Attribute, stated.Fact.Property, (float)stated.Value)).ToArray();

    /// <summary>Hugging Face's files are all called alike: their folder has the model's name.</summary>
    private static string NameOf(ModelFile file)
    {
        string path = Path.GetFullPath(file.Path);
        bool isFolder = Directory.Exists(path);
        string named = !isFolder && file.Format == ModelFileFormat.Safetensors ? Path.GetDirectoryName(path)! : path;
        return named == path && !isFolder ? Path.GetFileNameWithoutExtension(path) : Path.GetFileName(Path.TrimEndingDirectorySeparator(named));
    }

    /// <summary>A threshold goes with FATReLU, and FATReLU with a threshold.</summary>
    public static float Threshold(Activation activation, float? given) => (activation, given) switch
    {
        (Activation.FatRelu, null) => throw new CliException("--activation fatrelu needs --threshold T (ProSparse: 0.01)."),
        (Activation.FatRelu, { } threshold) => threshold,
        (_, null) => 0f,
        _ => throw new CliException($"--threshold goes with --activation fatrelu; this model's activation is {activation}."),
    };

    /// <summary>The architecture's, if it has only one; else what the file names.</summary>
    private static Activation StoredActivation(ModelFacts facts)
    {
        if (facts.Architecture?.Activation is { } only)
        {
            return only;
        }

        if (facts.Activations is not [(_, var stored), ..])
        {
            throw new CliException(
                $"{facts.File.Path} does not say its activation: give --activation {string.Join('|', ActivationNames.All)}.");
        }

        return Loading.StoredActivation.TryParse(stored, out Activation activation)
            ? activation
            : throw new CliException($"{facts.File.Path} says its activation is {FileText.Quote(stored)}, which is unknown: give --activation.");
    }

    /// <summary>As GGUF files number it.</summary>
    private static ExpertGating Gating(ModelFacts facts)
    {
        StatedFact gating = facts.Stated.First(stated => stated.Fact == Fact.ExpertGating);
        return gating.Value switch
        {
            1 => ExpertGating.Softmax,
            2 => ExpertGating.Sigmoid,
            _ => throw new CliException($"{facts.File.Path}: {gating.Text}, but only 1 (Softmax) and 2 (Sigmoid) can be declared."),
        };
    }

    /// <summary>The types of all matrices, the most common first.</summary>
    private static WeightType[] MatrixTypes(ModelFile file)
    {
        // A down matrix that was transposed beforehand may be stored as plain bytes: its feed-forward's other matrices tell its type.
        IEnumerable<TensorInfo> matrices = file.Tensors.Where(tensor => tensor.Shape.Count is 2 or 3
            && !Names.Routers.Any(router => tensor.Name.EndsWith(router, StringComparison.Ordinal))
            && tensor.Name.EndsWith(".weight", StringComparison.Ordinal) && !tensor.Name.EndsWith("norm.weight", StringComparison.Ordinal)
            && !PowerInferFiles.IsPredictor(file, tensor.Name) && PreparedTensors.BlockTypeOf(tensor) is null);
        if (matrices.FirstOrDefault(tensor => tensor.Weight is null) is { } odd)
        {
            string types = string.Join(", ", Enum.GetNames<WeightType>());
            throw Wrong(file, $"stores tensor {FileText.Quote(odd.Name)} as {odd.Type}, which no kernel reads: quantize to one of {types}");
        }

        return [.. matrices.GroupBy(tensor => PowerInferFiles.IsDownInRows(file, tensor) ? WeightType.F32 : tensor.Weight!.Value).OrderByDescending(group => group.Count()).Select(group => group.Key)];
    }

    /// <summary>A tensor's rows, which what the file says must agree with, as <c>Load</c> compares both.</summary>
    private static int Rows(ModelFacts facts, Fact fact, string name)
    {
        int rows = Size(facts.File, name, 0);
        return facts.Stated.Where(stated => stated.Fact == fact && stated.Value != rows).Select(stated => stated.Text).FirstOrDefault() is { } other
            ? throw new CliException($"{facts.File.Path}: {other}, but tensor '{name}' has {rows} rows.")
            : rows;
    }

    private static int Columns(ModelFile file, string name) => Size(file, name, 1);

    private static int Size(ModelFile file, string name, int dimension) =>
        file.TryGetTensor(name, out TensorInfo? tensor) && tensor.Shape.Count is 2 or 3 && tensor.Shape[tensor.Shape.Count - 2 + dimension] <= int.MaxValue
            ? (int)tensor.Shape[tensor.Shape.Count - 2 + dimension]
            : throw Wrong(file, $"has no matrix '{name}'");

    private static int? Integer(ModelFacts facts, Fact fact) =>
        facts.First(fact) is not { } value ? null
        : value is >= 1 and <= int.MaxValue && value == Math.Floor(value) ? (int)value
        : fact == Fact.Window && value <= 0 ? 0
        : throw new CliException($"{facts.File.Path}: {facts.Stated.First(stated => stated.Fact == fact).Text}, which is no size.");

    private static float? Number(ModelFacts facts, Fact fact) => (float?)facts.First(fact);

    private static CliException Wrong(ModelFile file, string what) => new($"{file.Path} {what}.");

    /// <summary>The name of the matrix that gives logits: the head, or else the embedding.</summary>
    /// <param name="file">The model.</param>
    /// <param name="options">How it is read.</param>
    /// <param name="model">What it is.</param>
    public static string HeadName(ModelFile file, LoadOptions options, ModelDeclaration model)
    {
        Names names = Names.Of(file.Format == ModelFileFormat.Gguf, hasExperts: false).As(ModelFacts.Read(file, options).NameOf);
        return model.TiedEmbedding ? names.Embedding : names.Head;
    }

    /// <summary>What the tensors that tell a model's form are called.</summary>
    private sealed record Names(
        string Embedding, string Positions, string Head, string Query, string QueryBias, string QueryNorm, string Key, string Value, string OutputBias, string Gate, string Up, string UpBias)
    {
        public static Names Gguf { get; } = new(
            "token_embd.weight", "position_embd.weight", "output.weight", "blk.0.attn_q.weight", "blk.0.attn_q.bias", "blk.0.attn_q_norm.weight", "blk.0.attn_k.weight",
            "blk.0.attn_v.weight", "blk.0.attn_output.bias", "blk.0.ffn_gate.weight", "blk.0.ffn_up.weight", "blk.0.ffn_up.bias");

        public static Names HuggingFace { get; } = new(
            "model.embed_tokens.weight", "model.embed_positions.weight", "lm_head.weight", Attention("q_proj.weight"), Attention("q_proj.bias"), Attention("q_norm.weight"),
            Attention("k_proj.weight"), Attention("v_proj.weight"), Attention("o_proj.bias"), Mlp("gate_proj.weight"), Mlp("up_proj.weight"), Mlp("up_proj.bias"));

        /// <summary>Ends of the names of matrices that choose experts, which are F32 in memory, whatever files have.</summary>
        public static string[] Routers { get; } = [".ffn_gate_inp.weight", ".block_sparse_moe.gate.weight", ".block_sparse_moe.primary_router.weight"];

        public string[] Heads => [Query, Key, Value];

        public string[] Needed => [Embedding, .. Heads, Up];

        /// <summary>The names in a kind of file, with experts or without.</summary>
        public static Names Of(bool gguf, bool hasExperts) => (gguf, hasExperts) switch
        {
            (true, false) => Gguf,
            (true, true) => Gguf with { Gate = "blk.0.ffn_gate_exps.weight", Up = "blk.0.ffn_up_exps.weight", UpBias = "blk.0.ffn_up_exps.bias" },
            (false, false) => HuggingFace,
            (false, true) => HuggingFace with { Gate = Expert("w1.weight"), Up = Expert("w3.weight"), UpBias = Expert("w3.bias") },
        };

        /// <summary>The same as a file of an architecture has them.</summary>
        public Names As(Func<string, string> own) => new(
            own(Embedding), own(Positions), own(Head), own(Query), own(QueryBias), own(QueryNorm), own(Key), own(Value), own(OutputBias), own(Gate), own(Up),
            own(UpBias));

        private static string Attention(string name) => "model.layers.0.self_attn." + name;

        private static string Expert(string name) => "model.layers.0.block_sparse_moe.experts.0." + name;

        private static string Mlp(string name) => "model.layers.0.mlp." + name;
    }
}
