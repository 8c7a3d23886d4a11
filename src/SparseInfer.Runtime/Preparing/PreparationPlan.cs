using SparseInfer.Files;
using SparseInfer.Loading;
using SparseInfer.Runtime;

namespace SparseInfer.Preparing;

/// <summary>What becomes of each tensor of a model. Made, and everything that is wrong found, before anything is written.</summary>
internal sealed class PreparationPlan
{
    private const string MatrixSuffix = ".weight";
    private const string SignsSuffix = ".signs";
    private const string GateSuffix = ".ffn_gate.weight";
    private const string UpSuffix = ".ffn_up.weight";
    private const string HeadName = "output.weight";
    private const string EmbeddingName = "token_embd.weight";
    private const string PositionsName = "position_embd.weight";
    private const string AttentionPart = ".attn_";
    private const string FeedForwardPart = ".ffn_";
    private const string FileTypeKey = "general.file_type";
    private const int Alignment = 64;

    private readonly FolderAsGguf? _folder;
    private readonly PreparationOptions _options;
    private readonly bool _upSigns;
    private readonly List<string> _problems = [];
    private readonly List<Entry> _entries = [];

    public PreparationPlan(ModelFile source, PreparationOptions options)
    {
        _options = options;
        _folder = source.Format == ModelFileFormat.Safetensors ? FolderAsGguf.Of(source, options) : null;
        Source = _folder ?? source;
        RequireOptionsOfFolder();
        if (source.Metadata.TryGetString(PreparedTensors.LayoutKey, out string? layout) && layout != PreparedTensors.Layout)
        {
            throw new ModelFormatException(
                source.Path,
                $"'{PreparedTensors.LayoutKey}' is {FileText.Quote(layout)}, another layout than '{PreparedTensors.Layout}': prepare the original.");
        }

        _upSigns = options.UpSigns || NamesDRelu(Source.Metadata);
        foreach (TensorInfo tensor in Source.Tensors)
        {
            Add(tensor);
        }

        if (options.Head is not null && !_entries.Exists(entry => entry.Name == HeadName) && _problems.Count == 0)
        {
            _problems.Add($"there is neither '{HeadName}' nor '{EmbeddingName}', of which a head could be made");
        }

        if (Transposed == 0 && _problems.Count == 0)
        {
            _problems.Add("there is no 'blk.0.ffn_down.weight', nor its like in any layer: this is no decoder with plain feed-forwards. Experts' are not prepared: load the file as it is");
        }

        if (_problems.Count > 0)
        {
            throw Refuse(source, _problems);
        }
    }

    /// <summary>What is prepared: the file, or the folder as one.</summary>
    public ModelFile Source { get; }

    public int Transposed { get; private set; }

    public int SignPlanes { get; private set; }

    /// <summary>Bytes of all tensors, for progress.</summary>
    public long Bytes => _entries.Sum(entry => TensorSize.Of(entry.Name, entry.Type, entry.Shape));

    public void AddTo(GgufWriter writer, TensorStreams streams)
    {
        foreach (string key in Source.Metadata.Keys)
        {
            if (key is not (GgufFile.AlignmentKey or PreparedTensors.LayoutKey) && !(key == FileTypeKey && _options.Converts))
            {
                writer.Copy(Source.Metadata, key);
            }
        }

        if (_options.Weights is { } type && TensorType.Of(type).FileType is { } fileType)
        {
            writer.Add(FileTypeKey, fileType);
        }

        writer.Add(GgufFile.AlignmentKey, (uint)Alignment);
        writer.Add(PreparedTensors.LayoutKey, PreparedTensors.Layout);
        foreach (Entry entry in _entries)
        {
            writer.AddTensor(entry.Name, entry.Type, entry.Shape, stream => entry.Write(streams, stream));
        }
    }

    /// <summary>The error about a model with all that is wrong with it.</summary>
    public static ModelFormatException Refuse(ModelFile source, IReadOnlyList<string> problems)
    {
        string more = problems.Count > ModelLoader.MaxProblems ? $"\n  ... and {problems.Count - ModelLoader.MaxProblems} more" : "";
        return new ModelFormatException(
            source.Path, $"cannot be prepared:\n  {string.Join("\n  ", problems.Take(ModelLoader.MaxProblems))}{more}");
    }

    /// <summary>What a GGUF file says is kept as it is.</summary>
    private void RequireOptionsOfFolder()
    {
        OverrideNames names = _options.OverrideNames;
        string? wrong = _folder is not null ? null
            : _options.Architecture is not null ? names.Architecture
            : _options.IgnoreMetadata.Count > 0 ? names.IgnoreMetadata
            : _options.NoTokenizer ? names.NoTokenizer
            : null;
        if (wrong is not null)
        {
            throw new ModelFormatException(Source.Path, $"is no folder of safetensors, and {wrong} is for those alone: what a GGUF file says is kept as it is.");
        }
    }

    private static bool NamesDRelu(ModelMetadata metadata) =>
        metadata.TryGetString("general.architecture", out string? architecture)
        && (Architectures.Find(architecture)?.Activation == Activation.DRelu
            || (metadata.TryGetString($"{architecture}.{GgufKeys.Activation}", out string? activation) && activation == "drelu"));

    private void Add(TensorInfo tensor)
    {
        if (PowerInferFiles.IsPredictor(Source, tensor.Name))
        {
            Add(tensor.Name, tensor.Type, tensor.Shape, (streams, stream) => streams.Copy(From(tensor), stream));
        }
        else if (tensor.Name.EndsWith(PreparedTensors.DownSuffix, StringComparison.Ordinal))
        {
            AddTransposed(tensor);
        }
        else if (IsSignsOfMatrix(tensor.Name))
        {
            return; // written anew, beside the matrix
        }
        else if (tensor.Shape.Count == 2 && tensor.Name.EndsWith(MatrixSuffix, StringComparison.Ordinal))
        {
            AddMatrix(tensor, tensor.Name);
            if (tensor.Name == EmbeddingName && _options.Head is not null && !Source.TryGetTensor(HeadName, out _))
            {
                AddMatrix(tensor, HeadName);
            }
        }
        else
        {
            Add(tensor.Name, tensor.Type, tensor.Shape, (streams, stream) => streams.Copy(From(tensor), stream));
        }
    }

    private bool IsSignsOfMatrix(string name) =>
        name.EndsWith(SignsSuffix, StringComparison.Ordinal) && Source.TryGetTensor(name[..^SignsSuffix.Length] + MatrixSuffix, out _);

    /// <summary>Neuron-major already: kept as it is; in blocks along the hidden width, stored as what holds it exactly, since kernels' blocks run along neurons.</summary>
    private void AddTransposed(TensorInfo tensor)
    {
        WeightType? asked = Asked(tensor.Name);
        if (PowerInferFiles.IsDownInRows(Source, tensor) && (asked ?? WeightType.F32) is var plain && !TensorType.Of(plain).IsBlock)
        {
            Transposed++;
            Add(tensor.Name, TensorType.Of(plain), tensor.Shape, (streams, stream) => streams.Matrix(From(tensor), plain, stream));
            return;
        }

        WeightType? stored = Source.Metadata.Describe(PreparedTensors.LayoutKey) is null ? null : PreparedTensors.BlockTypeOf(tensor);
        if (stored is null && tensor.Type.IsPlainWeight)
        {
            stored = tensor.Weight;
        }

        if (stored is null)
        {
            string remedy = PowerInferFiles.IsDownInRows(Source, tensor) ? $"has blocks along the hidden width, which cannot be converted to {asked}" : "is in no layout that is read";
            _problems.Add($"tensor {tensor} {remedy}: prepare the original");
        }
        else if (asked is { } type && type != stored)
        {
            _problems.Add($"tensor {FileText.Quote(tensor.Name)} is {stored} and transposed already: to have {type}, prepare the original");
        }

        Transposed++;
        Add(tensor.Name, tensor.Type, tensor.Shape, (streams, stream) => streams.Copy(From(tensor), stream));
    }

    private void AddMatrix(TensorInfo tensor, string name)
    {
        // Rows are bounded where the file is read; as a down matrix is turned, its columns become rows.
        if (tensor.Shape[0] > TensorSize.MaximumRowElements)
        {
            _problems.Add($"tensor {FileText.Quote(From(tensor).Tensor.Name)} is {FileText.Shape(tensor.Shape)}, larger than any model's");
            return;
        }

        if (tensor.Weight is not { } stored)
        {
            string types = string.Join(", ", Enum.GetNames<WeightType>());
            _problems.Add($"tensor {FileText.Quote(From(tensor).Tensor.Name)} is {tensor.Type}, which no kernel reads: start from a file whose matrices are {types}");
            return;
        }

        WeightType type = Asked(name) ?? stored;
        if (tensor.Shape[1] % TensorType.Of(type).ElementsPerBlock != 0)
        {
            _problems.Add($"tensor {FileText.Quote(From(tensor).Tensor.Name)} has rows of {tensor.Shape[1]} weights, no whole number of {type} blocks: choose a type without blocks for it, such as F16");
            return;
        }

        if (PreparedTensors.TryGetDownName(name, out string? down))
        {
            AddDown(tensor, down, type);
            return;
        }

        Add(name, TensorType.Of(type), tensor.Shape, (streams, stream) => streams.Matrix(From(tensor), type, stream));
        if (WantsSigns(name))
        {
            SignPlanes++;
            long[] shape = PreparedTensors.SignsShape((int)tensor.Shape[0], (int)tensor.Shape[1]);
            Add(PreparedTensors.SignsName(name), PreparedTensors.SignsType, shape, (streams, stream) => streams.Signs(From(tensor), type, stream));
        }
    }

    /// <summary>The type that a matrix shall have: its role's, or that of all; null: the one it has.</summary>
    private WeightType? Asked(string name) => (name switch
    {
        HeadName => _options.Head,
        EmbeddingName or PositionsName => _options.Embedding,
        _ when name.Contains(AttentionPart, StringComparison.Ordinal) => _options.Attention,
        _ when name.Contains(FeedForwardPart, StringComparison.Ordinal) => _options.FeedForward,
        _ => null,
    }) ?? _options.Weights;

    private void AddDown(TensorInfo tensor, string name, WeightType type)
    {
        if (Source.TryGetTensor(name, out _))
        {
            _problems.Add($"tensor {FileText.Quote(tensor.Name)} is there a second time, transposed, as {FileText.Quote(name)}: leave one out");
            return;
        }

        Transposed++;
        long[] shape = PreparedTensors.DownShape(type, intermediate: (int)tensor.Shape[1], hidden: (int)tensor.Shape[0]);
        Add(name, PreparedTensors.DownType(type), shape, (streams, stream) => streams.Down(From(tensor), type, stream));
    }

    private bool WantsSigns(string name) =>
        name.EndsWith(GateSuffix, StringComparison.Ordinal)
        || (name.EndsWith(UpSuffix, StringComparison.Ordinal)
            && (_upSigns || !Source.TryGetTensor(name[..^UpSuffix.Length] + GateSuffix, out _)))
        || Source.TryGetTensor(PreparedTensors.SignsName(name), out _);

    private void Add(string name, TensorType type, IReadOnlyList<long> shape, Action<TensorStreams, Stream> write) =>
        _entries.Add(new Entry(name, type, [.. shape], write));

    /// <summary>Where a tensor's bytes are, and what messages call it.</summary>
    private SourceTensor From(TensorInfo tensor) => _folder?.SourceOf(tensor) ?? new SourceTensor(tensor);

    private sealed record Entry(string Name, TensorType Type, long[] Shape, Action<TensorStreams, Stream> Write);
}
