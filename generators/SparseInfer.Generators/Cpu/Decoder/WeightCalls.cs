using SparseInfer.Generators.Emit;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Cpu;

/// <summary>
/// How generated code calls a primitive for a matrix: straight, where its role has one weight type; through a small
/// switch that is emitted with it, where a file may mix several.
/// </summary>
/// <param name="types">The role's.</param>
/// <param name="suffix">What follows the names of the switches, where roles have several of several types.</param>
internal sealed class WeightCalls(EquatableArray<WeightType> types, string suffix)
{
    public EquatableArray<WeightType> Types => types;

    public bool Single => types.Count == 1;

    /// <summary>A worker's input as dot products want it: where a file may mix types, once for each.</summary>
    public IEnumerable<string> Inputs => Single ? ["prepared"] : types.Select(type => $"prepared{type}");

    public string FieldType => Single ? "WeightMatrix" : "StoredMatrix";

    public string Bind(string call) => Single ? call + ".Weights" : call;

    /// <summary>
    /// Writes how <paramref name="source"/> becomes each of <see cref="Inputs"/>. Declares or sets <paramref name="undo"/>, or one
    /// for each.
    /// </summary>
    public void EmitPrepare(CodeWriter code, string undo, string source, string padded)
    {
        if (Single)
        {
            code.Line($"{undo} = {types[0]}.PrepareInput(ref {source}, ref prepared, {padded});");
            return;
        }

        foreach (WeightType type in types)
        {
            code.Line($"{undo}{type} = {type}.PrepareInput(ref {source}, ref prepared{type}, {padded});");
        }
    }

    /// <summary>The variables that <see cref="EmitPrepare"/> sets, where it does so inside a loop.</summary>
    public void EmitUndo(CodeWriter code)
    {
        foreach (string undo in Single ? ["undo"] : types.Select(type => $"undo{type}"))
        {
            code.Line($"float {undo} = 0f;");
        }
    }

    /// <summary>One vector, as <see cref="EmitPrepare"/> left it.</summary>
    public string Multiply(string matrix, string from, string to, string padded, string y)
    {
        string rows = $"in {matrix}, {from}, {to}, {padded}";
        return Single
            ? $"MatrixVector.Multiply<{types[0]}>({rows}, ref prepared, undo, ref {y});"
            : $"Multiply{suffix}({rows}, {string.Join(", ", types.Select(type => $"ref prepared{type}, undo{type}"))}, ref {y});";
    }

    /// <summary>The same of rows on a list.</summary>
    public string MultiplyListed(string matrix, string rows, string count, string padded, string y)
    {
        string listed = $"in {matrix}, {rows}, {count}, {padded}";
        return Single
            ? $"MatrixVector.MultiplyListed<{types[0]}>({listed}, ref prepared, undo, ref {y});"
            : $"MultiplyListed{suffix}({listed}, {string.Join(", ", types.Select(type => $"ref prepared{type}, undo{type}"))}, ref {y});";
    }

    /// <summary>A batch of vectors as they are.</summary>
    /// <param name="x">The inputs: the first, their distance, their number.</param>
    /// <param name="y">The outputs: the first, their distance.</param>
    public string MultiplyBatch(string matrix, string from, string to, string padded, string x, string y)
    {
        string arguments = $"in {matrix}, {from}, {to}, {padded}, {x}, {y}, panel";
        return Single ? $"MatrixMatrix.Multiply<{types[0]}>({arguments});" : $"Multiply{suffix}({arguments});";
    }

    /// <summary>Writes how a batch of vectors is packed for several <see cref="MultiplyPacked"/>: once, where these are of one type.</summary>
    public void EmitPack(CodeWriter code, string padded, string x)
    {
        if (Single)
        {
            code.Line($"MatrixMatrix.Pack<{types[0]}>({padded}, {x}, panel);");
        }
    }

    /// <summary>As <see cref="MultiplyBatch"/>, with the vectors that <see cref="EmitPack"/> packed, if it did.</summary>
    public string MultiplyPacked(string matrix, string from, string to, string padded, string x, string y) => Single
        ? $"MatrixMatrix.MultiplyPacked<{types[0]}>(in {matrix}, {from}, {to}, {padded}, tokens, {y}, panel);"
        : MultiplyBatch(matrix, from, to, padded, x, y);

    /// <summary>The type of a matrix with a row for each input channel.</summary>
    public string ChannelType => Single ? "DownMatrix" : "StoredChannels";

    /// <summary>The slices of the channels that are kept, as sums of a worker.</summary>
    /// <param name="scratch">The lists of channels, and the sums.</param>
    /// <param name="first">Where the matrix's outputs begin in a sum.</param>
    public string AccumulateChannels(string matrix, string scratch, string first) => Single
        ? $"OrderedDown.AccumulateChannels<{types[0]}>(in {matrix}, {scratch}, worker, {first});"
        : $"AccumulateChannels{suffix}(in {matrix}, {scratch}, worker, {first});";

    /// <summary>A batch of vectors as they are, times a matrix with a row for each channel.</summary>
    /// <param name="slices">How the channels are divided.</param>
    /// <param name="x">The inputs: the first, their distance, their number.</param>
    /// <param name="y">The outputs: the first, their distance.</param>
    public string MultiplyChannels(string matrix, string slices, string x, string y, string from, string to)
    {
        string arguments = $"in {matrix}, {slices}, {x}, {y}, {from}, {to}, panel";
        return Single ? $"OrderedDown.Multiply<{types[0]}>({arguments});" : $"MultiplyChannels{suffix}({arguments});";
    }

    /// <summary>The switches that projections go through whose input's channels are chosen, where there are several types.</summary>
    public void EmitChannels(CodeWriter code)
    {
        if (Single)
        {
            return;
        }

        code.Line();
        using (code.Block($"private static void AccumulateChannels{suffix}(in StoredChannels w, ChannelScratch scratch, int worker, int first)"))
        {
            WeightSwitch.Emit(code, "w.Type", types, type => code.Line($"OrderedDown.AccumulateChannels<{type}>(w.Weights, scratch, worker, first);"));
        }

        code.Line();
        using (code.Block(
            $"private static void MultiplyChannels{suffix}(in StoredChannels w, NeuronSlices slices, ref float x, int xStride, int tokens, "
            + "ref float y, int yStride, int from, int to, Span<float> panel)"))
        {
            WeightSwitch.Emit(code, "w.Type", types, type => code.Line($"OrderedDown.Multiply<{type}>(w.Weights, slices, ref x, xStride, tokens, ref y, yStride, from, to, panel);"));
        }
    }

    public string Widen(string matrix, string row, string destination) => Single
        ? $"EmbeddingRow.Widen<{types[0]}>(in {matrix}, {row}, ref {destination}, PaddedHidden);"
        : $"Widen{suffix}(in {matrix}, {row}, ref {destination});";

    public string AddWidened(string matrix, string row, string x) => Single
        ? $"EmbeddingRow.AddWidened<{types[0]}>(in {matrix}, {row}, ref {x}, PaddedHidden);"
        : $"AddWidened{suffix}(in {matrix}, {row}, ref {x});";

    /// <summary>The switches that products go through, where there are several types.</summary>
    public void EmitProducts(CodeWriter code)
    {
        if (Single)
        {
            return;
        }

        string inputs = string.Join(", ", types.Select(type => $"ref float prepared{type}, float undo{type}"));
        code.Line();
        using (code.Block($"private static void Multiply{suffix}(in StoredMatrix w, int from, int to, int padded, {inputs}, ref float y)"))
        {
            WeightSwitch.Emit(code, "w.Type", types, type => code.Line($"MatrixVector.Multiply<{type}>(w.Weights, from, to, padded, ref prepared{type}, undo{type}, ref y);"));
        }

        code.Line();
        using (code.Block(
            $"private static void Multiply{suffix}(in StoredMatrix w, int from, int to, int padded, ref float x, int xStride, int tokens, "
            + "ref float y, int yStride, Span<float> panel)"))
        {
            WeightSwitch.Emit(code, "w.Type", types, type => code.Line($"MatrixMatrix.Multiply<{type}>(w.Weights, from, to, padded, ref x, xStride, tokens, ref y, yStride, panel);"));
        }
    }

    /// <summary>The switch that products of listed rows go through, where there are several types.</summary>
    public void EmitListed(CodeWriter code)
    {
        if (Single)
        {
            return;
        }

        string inputs = string.Join(", ", types.Select(type => $"ref float prepared{type}, float undo{type}"));
        code.Line();
        using (code.Block($"private static void MultiplyListed{suffix}(in StoredMatrix w, ReadOnlySpan<int> rows, int count, int padded, {inputs}, ref float y)"))
        {
            WeightSwitch.Emit(code, "w.Type", types, type => code.Line($"MatrixVector.MultiplyListed<{type}>(w.Weights, rows, count, padded, ref prepared{type}, undo{type}, ref y);"));
        }
    }

    /// <summary>The switches that rows of a table go through, where there are several types.</summary>
    /// <param name="addsRows">Whether rows of a table are added.</param>
    public void EmitRows(CodeWriter code, bool addsRows)
    {
        if (Single)
        {
            return;
        }

        code.Line();
        using (code.Block($"private static void Widen{suffix}(in StoredMatrix w, int row, ref float destination)"))
        {
            WeightSwitch.Emit(code, "w.Type", types, type => code.Line($"EmbeddingRow.Widen<{type}>(w.Weights, row, ref destination, PaddedHidden);"));
        }

        if (addsRows)
        {
            code.Line();
            using (code.Block($"private static void AddWidened{suffix}(in StoredMatrix w, int row, ref float x)"))
            {
                WeightSwitch.Emit(code, "w.Type", types, type => code.Line($"EmbeddingRow.AddWidened<{type}>(w.Weights, row, ref x, PaddedHidden);"));
            }
        }
    }
}
