using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Formats;

/// <summary>
/// Quants of four, five or six bits, a block in a load, that device functions take apart into 32 unsigned bytes. The other factor is rounded to a byte;
/// what quants have too much, and minima, meet the sums of those bytes: of two halves of 16, in one word.
/// </summary>
/// <param name="isSplit">Whether 16 weights have a scale of their own; else 32 have.</param>
/// <param name="hasMinimum">Whether a minimum is taken off.</param>
internal sealed class QuantArithmetic(string kernels, bool isSplit, bool hasMinimum) : NibbleArithmetic(kernels, excess: 0)
{
    public override bool Unpacks => true;

    public override string LoadType => "QuantBytes";

    public override string ScaleType => "QuantScale";

    public override string FourRowsType => "FourQuants";

    public override int NeuronParts => isSplit ? 2 : 1;

    public override string StartOfInput => "inputSums";

    public override string StartOfActivations => "sums";

    public override string Load(string view, string row, string load, int loads) => Load(view, row, load, $"{loads}");

    public override string Scale(string view, string row, string load) => $"{Kernels}.Scale({view}, {row}, {load})";

    public override void EmitInputExcess(CodeWriter code)
    {
        code.Line("int ofQuad = inputQuants.X + inputQuants.Y + inputQuants.Z + inputQuants.W;");
        code.Line($"int inputSums = Lanes.SumOfEight({Kernels}.Sums(ofQuad, (lane & 4) != 0));");
    }

    public override void EmitActivation(CodeWriter code, string place, int upper) =>
        code.Line($"int sums = Lanes.Sum({Kernels}.Sums(quant, lane >= 16));");

    public override string FirstOfFour(int j) => "default";

    public override string DownRow(string words) => words;

    public override string DownLoad(string row, string word) => Load("w.Down", row, word, "RowWords");

    public override void EmitScaledOfFours(CodeWriter code, string word, int columns)
    {
        EmitPart(code);
        code.Line($"int sum = {Kernels}.SumOfPart(step, part);");
        code.Line($"int firstQuad = {word} * 8;");
        for (int j = 0; j < 8; j++)
        {
            code.Line($"{Kernels}.AddScaled({Columns(j == 0 ? "firstQuad" : $"firstQuad + {j}")}, t{j}, sum, step.Step, ref y{j});");
        }
    }

    public override void EmitDownViews(CodeWriter code, DownNames names) => EmitQuad(code);

    public override void EmitFirst(CodeWriter code, int tokens)
    {
        code.Line($"Int4 {List(tokens, t => $"lower{t} = default")};");
        code.Line($"Int4 {List(tokens, t => $"upper{t} = default")};");
    }

    public override void EmitTurned(CodeWriter code, DownNames names)
    {
        foreach (string row in new[] { "X", "Y", "Z", "W" })
        {
            code.Line($"Words2 down{row} = {Kernels}.LoadWord({names.Words}, (int)rows.{row}, word, {names.RowWords});");
        }

        code.Line("Words4 lowerColumns = Bytes.Turn(downX.X, downY.X, downZ.X, downW.X);");
        code.Line("Words4 upperColumns = Bytes.Turn(downX.Y, downY.Y, downZ.Y, downW.Y);");
    }

    public override void EmitAdd(CodeWriter code, int token, string low, string high)
    {
        code.Line($"uint h{token} = {low};");
        code.Line($"{Kernels}.AddColumns(lowerColumns, h{token}, ref lower{token});");
        code.Line($"{Kernels}.AddColumns(upperColumns, h{token}, ref upper{token});");
    }

    public override void EmitScaled(CodeWriter code, DownNames names, int tokens)
    {
        EmitPart(code);
        code.Line($"QuantColumns lowerScales = {Columns(names.Scales, "quad", names.Quads)};");
        code.Line($"QuantColumns upperScales = {Columns(names.Scales, "quad + 4", names.Quads)};");
        for (int t = 0; t < tokens; t++)
        {
            code.Line($"int sum{t} = {Kernels}.SumOfPart(step{t}, part);");
            code.Line($"{Kernels}.AddScaled(lowerScales, lower{t}, sum{t}, step{t}.Step, ref lowerY{t});");
            code.Line($"{Kernels}.AddScaled(upperScales, upper{t}, sum{t}, step{t}.Step, ref upperY{t});");
        }
    }

    public override int NeuronRows => isSplit || hasMinimum ? 2 : 1;

    public override string RowOfScales(string half, int quads) => isSplit
        ? $"(({half} * {2 * quads}) + ((step & 1) * {quads}))"
        : $"({half} * {NeuronRows * quads})";

    public override string Scaled(string value, string scales, string place, int quads) => hasMinimum
        ? $"{Kernels}.WidenDown({value}, {scales}[{place}], {scales}[{(place == "0" ? $"{quads}" : place.Contains(' ') ? $"({place}) + {quads}" : $"{place} + {quads}")}])"
        : base.Scaled(value, scales, place, quads);

    public override string ScaleOfColumns(int j, int k) => isSplit ? $"scale{(2 * k) + j}.Scale" : $"scale{j}.{(k == 0 ? "Scale" : "Minimum")}";

    /// <summary>Writes which of the neurons that share scales they are.</summary>
    private void EmitPart(CodeWriter code) => code.Line($"int part = (first / {32 / NeuronParts}) + block;");

    private string Columns(string quad) => Columns("w.DownScales", quad, "HiddenQuads");

    private string Columns(string scales, string quad, string quads) => $"{Kernels}.Columns({scales}, part, {quad}, {quads})";

    private string Load(string view, string row, string load, string loads) => $"{Kernels}.Load({view}, {row}, {load}, {loads})";
}
