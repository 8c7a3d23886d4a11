using System.Runtime.CompilerServices;
using SparseInfer.Files;
using SparseInfer.Kernels.Cpu;
using SparseInfer.Loading;

namespace SparseInfer.Runtime;

/// <summary>
/// Hands a generated program its weights. A program's Bind runs twice: first everything is checked and every fault collected,
/// with nothing read; then, if there was none, weights are prepared.
/// </summary>
public sealed partial class WeightBinder
{
    private readonly ModelFile _file;
    private readonly LoadOptions _options;
    private readonly NativeMemoryPool _memory;
    private readonly List<string> _problems;
    private readonly List<string> _notes;
    private readonly bool _checking;
    private readonly HashSet<string> _used = new(StringComparer.Ordinal);
    private readonly HashSet<WeightType> _converted = [];
    private readonly List<Action<NativeMemoryPool>> _after = [];
    private readonly List<(int Problem, string Name)> _missing = [];
    private readonly HashSet<string> _unlike = [];
    private readonly long _bytesTotal;
    private long _bytesDone;

    internal WeightBinder(ModelFile file, LoadOptions options, NativeMemoryPool memory, List<string> problems, List<string> notes, WeightBinder? check = null)
    {
        _file = file;
        _options = options;
        _memory = memory;
        _problems = problems;
        _notes = notes;
        _checking = check is null;
        _bytesTotal = check?._bytesDone ?? 0;
    }

    internal int TensorCount => _used.Count;

    internal long Bytes => _bytesDone;

    internal IReadOnlySet<string> Used => _used;

    /// <summary>A matrix.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="rows">Declared number of rows.</param>
    /// <param name="columns">Declared number of columns.</param>
    /// <param name="types">Declared weight types, the preferred first.</param>
    /// <param name="rowsText">What declared the rows.</param>
    /// <param name="columnsText">What declared the columns.</param>
    public StoredMatrix Matrix(
        TensorName name,
        int rows,
        int columns,
        ReadOnlySpan<WeightType> types,
        [CallerArgumentExpression(nameof(rows))] string rowsText = "",
        [CallerArgumentExpression(nameof(columns))] string columnsText = "")
    {
        TensorInfo? signs = FindSigns(name, rows, columns);
        if (Find(name, rows, columns, rowsText, columnsText, types, out WeightType type) is not { } source)
        {
            return default;
        }

        WeightMatrix matrix = WeightFormat.For(type).Pack(source.Address, rows, columns, out NativeBuffer? owner);
        StoredMatrix stored = Store(source, type, matrix, owner);
        OfferSigns(signs, source.Tensor, stored);
        return stored;
    }

    /// <summary>A query or key matrix, its rows in the order that the program's rotary embedding wants.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="rows">Declared number of rows: heads x head dimension.</param>
    /// <param name="columns">Declared number of columns.</param>
    /// <param name="headDimension">Rows a head.</param>
    /// <param name="rotaryDimensions">Rotated rows of a head.</param>
    /// <param name="pairing">Which rows the program turns together.</param>
    /// <param name="types">Declared weight types, the preferred first.</param>
    /// <param name="rowsText">What declared the rows.</param>
    /// <param name="columnsText">What declared the columns.</param>
    public StoredMatrix RotaryMatrix(
        TensorName name,
        int rows,
        int columns,
        int headDimension,
        int rotaryDimensions,
        RopePairing pairing,
        ReadOnlySpan<WeightType> types,
        [CallerArgumentExpression(nameof(rows))] string rowsText = "",
        [CallerArgumentExpression(nameof(columns))] string columnsText = "")
    {
        if (!Reorders(pairing))
        {
            return Matrix(name, rows, columns, types, rowsText, columnsText);
        }

        if (Find(name, rows, columns, rowsText, columnsText, types, out WeightType type) is not { } source)
        {
            return default;
        }

        int[] order = WeightPacking.InterleavedFromHalfSplit(rows, headDimension, rotaryDimensions);
        return Store(source, type, WeightFormat.For(type).PackPermuted(source.Address, rows, columns, order, out NativeBuffer owner), owner);
    }

    /// <summary>
    /// The down matrix of a feed-forward, neuron-major: stored so by a file that was prepared (<see cref="PreparedTensors"/>), else prepared
    /// from [hidden x intermediate].
    /// </summary>
    /// <param name="name">Its name.</param>
    /// <param name="hidden">Declared width.</param>
    /// <param name="intermediate">Declared number of neurons.</param>
    /// <param name="type">The weight type of the layer's kernel.</param>
    /// <param name="rowsText">What declared the width.</param>
    /// <param name="columnsText">What declared the number of neurons.</param>
    public DownMatrix Down(
        TensorName name,
        int hidden,
        int intermediate,
        WeightType type,
        [CallerArgumentExpression(nameof(hidden))] string rowsText = "",
        [CallerArgumentExpression(nameof(intermediate))] string columnsText = "")
    {
        if (FindPrepared(name) is { } prepared)
        {
            return PreparedDown(name, prepared, hidden, intermediate, type, rowsText, columnsText);
        }

        if (Find(name, hidden, intermediate, rowsText, columnsText, [type], out _) is not { } source)
        {
            return default;
        }

        DownMatrix down = WeightFormat.For(type).PackDown(source.Address, hidden, intermediate, out NativeBuffer owner);
        _memory.Own(owner);
        source.Converted?.Dispose();
        source.Tensor.Release();
        Report(source.Tensor);
        return down;
    }

    /// <summary>A norm's weights or a bias, widened to F32 and padded with zeros to whole vectors.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="length">Declared number of elements.</param>
    /// <param name="lengthText">What declared it.</param>
    public float[] Vector(TensorName name, int length, [CallerArgumentExpression(nameof(length))] string lengthText = "")
    {
        if (Lookup(name) is not { } tensor)
        {
            return [];
        }

        if (tensor.Shape.Count != 1 || tensor.Shape[0] != length)
        {
            Problem($"tensor {FileText.Quote(tensor.Name)} is {FileText.Shape(tensor.Shape)}, but {length} ({lengthText}) is declared");
            return [];
        }

        if (tensor.Weight is not (WeightType.F32 or WeightType.F16 or WeightType.BF16))
        {
            Problem($"tensor {FileText.Quote(tensor.Name)} is {tensor.Type}; norms and biases must be F32, F16 or BF16");
            return [];
        }

        Count(tensor);
        if (_checking)
        {
            return [];
        }

        WeightFormat format = WeightFormat.For(tensor.Weight.Value);
        FiniteCheck.Require(tensor, 1, length);
        float[] vector = new float[(length + 31) / 32 * 32];
        format.Decode(tensor.Bytes, vector.AsSpan(0, length));
        Report(tensor);
        return vector;
    }

    /// <summary>A query or key bias, in the order of <see cref="RotaryMatrix"/>'s rows.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="length">Declared number of elements: heads x head dimension.</param>
    /// <param name="headDimension">Elements a head.</param>
    /// <param name="rotaryDimensions">Rotated elements of a head.</param>
    /// <param name="pairing">Which elements the program turns together.</param>
    /// <param name="lengthText">What declared the length.</param>
    public float[] RotaryVector(
        TensorName name, int length, int headDimension, int rotaryDimensions, RopePairing pairing, [CallerArgumentExpression(nameof(length))] string lengthText = "")
    {
        float[] vector = Vector(name, length, lengthText);
        if (vector.Length == 0 || !Reorders(pairing))
        {
            return vector;
        }

        float[] ordered = new float[vector.Length];
        int[] order = WeightPacking.InterleavedFromHalfSplit(length, headDimension, rotaryDimensions);
        for (int i = 0; i < length; i++)
        {
            ordered[i] = vector[order[i]];
        }

        return ordered;
    }

    /// <summary>The type that the matrices of one feed-forward share: its kernel is written for one type.</summary>
    /// <param name="names">Names of its matrices.</param>
    /// <param name="types">Declared weight types, the preferred first.</param>
    public WeightType CommonType(ReadOnlySpan<TensorName> names, ReadOnlySpan<WeightType> types)
    {
        WeightType? common = null;
        foreach (TensorName name in names)
        {
            TensorInfo? tensor = FindPrepared(name);
            if (tensor is null && !_file.TryGetTensor(Name(name), out tensor))
            {
                continue;
            }

            WeightType type = Target(tensor.Weight ?? PreparedTensors.BlockTypeOf(tensor), types) ?? types[0];
            if (common is { } first && first != type)
            {
                _unlike.Add(tensor.Name);
                Problem($"tensor {FileText.Quote(tensor.Name)} is {type}, but another matrix of the same feed-forward is {first}: they share a kernel, so store them alike");
            }

            common ??= type;
        }

        return common ?? types[0];
    }

    /// <summary>Runs an action when all matrices are there: what policies prepare from them.</summary>
    /// <param name="prepare">Gets the pool that owns what it allocates.</param>
    public void AfterPacking(Action<NativeMemoryPool> prepare)
    {
        if (!_checking)
        {
            _after.Add(prepare);
        }
    }

    /// <summary>
    /// Adds to each missing tensor the name that was probably meant. Called when all tensors were looked up: one that has a place of its
    /// own, such as the same matrix of the next layer, is never what was meant.
    /// </summary>
    internal void NameClosest()
    {
        string[] unused = [.. _file.Tensors.Select(tensor => tensor.Name).Where(name => !_used.Contains(name))];
        var finder = new ClosestName();
        foreach ((int problem, string name) in _missing.Where(missing => missing.Problem < ModelLoader.MostProblems))
        {
            if (finder.FindNext(name, unused) is { } closest)
            {
                _problems[problem] += $"; the closest is {FileText.Quote(closest)}";
            }
        }
    }

    internal void Finish()
    {
        try
        {
            ParallelLoop.For(0, _after.Count, i => _after[i](_memory));
        }
        catch (InvalidDataException wrong)
        {
            throw Refuse(wrong);
        }
    }

    private readonly record struct Source(nint Address, NativeBuffer? Converted, TensorInfo Tensor);

    private string Name(TensorName name) => _file.Format == ModelFileFormat.Gguf ? name.Gguf : name.HuggingFace;

    private bool Reorders(RopePairing pairing) => _file.Format == ModelFileFormat.Safetensors && pairing == RopePairing.Interleaved;

    private TensorInfo? Lookup(TensorName name)
    {
        string wanted = Name(name);
        if (_file.TryGetTensor(wanted, out TensorInfo? tensor))
        {
            _used.Add(wanted);
            return tensor;
        }

        if (_checking)
        {
            _missing.Add((_problems.Count, wanted));
            Problem($"tensor {FileText.Quote(wanted)} is missing");
        }

        return null;
    }

    /// <summary>Checks a matrix and finds its bytes, converted if need be. Null while checking, or where something is wrong.</summary>
    private Source? Find(TensorName name, int rows, int columns, string rowsText, string columnsText, ReadOnlySpan<WeightType> types, out WeightType type)
    {
        type = types[0];
        if (Lookup(name) is not { } tensor)
        {
            return null;
        }

        if (tensor.Shape.Count != 2 || tensor.Shape[0] != rows || tensor.Shape[1] != columns)
        {
            Problem($"tensor {FileText.Quote(tensor.Name)} is {FileText.Shape(tensor.Shape)}, but [{rows}, {columns}] ({rowsText} x {columnsText}) is declared");
            return null;
        }

        if (Target(tensor.Weight, types) is not { } target)
        {
            RefuseType(tensor, tensor.Weight, types);
            return null;
        }

        Count(tensor);
        type = target;
        if (_checking)
        {
            return null;
        }

        WeightFormat format = WeightFormat.For(tensor.Weight!.Value);
        FiniteCheck.Require(tensor, rows, columns);
        if (target == tensor.Weight)
        {
            return new Source(tensor.Address, null, tensor);
        }

        NativeBuffer converted = format.ConvertTo(WeightFormat.For(target), tensor.Address, rows, columns);
        NoteConversion(tensor, tensor.Weight.Value, target, converted, rows, columns);
        return new Source(converted.Address, converted, tensor);
    }

    private void RefuseType(TensorInfo tensor, WeightType? stored, ReadOnlySpan<WeightType> types)
    {
        if (_unlike.Contains(tensor.Name))
        {
            return;
        }

        string declared = string.Join(", ", types.ToArray());
        Problem(stored is not null
            ? $"tensor {FileText.Quote(tensor.Name)} is {stored}, but [Weights] declares {declared}: add WeightType.{stored}, or load with LoadOptions.ConvertWeights"
            : $"tensor {FileText.Quote(tensor.Name)} is {tensor.Type}, which no kernel reads: store it as {declared}");
    }

    private void NoteConversion(TensorInfo tensor, WeightType stored, WeightType target, NativeBuffer converted, int rows, int columns)
    {
        if (_converted.Add(stored))
        {
            _notes.Add($"{stored} weights were converted to {target}.");
        }

        if (FiniteCheck.Find(WeightFormat.For(target), converted.Address, rows, columns) is { } place)
        {
            converted.Dispose();
            throw FiniteCheck.TooLarge(tensor, target, place);
        }
    }

    /// <summary>The type a tensor is used in: its own where declared; F32, which holds every other exactly; else, if allowed, the first declared.</summary>
    private WeightType? Target(WeightType? stored, ReadOnlySpan<WeightType> types)
    {
        if (stored is not { } type || types.Contains(type))
        {
            return stored;
        }

        return types.Contains(WeightType.F32) ? WeightType.F32 : _options.ConvertWeights ? types[0] : null;
    }

    private StoredMatrix Store(Source source, WeightType type, WeightMatrix matrix, NativeBuffer? owner)
    {
        if (owner is not null)
        {
            _memory.Own(owner);
            source.Converted?.Dispose();
        }
        else
        {
            _memory.Own(source.Converted);
        }

        if ((owner ?? source.Converted) is not null)
        {
            source.Tensor.Release(); // what is used is a copy: nothing is to be resident twice
        }
        else
        {
            UsedInPlace(source.Address, source.Tensor);
        }

        Report(source.Tensor);
        return new StoredMatrix(matrix, type);
    }

    private void Count(TensorInfo tensor) => _bytesDone += tensor.ByteLength;

    private void Report(TensorInfo tensor) => _options.Progress?.Report(new LoadProgress(tensor.Name, _bytesDone, _bytesTotal));

    private void Problem(string problem)
    {
        if (_checking)
        {
            _problems.Add(problem);
        }
    }
}
