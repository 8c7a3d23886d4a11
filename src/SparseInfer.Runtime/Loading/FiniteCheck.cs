using SparseInfer.Files;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Loading;

/// <summary>
/// Searches weights for infinities and NaN, which would make 0 * infinity out of a skipped zero. Every weight is read once for this when a
/// model is loaded, so it runs on all processors, as fast as memory is read.
/// </summary>
internal static class FiniteCheck
{
    /// <summary>What a thread takes at once: enough to make starting it worth while.</summary>
    private const int PartBytes = 1 << 20;

    /// <summary>Checks a matrix of a file as it is stored; a vector is one row.</summary>
    /// <exception cref="ModelFormatException">A weight is not finite.</exception>
    public static void Require(TensorInfo tensor, int rows, int columns)
    {
        if (Find(WeightFormat.For(tensor.Weight!.Value), tensor.Address, rows, columns) is { } place)
        {
            throw NotFinite(tensor, place);
        }
    }

    /// <summary>Checks a matrix, or rows of one, as they are stored.</summary>
    /// <param name="found">What it is.</param>
    /// <param name="address">Its first row: the file's, or a copy's.</param>
    /// <param name="rows">Its rows.</param>
    /// <param name="columns">Its columns.</param>
    /// <exception cref="ModelFormatException">A weight is not finite.</exception>
    public static void Require(FoundTensor found, nint address, int rows, int columns)
    {
        if (Find(WeightFormat.For(found.Stored), address, rows, columns) is { } place)
        {
            throw NotFinite(found.Tensor, (found.RowOf(place.Row), place.Column));
        }
    }

    /// <summary>The first weight that is not finite, or the first in a block whose scale is not.</summary>
    public static (int Row, int Column)? Find(WeightFormat format, nint address, int rows, int columns)
    {
        nint rowBytes = format.SourceRowBytes(columns);
        int partRows = (int)Math.Max(1, PartBytes / rowBytes);
        int parts = ((rows - 1) / partRows) + 1; // rows may be near the largest int
        if (parts == 1)
        {
            return format.FirstNonFinite(address, rows, columns);
        }

        var found = new (int Row, int Column)?[parts];
        int first = int.MaxValue;
        ParallelLoop.For(0, parts, part =>
        {
            if (part > Volatile.Read(ref first))
            {
                return; // what lies before is searched still
            }

            int from = part * partRows;
            if (format.FirstNonFinite(address + (from * rowBytes), Math.Min(partRows, rows - from), columns) is { } place)
            {
                found[part] = (from + place.Row, place.Column);
                first = Math.Min(first, part); // may lose to another thread's write: then more is searched than is needed
            }
        });
        return Array.Find(found, place => place is not null);
    }

    public static ModelFormatException NotFinite(TensorInfo tensor, (int Row, int Column) place)
    {
        string what = tensor.Type.IsPlainWeight ? "a weight" : "a block scale";
        return new ModelFormatException(
            tensor.File,
            $"tensor {FileText.Quote(tensor.Name)} has {what} that is not a finite number, at row {place.Row}, column {place.Column}. "
            + "The file is damaged or was converted with an overflow: convert it again.");
    }

    public static ModelFormatException TooLarge(TensorInfo tensor, WeightType target, (int Row, int Column) place) => new(
        tensor.File,
        $"tensor {FileText.Quote(tensor.Name)} has a weight too large for {target}, at row {place.Row}, column {place.Column}: "
        + $"declare WeightType.{Wider(tensor)}.");

    /// <summary>The types that hold a tensor's weights, in words.</summary>
    public static string Wider(TensorInfo tensor) => tensor.Weight == WeightType.F32 ? "F32" : $"{tensor.Weight} or F32";
}
