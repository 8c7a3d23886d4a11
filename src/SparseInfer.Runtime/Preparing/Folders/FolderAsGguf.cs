using SparseInfer.Files;
using SparseInfer.Loading;
using SparseInfer.Runtime;

namespace SparseInfer.Preparing;

/// <summary>
/// A Hugging Face folder as the GGUF file of the same model: other names, other keys, and the rows of queries and keys in the order that such files
/// have. What is prepared is always a GGUF file; this makes one of a folder, without copying a weight.
/// </summary>
internal sealed class FolderAsGguf : ModelFile
{
    private readonly ModelFile _folder;
    private readonly Dictionary<TensorInfo, SourceTensor> _sources;

    private FolderAsGguf(ModelFile folder, TensorTable table, ModelMetadata metadata, Dictionary<TensorInfo, SourceTensor> sources)
        : base(folder.Path, ModelFileFormat.Gguf, table, metadata, [])
    {
        _folder = folder;
        _sources = sources;
    }

    /// <summary>Everything that it is made of: no file is to be written over one of these.</summary>
    internal override IEnumerable<string> Paths => CompanionFiles.Of(_folder) is { } files
        ? [.. _folder.Paths, .. CompanionFiles.Names.Where(files.Has).Select(files.PathOf)]
        : _folder.Paths;

    /// <summary>The folder's tensor that one of these is, and the order of its rows.</summary>
    public SourceTensor SourceOf(TensorInfo tensor) => _sources[tensor];

    /// <summary>Reads a folder. It stays open as long as this is used, and is disposed of by its owner.</summary>
    /// <param name="folder">Safetensors and what lies beside them.</param>
    /// <param name="options">How it is read.</param>
    /// <exception cref="ModelFormatException">It cannot be said in a GGUF file; all that is wrong is in the message.</exception>
    public static FolderAsGguf Of(ModelFile folder, PreparationOptions options)
    {
        LoadOptions reading = options.Reading;
        ModelFacts facts = ModelFacts.Read(folder, reading);
        if (facts.Refusal is { } refusal)
        {
            throw new ModelFormatException(folder.Path, refusal + ".");
        }

        if (facts.Architecture is null)
        {
            throw new ModelFormatException(
                folder.Path, "there is no config.json beside the weights, which says what they are: put the model's own there, and name the folder.");
        }

        if (facts.First(Fact.Experts) is > 0 and { } experts)
        {
            throw new ModelFormatException(
                folder.Path, $"has {MetadataValue.Show(experts)} experts, whose matrices lie in tensors of their own, and are not put together here: load the folder as it is.");
        }

        List<string> problems = [.. facts.Problems];
        CompanionFiles files = CompanionFiles.Of(folder)!;
        if (files.Tokenizer is null && !options.NoTokenizer)
        {
            problems.Add($"there is no {CompanionFiles.TokenizerJson} or {CompanionFiles.SentencePiece} beside the weights: "
                + $"put the model's own there, or {reading.OverrideNames.WithoutTokenizer}");
        }

        ModelMetadata metadata = FolderKeys.Of(facts, files, problems);
        (TensorTable table, Dictionary<TensorInfo, SourceTensor> sources) = Name(facts, problems);
        var view = new FolderAsGguf(folder, table, metadata, sources);
        if (problems.Count == 0)
        {
            SameFacts.Require(facts, ModelFacts.Read(view, new LoadOptions { OverrideNames = reading.OverrideNames }), problems);
        }

        return problems.Count == 0 ? view : throw PreparationPlan.Refuse(folder, problems);
    }

    private static (TensorTable Table, Dictionary<TensorInfo, SourceTensor> Sources) Name(ModelFacts facts, List<string> problems)
    {
        var table = new TensorTable();
        var sources = new Dictionary<TensorInfo, SourceTensor>();
        IReadOnlyDictionary<string, string> names = GgufNames.Of(facts);
        var order = new HeadOrder(facts);
        List<string> unknown = [];
        foreach (TensorInfo tensor in facts.File.Tensors)
        {
            if (ModelLoader.IsBuffer(tensor.Name) || facts.File.IsUnlisted(tensor.Name) || IsTiedHead(tensor, facts))
            {
                continue;
            }

            if (!names.TryGetValue(tensor.Name, out string? name))
            {
                unknown.Add(FileText.Quote(tensor.Name));
            }
            else if (tensor.Type.GgmlId is null || tensor.Shape.Count is 0 or > 4 || tensor.Shape.Contains(0))
            {
                problems.Add($"tensor {tensor} is of a type or shape that GGUF files do not have");
            }
            else if (order.Of(name, tensor, out Func<int, int>? rows) is { } fault)
            {
                problems.Add(fault);
            }
            else
            {
                var named = new TensorInfo(tensor.Region, name, tensor.Type, [.. tensor.Shape], tensor.Offset, tensor.ByteLength);
                table.Add(named);
                sources[named] = new SourceTensor(tensor, rows);
            }
        }

        RequireLayers(facts, problems);
        if (unknown.Count > 0)
        {
            problems.Add($"tensor {string.Join(", ", unknown.Take(3))}{(unknown.Count > 3 ? $" and {unknown.Count - 3} more" : "")} has no place in "
                + $"a model of architecture {facts.Architecture!.Name} with {MetadataValue.Show(facts.First(Fact.Layers) ?? 0)} layers");
        }

        return (table, sources);
    }

    /// <summary>Names the first layer that the folder says it has, and has not.</summary>
    private static void RequireLayers(ModelFacts facts, List<string> problems)
    {
        for (int layer = 0; layer < facts.CountLayers(); layer++)
        {
            string down = facts.NameOf(FormattableString.Invariant($"model.layers.{layer}.mlp.down_proj.weight"));
            if (!facts.File.TryGetTensor(down, out _))
            {
                problems.Add($"{facts.Stated.First(stated => stated.Fact == Fact.Layers).Text}, but there is no tensor {FileText.Quote(down)}");
                return;
            }
        }
    }

    /// <summary>A head that is the embedding once more, where the folder says that they are tied.</summary>
    private static bool IsTiedHead(TensorInfo tensor, ModelFacts facts) =>
        tensor.Name == "lm_head.weight" && facts.TiedEmbedding == true && ModelLoader.IsHeadTheEmbedding(facts);
}
