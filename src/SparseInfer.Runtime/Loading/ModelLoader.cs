using SparseInfer.Files;
using SparseInfer.Loading;
using SparseInfer.Text;

namespace SparseInfer.Runtime;

/// <summary>Loads a generated program's weights. For generated code.</summary>
public static class ModelLoader
{
    /// <summary>Most problems listed in one error, beside sizes that differ.</summary>
    internal const int MaxProblems = 10;

    /// <summary>Opens a model file, compares it with the declaration, and prepares a program's weights from it.</summary>
    /// <param name="path">The model file, or a folder that holds one.</param>
    /// <param name="shape">What was declared.</param>
    /// <param name="device">Where it will run; null: the best, owned by the result.</param>
    /// <param name="options">How to load; null: the defaults.</param>
    /// <param name="create">Makes the program for a device.</param>
    /// <exception cref="ModelFormatException">The file is no model, or not this one; everything that is wrong is in the message.</exception>
    public static LoadedModel Load(string path, ModelShape shape, Device? device, LoadOptions? options, Func<Device, DecoderProgram> create)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return Load(ModelFile.Open(path, options?.ReadIntoMemory ?? false), shape, device, options, create);
    }

    /// <summary>Compares an open model file with the declaration, and prepares a program's weights from it.</summary>
    /// <param name="file">The model. It belongs to the result, and is disposed where loading fails.</param>
    /// <param name="shape">What was declared.</param>
    /// <param name="device">Where it will run; null: the best, owned by the result.</param>
    /// <param name="options">How to load; null: the defaults.</param>
    /// <param name="create">Makes the program for a device.</param>
    /// <exception cref="ModelFormatException">The file is not the declared model; everything that is wrong is in the message.</exception>
    public static LoadedModel Load(
        ModelFile file, ModelShape shape, Device? device, LoadOptions? options, Func<Device, DecoderProgram> create)
    {
        ArgumentNullException.ThrowIfNull(file);
        options ??= new LoadOptions();
        Device? where = device;
        DecoderProgram? program = null;
        ModelFile? predictor = null;
        try
        {
            RequireSound(options, file);
            predictor = options.PredictorFile is { } path ? ModelFile.Open(path, options.ReadIntoMemory) : null;
            where ??= Device.Best();
            program = create(where);
            List<string> notes = [.. file.Notes];
            TensorCheck check = Bind(file, predictor, shape, options, program, notes);
            Tokenizer? tokenizer = TokenizerChoice.Make(file, shape, options, notes, out string? whyNone);
            ChatTemplate? template = ChatTemplateReader.OfModel(file, notes);
            EmbeddingDefaults embeddings = EmbeddingReader.OfModel(file);
            program.Attach(shape, predictor is null ? [file] : [file, predictor], device is null ? where : null);
            var report = new LoadReport(file.Path, check.Used.Count + check.UsedOfPredictor.Count, check.Bytes, notes);
            return new LoadedModel(program, where, shape, tokenizer, whyNone, template, embeddings, report);
        }
        catch
        {
            program?.Memory.Dispose();
            file.Dispose();
            predictor?.Dispose();
            if (device is null)
            {
                where?.Dispose();
            }

            throw;
        }
    }

    private static void RequireSound(LoadOptions options, ModelFile file)
    {
        TokenizerChoice.Require(options);
        if (options.ReadIntoMemory && !file.IsInMemory)
        {
            throw new ArgumentException(
                "LoadOptions.ReadIntoMemory: the model file is open and mapped already; open it with ModelFile.Open(path, intoMemory: true).",
                nameof(options));
        }
    }

    private static TensorCheck Bind(ModelFile file, ModelFile? predictor, ModelShape shape, LoadOptions options, DecoderProgram program, List<string> notes)
    {
        ModelFacts facts = ModelFacts.Read(file, options);
        if (facts.Refusal is { } refusal)
        {
            throw new ModelFormatException(file.Path, refusal + ".");
        }

        List<string> sizes = [];
        List<string> problems = [];
        MetadataCheck.Run(facts, shape, sizes, problems, notes);
        ScalingCheck.Run(facts, shape, program.Tensors.Any(tensor => tensor.NameIn(file.Format, 0) == ScalingCheck.FactorsTensor), problems);
        bool misdeclared = sizes.Count > 0 || problems.Count > facts.Problems.Count;
        var check = new TensorCheck(facts, predictor, options, program.Tensors, shape.Layers, program.MixesDown, problems);
        CheckUnused(facts, shape, options, check, problems, notes);
        if (predictor is not null)
        {
            NotePredictorFile(predictor, check, notes);
        }

        if (!options.AllowZeroTail && ZeroTail.Find(file, shape) is { } unfinished)
        {
            problems.Insert(0, unfinished);
        }

        if (sizes.Count + problems.Count > 0)
        {
            string remedy = misdeclared && facts.Problems.Count == 0 ? $" ('sparseinfer declare {Argument(file.Path)}{Overrides(options)}' writes the class that does)" : "";
            string more = problems.Count > MaxProblems ? $"\n  ... and {problems.Count - MaxProblems} more" : "";
            throw new ModelFormatException(
                file.Path,
                $"does not fit the declared model {shape.Name}{remedy}:\n  {string.Join("\n  ", sizes.Concat(problems.Take(MaxProblems)))}{more}");
        }

        var bind = new WeightBinder(file, check, options, program.Memory, notes);
        program.Bind(bind);
        bind.Finish();
        return check;
    }

    /// <summary>Without what overrides the file, the tool would refuse it.</summary>
    private static string Overrides(LoadOptions options) => string.Concat(
        options.IgnoreMetadata.Select(key => $" --ignore-metadata {Argument(FileText.Show(key))}")
            .Prepend(options.Architecture is { } name ? $" --architecture {Argument(name)}" : ""));

    private static string Argument(string path) => path.Contains(' ', StringComparison.Ordinal) ? $"\"{path}\"" : path;

    private static void CheckUnused(
        ModelFacts facts, ModelShape shape, LoadOptions options, TensorCheck check, List<string> problems, List<string> notes)
    {
        ModelFile file = facts.File;
        NotePredictor(file, check, notes);

        // A buffer, and a tied head saved twice.
        bool Harmless(string name) => IsBuffer(name) || PowerInferFiles.IsPredictor(file, name)
            || (name == "lm_head.weight" && shape.TiedEmbedding && IsHeadTheEmbedding(facts));

        string[] unused = [.. file.Tensors.Select(tensor => tensor.Name)
            .Where(name => !check.Used.Contains(name) && name != ScalingCheck.FactorsTensor && !Harmless(name) && !file.IsUnlisted(name))];
        if (unused.Length == 0)
        {
            return;
        }

        string list = $"{string.Join(", ", unused.Take(3).Select(FileText.Quote))}{(unused.Length > 3 ? $" and {unused.Length - 3} more" : "")}";
        if (options.AllowUnusedTensors)
        {
            notes.Add($"Unused: tensor {list}.");
        }
        else
        {
            problems.Add($"tensor {list} has no place in the declaration: declare what it is for, or load with LoadOptions.AllowUnusedTensors");
        }
    }

    /// <summary>What predicts is what was declared. A threshold that a file names is its own predictor's.</summary>
    private static void NotePredictor(ModelFile file, TensorCheck check, List<string> notes)
    {
        string[] predictors = [.. file.Tensors.Select(tensor => tensor.Name).Where(name => !check.Used.Contains(name) && PowerInferFiles.IsPredictor(file, name))];
        string[] unused = [.. predictors.Where(name => !PowerInferFiles.IsOfWords(name))];
        if (predictors.FirstOrDefault(PowerInferFiles.IsOfWords) is { } ofWords && !check.UsedOfPredictor.Any(PowerInferFiles.IsOfWords))
        {
            notes.Add($"Unused: the head's trained predictor, tensor {FileText.Quote(ofWords)}; [VocabularyPredictor] would use it.");
        }

        bool hasThreshold = file.Metadata.Describe(PowerInferFiles.SparseThresholdKey) is not null;
        if (unused.Length > 0)
        {
            notes.Add($"Unused: the file's trained predictor, tensor {FileText.Quote(unused[0])}{(unused.Length > 1 ? $" and {unused.Length - 1} more" : "")}"
                + $"{(hasThreshold ? $", and its '{PowerInferFiles.SparseThresholdKey}'" : "")}; what is declared predicts, and [LowRankPredictor] would use it.");
        }
        else if (hasThreshold && !file.Tensors.Any(tensor => PowerInferFiles.IsPredictor(file, tensor.Name) && !PowerInferFiles.IsOfWords(tensor.Name)))
        {
            notes.Add($"Unused: '{PowerInferFiles.SparseThresholdKey}', the threshold of a predictor that the file does not have.");
        }
    }

    /// <summary>One file may be for several declarations: what this one has no use for is no fault.</summary>
    private static void NotePredictorFile(ModelFile predictor, TensorCheck check, List<string> notes)
    {
        string[] unused = [.. predictor.Tensors.Select(tensor => tensor.Name).Where(name => !check.UsedOfPredictor.Contains(name))];
        string rest = unused.Length == 0 ? ""
            : $"; unused: {string.Join(", ", unused.Take(3).Select(FileText.Quote))}{(unused.Length > 3 ? $" and {unused.Length - 3} more" : "")}";
        notes.Add(FormattableString.Invariant($"{check.UsedOfPredictor.Count} tensors of policies are from {FileText.Quote(predictor.Path)}{rest}."));
    }

    /// <summary>Whether it is one of the buffers that Hugging Face's libraries save although they follow from the configuration.</summary>
    internal static bool IsBuffer(string name) => name.EndsWith(".rotary_emb.inv_freq", StringComparison.Ordinal);

    /// <summary>Whether a head is the embedding once more, so that nothing is lost by tying them.</summary>
    internal static bool IsHeadTheEmbedding(ModelFacts facts) =>
        facts.File.TryGetTensor("lm_head.weight", out TensorInfo? a)
        && facts.File.TryGetTensor(facts.NameOf("model.embed_tokens.weight"), out TensorInfo? b)
        && a.ByteLength == b.ByteLength
        && a.ByteLength <= int.MaxValue
        && a.Bytes.SequenceEqual(b.Bytes);
}

/// <summary>A program with its weights, on its way into a model. For generated code.</summary>
public sealed class LoadedModel
{
    internal LoadedModel(
        DecoderProgram program, Device device, ModelShape shape, Tokenizer? tokenizer, string? whyNoTokenizer, ChatTemplate? chatTemplate,
        EmbeddingDefaults embeddings, LoadReport report)
    {
        Program = program;
        Device = device;
        Shape = shape;
        Tokenizer = tokenizer;
        WhyNoTokenizer = whyNoTokenizer;
        ChatTemplate = chatTemplate;
        Embeddings = embeddings;
        Report = report;
    }

    internal DecoderProgram Program { get; }

    internal Device Device { get; }

    internal ModelShape Shape { get; }

    internal Tokenizer? Tokenizer { get; }

    /// <summary>As a clause; null where there is a tokenizer.</summary>
    internal string? WhyNoTokenizer { get; }

    internal ChatTemplate? ChatTemplate { get; }

    internal EmbeddingDefaults Embeddings { get; }

    internal LoadReport Report { get; }
}
