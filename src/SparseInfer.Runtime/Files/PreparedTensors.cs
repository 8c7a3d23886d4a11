using System.Diagnostics.CodeAnalysis;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Files;

/// <summary>
/// What a prepared GGUF file has in place of, and beside, an ordinary one's tensors, so that nothing is left to do when it is loaded.
/// <list type="bullet">
/// <item><c>blk.N.ffn_down_t.weight</c> for <c>blk.N.ffn_down.weight</c>: neuron-major. Plain types as <c>[intermediate, hidden]</c>, as
/// in PowerInfer's files. Block types, whose blocks run along the neurons, as I8 of the shape <c>[intermediate / 32, bytes a block, hidden]</c>:
/// for 32 neurons a row of half-precision scales, then a row of quants for each neuron (<see cref="DownMatrix"/>).</item>
/// <item><c>blk.N.ffn_down_exps_t.weight</c> for <c>blk.N.ffn_down_exps.weight</c>: the same of all experts, one behind the other.</item>
/// <item><c>blk.N.ffn_gate.signs</c> beside <c>blk.N.ffn_gate.weight</c>, and so for any matrix: its sign bits as I32 of the shape
/// <c>[rows, words]</c>, the first column's in the lowest bit, an even number of words (<see cref="SignPlane"/>).</item>
/// </list>
/// The small files of a folder that it was prepared from are under keys of their own, whole: <see cref="FileKey"/>.
/// Block types and signs need the key <see cref="LayoutKey"/> beside them, which says that this is how they are laid out.
/// </summary>
public static class PreparedTensors
{
    /// <summary>The metadata key, a text, that names the layout.</summary>
    public const string LayoutKey = "sparseinfer.prepared";

    /// <summary>The layout that is written and read: its name, and after the slash its version.</summary>
    public const string Layout = "neuron-major-32/1";

    /// <summary>What names of neuron-major down matrices end in.</summary>
    internal const string DownSuffix = ".ffn_down_t" + Suffix;

    private const string FilePrefix = "sparseinfer.file.";
    private const string Suffix = ".weight";
    private const string OrdinaryDownSuffix = ".ffn_down" + Suffix;
    private const string ExpertsDownSuffix = ".ffn_down_exps" + Suffix;

    /// <summary>
    /// The metadata key, bytes, under which a file prepared from a folder has one of the small files of that folder: <c>tokenizer.json</c>.
    /// </summary>
    /// <param name="name">The small file's name.</param>
    public static string FileKey(string name) => FilePrefix + name;

    /// <summary>The type of sign planes.</summary>
    public static TensorType SignsType { get; } = TensorType.FromSafetensors("I32")!;

    private static TensorType BytesType { get; } = TensorType.FromSafetensors("I8")!;

    /// <summary>The name of the neuron-major form of a down matrix.</summary>
    /// <param name="name">The name in an ordinary file, <c>blk.N.ffn_down.weight</c>.</param>
    /// <param name="down">The name in a prepared file.</param>
    /// <returns>Whether it is a down matrix's name.</returns>
    public static bool TryGetDownName(string name, [NotNullWhen(true)] out string? down)
    {
        ArgumentNullException.ThrowIfNull(name);
        down = name.EndsWith(OrdinaryDownSuffix, StringComparison.Ordinal) ? Transposed(name) : null;
        return down is not null;
    }

    /// <summary>The name of the neuron-major form of all experts' down matrices; null where a name is none of these.</summary>
    internal static string? ExpertsDownName(string name) => name.EndsWith(ExpertsDownSuffix, StringComparison.Ordinal) ? Transposed(name) : null;

    private static string Transposed(string name) => name[..^Suffix.Length] + "_t" + Suffix;

    /// <summary>The type that a neuron-major down matrix is stored as.</summary>
    /// <param name="type">The type of its weights.</param>
    public static TensorType DownType(WeightType type) =>
        TensorType.Of(type) is { ElementsPerBlock: 1 } plain ? plain : BytesType;

    /// <summary>The shape that a neuron-major down matrix is stored in.</summary>
    /// <param name="type">The type of its weights.</param>
    /// <param name="intermediate">Number of neurons.</param>
    /// <param name="hidden">Number of columns.</param>
    public static long[] DownShape(WeightType type, int intermediate, int hidden)
    {
        TensorType stored = TensorType.Of(type);
        return stored.ElementsPerBlock == 1
            ? [intermediate, hidden]
            : [(intermediate + stored.ElementsPerBlock - 1) / stored.ElementsPerBlock, stored.BytesPerBlock, Padding.Pad(hidden)];
    }

    /// <summary>The name of the sign plane of a matrix.</summary>
    /// <param name="name">The matrix's, <c>blk.N.ffn_gate.weight</c>.</param>
    /// <exception cref="ArgumentException">The name does not end in <c>.weight</c>.</exception>
    public static string SignsName(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return name.EndsWith(Suffix, StringComparison.Ordinal)
            ? name[..^Suffix.Length] + ".signs"
            : throw new ArgumentException($"{FileText.Quote(name)} does not end in '{Suffix}'.", nameof(name));
    }

    /// <summary>The shape of a sign plane.</summary>
    /// <param name="rows">Rows of the matrix.</param>
    /// <param name="columns">Columns of the matrix.</param>
    public static long[] SignsShape(int rows, int columns) => [rows, 2 * Signs.WordsPerRow(columns)];

    /// <summary>The weight type of a neuron-major down matrix in blocks; null where a tensor is no such thing.</summary>
    internal static WeightType? BlockTypeOf(TensorInfo tensor) => tensor.Type != BytesType || tensor.Shape.Count != 3 ? null
        : Enum.GetValues<WeightType>().Select(type => (WeightType?)type).FirstOrDefault(
            type => TensorType.Of(type!.Value) is { ElementsPerBlock: > 1 } stored && stored.BytesPerBlock == tensor.Shape[1]);
}
