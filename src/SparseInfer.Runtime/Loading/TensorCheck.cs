using SparseInfer.Files;
using SparseInfer.Runtime;

namespace SparseInfer.Loading;

/// <summary>Looks for the tensors that a program wants, and collects everything that does not fit. Nothing is read.</summary>
internal sealed partial class TensorCheck
{
    private readonly ModelFacts _facts;
    private readonly ModelFile _file;
    private readonly ModelFile? _predictor;
    private readonly LoadOptions _options;
    private readonly List<string> _problems;
    private readonly bool _mixesDown;
    private readonly Dictionary<Place, FoundTensor> _found = [];
    private readonly HashSet<string> _used = new(StringComparer.Ordinal);
    private readonly HashSet<string> _usedOfPredictor = new(StringComparer.Ordinal);
    private readonly Dictionary<TensorInfo, TensorInfo[]> _parts = [];
    private readonly List<Missing> _missing = [];
    private readonly HashSet<string> _unlike = [];

    /// <summary>A policy wants the same tensors in all layers: the first says where they come from.</summary>
    private bool _isPredictorAskedFor;

    private readonly FusedHeads _fused;

    /// <summary>Checks.</summary>
    /// <param name="facts">The file, and what it calls its tensors.</param>
    /// <param name="predictor">A file that may have what policies want; null: there is none.</param>
    /// <param name="options">What may be converted, and what may be left over.</param>
    /// <param name="tensors">What is wanted: those of layers for each of <paramref name="layers"/>.</param>
    /// <param name="layers">Layers.</param>
    /// <param name="mixesDown">Whether down may have another type than the other matrices of a feed-forward.</param>
    /// <param name="problems">Where everything that is wrong is added.</param>
    public TensorCheck(
        ModelFacts facts, ModelFile? predictor, LoadOptions options, IReadOnlyList<DeclaredTensor> tensors, int layers, bool mixesDown, List<string> problems)
    {
        _facts = facts;
        _file = facts.File;
        _predictor = predictor;
        _options = options;
        _problems = problems;
        _mixesDown = mixesDown;
        _fused = new FusedHeads(facts, tensors);
        foreach (DeclaredTensor tensor in tensors.Where(tensor => !tensor.IsOfLayer))
        {
            Check(tensor, 0, 0, null);
        }

        DeclaredTensor[] ofLayer = [.. tensors.Where(tensor => tensor.IsOfLayer)];
        for (int layer = 0; layer < layers; layer++)
        {
            WeightType? common = null;
            foreach (DeclaredTensor tensor in ofLayer.Where(tensor => tensor.IsIn(layer)))
            {
                bool isShared = SharesKernel(tensor);
                common ??= isShared ? CommonType(ofLayer.Where(SharesKernel), layer) : null;
                for (int expert = 0; expert < Math.Max(1, tensor.Experts); expert++)
                {
                    if (!Check(tensor, layer, expert, isShared ? common : null) && MayBeStacked(tensor))
                    {
                        break; // what is wrong with a tensor is wrong for all that lie in it
                    }
                }
            }
        }

        NameClosest();
    }

    /// <summary>Bytes of all that was found.</summary>
    public long Bytes { get; private set; }

    /// <summary>Names of what has its place.</summary>
    public IReadOnlySet<string> Used => _used;

    /// <summary>The same of the predictor's file.</summary>
    public IReadOnlySet<string> UsedOfPredictor => _usedOfPredictor;

    /// <summary>What was found for a tensor: all of them, where there was no problem.</summary>
    public FoundTensor this[DeclaredTensor tensor, int layer, int expert = 0] => _found[new(tensor, layer, expert)];

    private bool Check(DeclaredTensor tensor, int layer, int expert, WeightType? common)
    {
        FoundTensor? found = tensor switch
        {
            DeclaredMatrix matrix => Matrix(matrix, layer, expert, common is { } shared ? [shared] : matrix.Types),
            DeclaredDown down => Down(down, layer, expert, common is { } type ? [type] : down.Types),
            DeclaredVector vector => Vector(vector, layer, expert),
            _ => throw new ArgumentException($"A file has no {tensor.GetType().Name}.", nameof(tensor)),
        };
        if (found is not null)
        {
            Bytes += found.Bytes(Rows(tensor)) + (found.Signs?.ByteLength ?? 0);
            _found[new(tensor, layer, expert)] = found;
        }

        return found is not null;
    }

    private static int Rows(DeclaredTensor tensor) => tensor switch
    {
        DeclaredMatrix matrix => matrix.Rows,
        DeclaredDown down => down.Hidden,
        _ => ((DeclaredVector)tensor).Length,
    };

    private FoundTensor? Matrix(DeclaredMatrix wanted, int layer, int expert, WeightType[] types)
    {
        if (wanted.Within is { } flat && FindFlat(wanted, flat, layer) is { } whole)
        {
            return InFlat(wanted, flat, whole, types);
        }

        TensorInfo? signs = FindSigns(wanted, layer);
        return Find(wanted, layer, expert, wanted.Rows, wanted.Columns, wanted.RowsText, wanted.ColumnsText, types) is { } found
            ? found with { Signs = signs }
            : null;
    }

    private FoundTensor? Down(DeclaredDown wanted, int layer, int expert, WeightType[] types) => FindPrepared(wanted, layer) is { } prepared
        ? PreparedDown(wanted, layer, expert, prepared, types)
        : Find(wanted, layer, expert, wanted.Hidden, wanted.Intermediate, wanted.HiddenText, wanted.IntermediateText, types);

    private FoundTensor? Vector(DeclaredVector wanted, int layer, int expert)
    {
        if (Lookup(wanted, layer, expert, out RowPart? part) is not { } tensor)
        {
            return null;
        }

        (int length, string text) = part is { } some ? (some.Total, RowPart.TotalText) : (wanted.Length, wanted.LengthText);
        bool isStacked = IsStacked(wanted, tensor);
        long[] shape = isStacked ? [wanted.Experts, length] : [length];
        if (!tensor.Shape.SequenceEqual(shape))
        {
            AddOnce(isStacked
                ? $"{Named(tensor)} is {FileText.Shape(tensor.Shape)}, but {FileText.Shape(shape)} ({DeclaredTensor.ExpertsText} x {text}) is declared"
                : $"{Named(tensor)} is {FileText.Shape(tensor.Shape)}, but {length} ({text}) is declared");
            return null;
        }

        if (tensor.Weight is not { } stored || TensorType.Of(stored).IsBlock)
        {
            AddOnce($"{Named(tensor)} is {tensor.Type}; norms and biases must be F32, F16 or BF16");
            return null;
        }

        return new FoundTensor(isStacked ? PartsOf(tensor)[expert] : tensor, stored, WeightType.F32, Part: part);
    }

    private FoundTensor? Find(
        DeclaredTensor wanted, int layer, int expert, int rows, int columns, string rowsText, string columnsText, WeightType[] types)
    {
        if (Lookup(wanted, layer, expert, out RowPart? part) is not { } tensor)
        {
            return null;
        }

        if (part is { } some)
        {
            (rows, rowsText) = (some.Total, RowPart.TotalText);
        }

        bool isStacked = IsStacked(wanted, tensor);
        long[] shape = isStacked ? [wanted.Experts, rows, columns] : [rows, columns];
        if (!tensor.Shape.SequenceEqual(shape))
        {
            string declared = $"{(isStacked ? $"{DeclaredTensor.ExpertsText} x " : "")}{rowsText} x {columnsText}";
            AddOnce($"{Named(tensor)} is {FileText.Shape(tensor.Shape)}, but {FileText.Shape(shape)} ({declared}) is declared");
            return null;
        }

        if (tensor.Weight is not { } stored || Target(stored, types, columns, Converts(tensor)) is not { } target)
        {
            RefuseType(wanted, tensor, tensor.Weight, types, columns, columnsText);
            return null;
        }

        return new FoundTensor(isStacked ? PartsOf(tensor)[expert] : tensor, stored, target, Part: part);
    }

    /// <summary>
    /// The flat tensor that a matrix is taken from; null where a file has it alone, or neither. What the predictor's file has goes first, in either form.
    /// </summary>
    private TensorInfo? FindFlat(DeclaredMatrix wanted, FlatPart flat, int layer)
    {
        if (wanted.OfPolicy && _predictor is { } predictor)
        {
            if (predictor.TryGetTensor(wanted.NameIn(predictor.Format, layer), out _))
            {
                return null;
            }

            if (predictor.TryGetTensor(flat.NameIn(predictor.Format), out TensorInfo? own))
            {
                _usedOfPredictor.Add(own.Name);
                return own;
            }
        }

        if (_file.TryGetTensor(NameOf(wanted, layer), out _) || !_file.TryGetTensor(_facts.NameOf(flat.NameIn(_file.Format)), out TensorInfo? whole))
        {
            return null;
        }

        _used.Add(whole.Name);
        return whole;
    }

    /// <summary>A matrix that lies with others in a flat tensor, a vector or a matrix of one row.</summary>
    private FoundTensor? InFlat(DeclaredMatrix wanted, FlatPart flat, TensorInfo whole, WeightType[] types)
    {
        if (whole.Shape.Any(size => size != 1 && size != flat.Elements) || whole.Shape.Count(size => size == flat.Elements) != 1)
        {
            AddOnce($"{Named(whole)} is {FileText.Shape(whole.Shape)}, but {flat.Elements} elements ({flat.ElementsText}) are declared");
            return null;
        }

        if (whole.Weight is not { } stored || Target(stored, types, wanted.Columns, Converts(whole)) is not { } target)
        {
            RefuseType(wanted, whole, whole.Weight, types, wanted.Columns, wanted.ColumnsText);
            return null;
        }

        int block = TensorType.Of(stored).ElementsPerBlock;
        if (wanted.Columns % block != 0)
        {
            AddOnce($"{Named(whole)} is {stored}, whose blocks of {block} do not divide rows of {wanted.Columns} ({wanted.ColumnsText}): store it in another type");
            return null;
        }

        long Bytes(long elements) => elements / block * TensorType.Of(stored).BytesPerBlock;
        return new FoundTensor(whole.Part([wanted.Rows, wanted.Columns], Bytes(flat.First), Bytes((long)wanted.Rows * wanted.Columns)), stored, target);
    }

    private TensorInfo[] PartsOf(TensorInfo tensor)
    {
        if (!_parts.TryGetValue(tensor, out TensorInfo[]? parts))
        {
            _parts[tensor] = parts = tensor.Parts();
        }

        return parts;
    }

    private bool SharesKernel(DeclaredTensor tensor) => tensor is DeclaredMatrix { OfFeedForward: true } || (tensor is DeclaredDown && !_mixesDown);

    /// <summary>The type that the matrices of one feed-forward share, for which their kernel is written: the first one's.</summary>
    private WeightType CommonType(IEnumerable<DeclaredTensor> tensors, int layer)
    {
        WeightType? common = null;
        WeightType[] types = [];
        foreach (Place place in tensors.SelectMany(tensor => OfExperts(tensor, layer)))
        {
            (DeclaredTensor wanted, _, int expert) = place;
            types = Declared(wanted);
            TensorInfo? tensor = FindPrepared(wanted, layer);
            if (tensor is null && !_file.TryGetTensor(NameOf(wanted, layer, expert), out tensor))
            {
                continue;
            }

            TensorInfo one = wanted.Experts > 0 && tensor.Shape.Count > 2 ? PartsOf(tensor)[0] : tensor;
            WeightType type = Target(tensor.Weight ?? PreparedTensors.BlockTypeOf(one), types, Columns(wanted), _options.ConvertWeights) ?? types[0];
            if (common is { } first && first != type && !_options.ConvertWeights)
            {
                _unlike.Add(tensor.Name);
                _problems.Add($"tensor {FileText.Quote(tensor.Name)} is {type}, but another matrix of the same feed-forward is {first}: they share a kernel, so store them alike, or load with LoadOptions.ConvertWeights");
            }

            common ??= type;
        }

        return common ?? types[0];
    }

    /// <summary>A tensor once for each in the file.</summary>
    private IEnumerable<Place> OfExperts(DeclaredTensor wanted, int layer) =>
        Enumerable.Range(0, wanted.IsStackedIn(_file.Format) ? 1 : Math.Max(1, wanted.Experts)).Select(expert => new Place(wanted, layer, expert));

    /// <summary>
    /// Adds to each missing tensor the name that was probably meant. When all tensors were looked up: one that has a place of its own, such as
    /// the same matrix of the next layer, is never what was meant.
    /// </summary>
    private void NameClosest()
    {
        string[] unused =
        [
            .. _file.Tensors.Select(tensor => tensor.Name).Where(name => !_used.Contains(name)),
            .. (_predictor?.Tensors ?? []).Select(tensor => tensor.Name).Where(name => !_usedOfPredictor.Contains(name)),
        ];
        var finder = new ClosestName();
        foreach ((int problem, string name) in _missing.Where(missing => missing.Problem < ModelLoader.MaxProblems))
        {
            if (finder.FindNext(name, unused) is { } closest)
            {
                _problems[problem] += $"; the closest is {FileText.Quote(closest)}";
            }
        }
    }

    private string NameOf(DeclaredTensor wanted, int layer, int expert = 0) => _facts.NameOf(wanted.NameIn(_file.Format, layer, expert));

    /// <summary>Whether a file that was looked into has all experts' in one tensor.</summary>
    private bool MayBeStacked(DeclaredTensor wanted) =>
        wanted.IsStackedIn(_file.Format) || (wanted.OfPolicy && _predictor is { } predictor && wanted.IsStackedIn(predictor.Format));

    /// <summary>Whether a tensor that was looked up holds all experts' matrices or vectors: by the kind of file that it is in.</summary>
    private bool IsStacked(DeclaredTensor wanted, TensorInfo tensor) => wanted.IsStackedIn((IsOfPredictor(tensor) ? _predictor! : _file).Format);

    private bool IsOfPredictor(TensorInfo tensor) => _predictor?.TryGetTensor(tensor.Name, out TensorInfo? own) == true && ReferenceEquals(own, tensor);

    /// <summary>A tensor in messages, which name the model's file once.</summary>
    private string Named(TensorInfo tensor) => $"tensor {FileText.Quote(tensor.Name)}{(IsOfPredictor(tensor) ? $" of {FileText.Quote(tensor.File)}" : "")}";

    /// <summary>Says what is wrong with a tensor, once where several are parts of it.</summary>
    private void AddOnce(string problem)
    {
        if (!_problems.Contains(problem))
        {
            _problems.Add(problem);
        }
    }

    private TensorInfo? Lookup(DeclaredTensor wanted, int layer, int expert, out RowPart? part)
    {
        part = null;
        string name = NameOf(wanted, layer, expert);
        if (wanted.OfPolicy && _predictor?.TryGetTensor(wanted.NameIn(_predictor.Format, layer, expert), out TensorInfo? own) == true)
        {
            _usedOfPredictor.Add(own.Name);
            return own;
        }

        if (_file.TryGetTensor(name, out TensorInfo? tensor))
        {
            _used.Add(name);
            return tensor;
        }

        if (_fused.Of(wanted) is { } some && _file.TryGetTensor(_fused.NameOf(some, layer), out tensor))
        {
            part = some;
            _used.Add(tensor.Name);
            return tensor;
        }

        if (_file.Format == ModelFileFormat.Gguf && PowerInferFiles.OtherName(name) is { } other && _file.TryGetTensor(other, out tensor))
        {
            _used.Add(other);
            return tensor;
        }

        bool isForPredictor = wanted.OfPolicy && _predictor is not null;
        string called = isForPredictor ? wanted.NameIn(_predictor!.Format, layer, expert) : name;
        _missing.Add(new(_problems.Count, called));
        string where = isForPredictor ? $" in {FileText.Quote(_predictor!.Path)}"
            : wanted.OfPolicy && !_isPredictorAskedFor ? $", which a policy wants: {_options.OverrideNames.PredictorFile} brings what sparseinfer calibrate made for it"
            : "";
        _isPredictorAskedFor |= wanted.OfPolicy;
        _problems.Add($"tensor {FileText.Quote(called)} is missing{where}");
        return null;
    }

    private void RefuseType(DeclaredTensor wanted, TensorInfo tensor, WeightType? stored, WeightType[] types, int columns, string columnsText)
    {
        if (_unlike.Contains(tensor.Name))
        {
            return;
        }

        string declared = string.Join(", ", Declared(wanted));
        string ofRole = wanted.Role == WeightRole.None ? "" : $" for WeightRole.{wanted.Role}";
        string add = $"add WeightType.{stored}{(ofRole.Length > 0 ? " there" : "")}";
        AddOnce(stored is null ? $"{Named(tensor)} is {tensor.Type}, which no kernel reads: store it as {declared}{Quantizer(tensor.Type)}"
            : Converts(tensor) ? $"{Named(tensor)} is {stored} in rows of {columns} ({columnsText}), which are no whole blocks of {string.Join(", ", types)}, as [Weights] declares{ofRole}: {add}"
            : $"{Named(tensor)} is {stored}, but [Weights] declares {declared}{ofRole}: {add}, or load with LoadOptions.ConvertWeights");
    }

    /// <summary>A matrix's declared types, whichever of them the matrices of its feed-forward share.</summary>
    private static WeightType[] Declared(DeclaredTensor wanted) => wanted is DeclaredMatrix matrix ? matrix.Types : ((DeclaredDown)wanted).Types;

    /// <summary>What stores a type of ggml's as another.</summary>
    private static string Quantizer(TensorType type) => type is { GgmlId: not null, IsBlock: true } ? ", as 'llama-quantize --allow-requantize' does" : "";

    /// <summary>Whether a tensor may be used in another type than its own: a predictor's file is not the model's, and has its types.</summary>
    private bool Converts(TensorInfo tensor) => _options.ConvertWeights || IsOfPredictor(tensor);

    /// <summary>Weights in a row of a file's matrix.</summary>
    private static int Columns(DeclaredTensor wanted) => wanted is DeclaredMatrix matrix ? matrix.Columns : ((DeclaredDown)wanted).Intermediate;

    /// <summary>
    /// The type a tensor is used in: its own where declared; F32, which holds every other exactly; else, if allowed, the first declared whose blocks divide its rows;
    /// null: none.
    /// </summary>
    private static WeightType? Target(WeightType? stored, WeightType[] types, int columns, bool converts) =>
        stored is not { } type || types.Contains(type) ? stored
        : types.Contains(WeightType.F32) ? WeightType.F32
        : converts ? types.Where(other => columns % TensorType.Of(other).ElementsPerBlock == 0).Select(other => (WeightType?)other).FirstOrDefault()
        : null;

    /// <summary>What was looked up.</summary>
    /// <param name="Tensor">What is wanted.</param>
    /// <param name="Layer">In which layer; 0 outside of layers.</param>
    /// <param name="Expert">Of which expert; 0 where there are none.</param>
    private sealed record Place(DeclaredTensor Tensor, int Layer, int Expert);

    /// <summary>A tensor that the file does not have.</summary>
    /// <param name="Problem">Which problem says so.</param>
    /// <param name="Name">Its name.</param>
    private sealed record Missing(int Problem, string Name);
}
