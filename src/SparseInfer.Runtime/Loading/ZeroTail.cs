using SparseInfer.Files;

namespace SparseInfer.Loading;

/// <summary>
/// Recognizes a download that was broken off: the file has its full size from the start, and what has not come yet is zero. Files are read
/// backwards from their ends, to the first byte that is not zero: in a sound one, that is one page.
/// </summary>
internal static class ZeroTail
{
    private const int PieceBytes = 1 << 20;

    /// <summary>Vocabularies are padded to a round number of rows, which may be zero; never by more than this part of them.</summary>
    private const int MaxPadding = 8;

    private static readonly string[] VocabularyMatrices =
        ["token_embd.weight", "output.weight", "model.embed_tokens.weight", "lm_head.weight"];

    /// <summary>What is wrong, or null where every file ends in weights.</summary>
    public static string? Find(ModelFile file, ModelShape shape)
    {
        if (!file.IsFile)
        {
            return null;
        }

        foreach (var tensors in file.Tensors.GroupBy(tensor => tensor.Region))
        {
            foreach (TensorInfo tensor in tensors.Where(tensor => tensor.ByteLength > 0).OrderByDescending(tensor => tensor.Offset))
            {
                long zeros = CountZerosAtEnd(tensor);
                if (Describe(tensor, zeros, shape) is { } fault)
                {
                    string where = file.Path == tensor.File ? "the file" : FileText.Show(Path.GetFileName(tensor.File));
                    return $"{fault}, and so is all that follows in {where}: its download looks unfinished. Download it again, or load with "
                        + "LoadOptions.AllowZeroTail if this is how it was made";
                }

                if (zeros < tensor.ByteLength)
                {
                    break;
                }
            }
        }

        return null;
    }

    /// <summary>What is wrong with a tensor that ends in so many zero bytes. A bias may be zero, and so may the signs of a matrix.</summary>
    private static string? Describe(TensorInfo tensor, long zeros, ModelShape shape)
    {
        bool whole = zeros == tensor.ByteLength;
        if (tensor.Shape.Count < 2)
        {
            return whole && tensor.Name.EndsWith("norm.weight", StringComparison.Ordinal)
                ? $"tensor {FileText.Quote(tensor.Name)} is zero"
                : null;
        }

        if (tensor.Type == PreparedTensors.SignsType)
        {
            return null;
        }

        if (whole)
        {
            return $"tensor {FileText.Quote(tensor.Name)} is zero";
        }

        if (PreparedTensors.BlockTypeOf(tensor) is not null)
        {
            return null; // padded to whole blocks of neurons
        }

        long rows = tensor.ByteLength / RowBytes(tensor);
        long zeroRows = zeros / RowBytes(tensor);
        bool padding = rows == shape.Vocabulary && VocabularyMatrices.Contains(tensor.Name) && zeroRows <= rows / MaxPadding;
        return zeroRows == 0 || padding ? null : $"tensor {FileText.Quote(tensor.Name)} is zero from row {rows - zeroRows} of {rows} on";
    }

    private static long RowBytes(TensorInfo tensor) => tensor.Type.TryGetByteLength(tensor.Shape[^1], out long bytes) ? bytes : tensor.ByteLength;

    private static unsafe long CountZerosAtEnd(TensorInfo tensor)
    {
        byte* start = (byte*)tensor.Address;
        for (long end = tensor.ByteLength; end > 0; end -= Math.Min(end, PieceBytes))
        {
            int length = (int)Math.Min(end, PieceBytes);
            int last = new ReadOnlySpan<byte>(start + end - length, length).LastIndexOfAnyExcept((byte)0);
            if (last >= 0)
            {
                return tensor.ByteLength - (end - length + last + 1);
            }
        }

        return tensor.ByteLength;
    }
}
