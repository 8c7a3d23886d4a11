using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Emit;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Parts;

/// <summary>Writes the part of a model that its user calls.</summary>
internal static class ModelClass
{
    /// <param name="spec">The model.</param>
    /// <param name="ilgpu">Whether it has a program for ILGPU as well.</param>
    public static string Emit(ModelSpec spec, bool ilgpu)
    {
        var code = new CodeWriter();
        string head = $"{spec.Target.FullName}: how the declared model is loaded. "
            + $"Written by SparseInfer.Generators {GeneratedAttributes.Version}.";
        using (GeneratedFile.BeginPart(code, head, spec.Target))
        using (code.Block($"partial class {spec.Target.Name} : global::SparseInfer.LanguageModel"))
        {
            code.Lines($$"""
                private {{spec.Target.Name}}(global::SparseInfer.Runtime.LoadedModel loaded) : base(loaded)
                {
                }

                """);
            EmitShape(code, spec);
            code.Line();
            EmitLoad(code, spec);
            code.Line();
            EmitCreate(code, spec, ilgpu);
        }

        return code.ToString();
    }

    private static void EmitShape(CodeWriter code, ModelSpec spec)
    {
        AttentionSpec attention = spec.Attention;
        code.Lines($$"""
            /// <summary>The shape that was declared.</summary>
            {{GeneratedAttributes.QualifiedGenerated}}
            public static global::SparseInfer.ModelShape DeclaredShape { get; } = new()
            {
                Name = "{{spec.Target.Name.TrimStart('@')}}",
                Hidden = {{spec.Hidden}},
                Intermediate = {{spec.FeedForward.Intermediate}},
                Layers = {{spec.Layers}},
                Vocabulary = {{spec.Vocabulary}},
                Context = {{spec.Context}},
                Heads = {{attention.Heads}},
                KeyValueHeads = {{attention.KeyValueHeads}},
                HeadDimension = {{attention.HeadDimension}},
                RopeTheta = {{Literal.Of(attention.RopeTheta)}},
                RopeScaling = {{Literal.Of(attention.RopeScaling)}},
                RopeDimensions = {{attention.RopeDimensions}},
                RopePairing = global::SparseInfer.RopePairing.{{attention.RopePairing}},{{Scaling(attention)}}
                LayerNorm = {{Literal.Of(spec.Norm.Kind == NormKind.Layer)}},
                NormEpsilon = {{Literal.Of(spec.Norm.Epsilon)}},
                Activation = global::SparseInfer.Activation.{{spec.FeedForward.Activation}},
                Threshold = {{Literal.OfDecimal(spec.FeedForward.Threshold)}},{{Sparsity(spec.FeedForward)}}
                Gated = {{Literal.Of(spec.FeedForward.Gated)}},
                TiedEmbedding = {{Literal.Of(spec.Embedding.Tied)}},
                EmbeddingScale = {{Literal.Of(spec.Embedding.Scale)}},{{Positions(spec.Embedding)}}{{Windows(spec)}}{{Unrotated(spec)}}{{Experts(spec.Experts)}}
                Policies ={{Policies(spec.Policies)}},{{ModelPolicies(spec)}}{{Traits(spec)}}
            };
            """);
    }

    /// <summary>Factors that the file has are no part of the shape.</summary>
    private static string Scaling(AttentionSpec attention) => attention.Scaling is null or FrequencyFactorsSpec ? ""
        : $"\n    FrequencyScaling = new global::SparseInfer.Kernels.Cpu.{attention.Scaling.Type}({attention.Scaling.Arguments}),";

    /// <summary>A line that models with a cut have.</summary>
    private static string Sparsity(FeedForwardSpec feedForward) =>
        feedForward.Activation.NeedsAllGates() ? $"\n    Sparsity = {Literal.OfDecimal(feedForward.Sparsity)}," : "";

    /// <summary>Lines that models with experts have.</summary>
    private static string Experts(ExpertsSpec? experts) => experts is null ? "" : string.Concat(
        new[]
        {
            $"Experts = {experts.Count}",
            $"ActiveExperts = {experts.Active}",
            $"Gating = global::SparseInfer.ExpertGating.{experts.Gating}",
            $"Router = global::SparseInfer.RouterInput.{experts.Router}",
        }.Select(line => $"\n    {line},"));

    /// <summary>One on the line, several on a line each.</summary>
    private static string Policies(IReadOnlyList<LayerPolicy> policies) => policies.Count == 1
        ? $" [{Policy(policies[0])}]"
        : "\n    [\n" + string.Concat(policies.Select(policy => $"        {Policy(policy)},\n")) + "    ]";

    /// <summary>Policies that are no layer's, where there are any.</summary>
    private static string ModelPolicies(ModelSpec spec) => spec.ModelPolicies.Count == 0 ? ""
        : $"\n    ModelPolicies = [{string.Join(", ", spec.ModelPolicies.Select(policy => $"\"{policy.Label()}\""))}],";

    /// <summary>What traits declare; nothing where they declare no number.</summary>
    private static string Traits(ModelSpec spec)
    {
        string[] numbers =
        [
            .. spec.Traits.SelectMany(trait => trait.Numbers)
                .Select(number => $"new(\"{number.Attribute}\", \"{number.Property}\", {Literal.Of(number.Value)})"),
        ];
        return numbers.Length == 0 ? "" : $"\n    Traits = [{string.Join(", ", numbers)}],";
    }

    /// <summary>Learned positions, where there are any.</summary>
    private static string Positions(EmbeddingSpec embedding) => embedding.LearnedPositions == 0 ? ""
        : $"\n    LearnedPositions = {embedding.LearnedPositions},\n    PositionOffset = {embedding.PositionOffset},";

    /// <summary>Windows of successive layers, where layers have any.</summary>
    private static string Windows(ModelSpec spec)
    {
        int[] windows = [.. Enumerable.Range(0, spec.Layers).Select(layer => spec.Attention.WindowOf(layer) ?? 0)];
        var runs = new List<(int First, int Last)>();
        for (int layer = 0; layer < windows.Length; layer++)
        {
            if (layer > 0 && runs.Count > 0 && runs[runs.Count - 1].Last == layer - 1 && windows[layer] == windows[layer - 1])
            {
                runs[runs.Count - 1] = (runs[runs.Count - 1].First, layer);
            }
            else if (windows[layer] > 0)
            {
                runs.Add((layer, layer));
            }
        }

        return runs.Count == 0 ? "" : $"\n    Windows = [{string.Join(", ", runs.Select(run => $"new({run.First}, {run.Last}, {windows[run.First]})"))}],";
    }

    /// <summary>Layers that do not rotate, where others do.</summary>
    private static string Unrotated(ModelSpec spec) => spec.Attention.Unrotated is not { } layers ? ""
        : $"\n    UnrotatedLayers = [{string.Join(", ", Enumerable.Range(0, spec.Layers).Where(layers.Contains))}],";

    private static string Policy(LayerPolicy policy) =>
        $"new({policy.First}, {policy.Last}, \"{policy.Policy.Label()}\")";

    private static void EmitLoad(CodeWriter code, ModelSpec spec) => code.Lines($$"""
        /// <summary>Loads weights and tokenizer from a GGUF file, or from safetensors beside a config.json.</summary>
        /// <param name="path">The model file, or a folder that holds one.</param>
        /// <param name="device">Where it runs; null: the best device there is, owned by the model.</param>
        /// <param name="options">Progress, conversion of weights, a tokenizer from elsewhere.</param>
        /// <exception cref="global::SparseInfer.Files.ModelFormatException">
        /// The file is not a model, or not this one: the message lists every tensor that is missing or wrong.
        /// </exception>
        {{GeneratedAttributes.QualifiedGenerated}}
        public static {{spec.Target.Name}} Load(
            string path, global::SparseInfer.Device? device = null, global::SparseInfer.LoadOptions? options = null) =>
            new(global::SparseInfer.Runtime.ModelLoader.Load(path, DeclaredShape, device, options, {{spec.Creator}}));

        /// <summary>Loads weights and tokenizer from an open file, or from a model in memory.</summary>
        /// <param name="file">The model. From here on it belongs to what is loaded, which disposes it; so does an exception.</param>
        /// <param name="device">Where it runs; null: the best device there is, owned by the model.</param>
        /// <param name="options">Progress, conversion of weights, a tokenizer from elsewhere.</param>
        /// <exception cref="global::SparseInfer.Files.ModelFormatException">
        /// The file is not this model: the message lists every tensor that is missing or wrong.
        /// </exception>
        {{GeneratedAttributes.QualifiedGenerated}}
        public static {{spec.Target.Name}} Load(
            global::SparseInfer.Files.ModelFile file,
            global::SparseInfer.Device? device = null,
            global::SparseInfer.LoadOptions? options = null) =>
            new(global::SparseInfer.Runtime.ModelLoader.Load(file, DeclaredShape, device, options, {{spec.Creator}}));
        """);

    private static void EmitCreate(CodeWriter code, ModelSpec spec, bool ilgpu)
    {
        TargetSpec target = spec.Target;
        const string Program = "private static global::SparseInfer.Runtime.DecoderProgram";
        using (code.Block($"{Program} {spec.Creator}(global::SparseInfer.Device device) => device switch", end: "};"))
        {
            code.Line($"global::SparseInfer.CpuDevice cpu => new {GeneratedNames.QualifiedProgram(target, "Cpu")}(cpu),");
            if (ilgpu)
            {
                code.Line($"global::SparseInfer.IlgpuDevice gpu => new {GeneratedNames.QualifiedProgram(target, "Ilgpu")}(gpu),");
            }

            string devices = ilgpu ? "cpu, and what ILGPU reaches" : "cpu";
            code.Lines($$"""
                _ => throw new global::System.NotSupportedException(
                    $"{{target.Name.TrimStart('@')}} has no program for device '{device.Name}'; it was generated for: {{devices}}."),
                """);
        }
    }
}
