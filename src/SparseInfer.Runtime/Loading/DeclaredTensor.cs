using System.Globalization;
using System.Runtime.CompilerServices;
using SparseInfer.Files;

namespace SparseInfer.Runtime;

/// <summary>A tensor that a program wants from a file. For generated programs: a program lists them, and asks for each by its description.</summary>
public abstract class DeclaredTensor
{
    private const string Layer = "{layer}";
    private const string Expert = "{expert}";

    private readonly TensorName _name;

    private protected DeclaredTensor(TensorName name)
    {
        _name = name;
        IsOfLayer = name.Gguf.Contains(Layer, StringComparison.Ordinal);
    }

    /// <summary>Whether layers have one each.</summary>
    internal bool IsOfLayer { get; }

    /// <summary>In which layers it is, of those that a policy wants in some; null: in every layer.</summary>
    public Func<int, bool>? InLayer { get; init; }

    /// <summary>Whether a policy wants it: <see cref="LoadOptions.PredictorFile"/> may have it.</summary>
    public bool OfPolicy { get; init; }

    /// <summary>
    /// How many experts of a layer have one each: tensors of their own where the name has a place for the expert's number, else one tensor in which
    /// they lie one behind the other; 0: there are no experts.
    /// </summary>
    public int Experts { get; init; }

    /// <summary>The role whose weight types it has, where the declaration tells roles apart; <see cref="WeightRole.None"/> where it does not.</summary>
    public WeightRole Role { get; init; }

    /// <summary>What declared <see cref="Experts"/>.</summary>
    internal const string ExpertsText = "[Experts] Count";

    /// <summary>Whether a layer has one.</summary>
    internal bool IsIn(int layer) => InLayer?.Invoke(layer) ?? true;

    /// <summary>Its name in a kind of file.</summary>
    internal string NameIn(ModelFileFormat format, int layer, int expert = 0)
    {
        string name = Named(format);
        return IsOfLayer
            ? name.Replace(Layer, layer.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)
                .Replace(Expert, expert.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)
            : name;
    }

    /// <summary>Whether a kind of file has all experts' in one tensor.</summary>
    internal bool IsStackedIn(ModelFileFormat format) => Experts > 0 && !Named(format).Contains(Expert, StringComparison.Ordinal);

    private string Named(ModelFileFormat format) => format == ModelFileFormat.Gguf ? _name.Gguf : _name.HuggingFace;
}

/// <summary>Heads whose rows are rotated in pairs: files may have them in another order than the program.</summary>
/// <param name="HeadDimension">Rows a head.</param>
/// <param name="Dimensions">Rotated rows of a head.</param>
/// <param name="Pairing">Which rows the program turns together.</param>
public sealed record RotaryOrder(int HeadDimension, int Dimensions, RopePairing Pairing);

/// <summary>A matrix, [rows x columns].</summary>
/// <param name="name">Its name; in layers with <c>{layer}</c> for the layer's number.</param>
/// <param name="rows">Declared number of rows.</param>
/// <param name="columns">Declared number of columns.</param>
/// <param name="types">Declared weight types, the preferred first.</param>
/// <param name="rowsText">What declared the rows.</param>
/// <param name="columnsText">What declared the columns.</param>
public sealed class DeclaredMatrix(
    TensorName name,
    int rows,
    int columns,
    WeightType[] types,
    [CallerArgumentExpression(nameof(rows))] string rowsText = "",
    [CallerArgumentExpression(nameof(columns))] string columnsText = "") : DeclaredTensor(name)
{
    /// <summary>The order in which the program wants its rows; null: as they are.</summary>
    public RotaryOrder? Rotary { get; init; }

    /// <summary>Whether it is a layer's feed-forward's, whose matrices share a kernel and therefore a type.</summary>
    public bool OfFeedForward { get; init; }

    internal int Rows { get; } = rows;

    internal int Columns { get; } = columns;

    internal WeightType[] Types { get; } = types;

    internal string RowsText { get; } = rowsText;

    internal string ColumnsText { get; } = columnsText;
}

/// <summary>
/// The down matrix of a feed-forward, [hidden x intermediate] in files, unless they were prepared (<see cref="PreparedTensors"/>): programs have
/// it neuron-major.
/// </summary>
/// <param name="name">Its name, with <c>{layer}</c> for the layer's number.</param>
/// <param name="hidden">Declared width.</param>
/// <param name="intermediate">Declared number of neurons.</param>
/// <param name="types">Declared weight types, the preferred first.</param>
/// <param name="hiddenText">What declared the width.</param>
/// <param name="intermediateText">What declared the number of neurons.</param>
public sealed class DeclaredDown(
    TensorName name,
    int hidden,
    int intermediate,
    WeightType[] types,
    [CallerArgumentExpression(nameof(hidden))] string hiddenText = "",
    [CallerArgumentExpression(nameof(intermediate))] string intermediateText = "") : DeclaredTensor(name)
{
    internal int Hidden { get; } = hidden;

    internal int Intermediate { get; } = intermediate;

    internal WeightType[] Types { get; } = types;

    internal string HiddenText { get; } = hiddenText;

    internal string IntermediateText { get; } = intermediateText;
}

/// <summary>A norm's weights or a bias.</summary>
/// <param name="name">Its name; in layers with <c>{layer}</c> for the layer's number.</param>
/// <param name="length">Declared number of elements.</param>
/// <param name="lengthText">What declared it.</param>
public sealed class DeclaredVector(
    TensorName name, int length, [CallerArgumentExpression(nameof(length))] string lengthText = "") : DeclaredTensor(name)
{
    /// <summary>The order in which the program wants its elements; null: as they are.</summary>
    public RotaryOrder? Rotary { get; init; }

    internal int Length { get; } = length;

    internal string LengthText { get; } = lengthText;
}
