using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Formats;

/// <summary>
/// Quants that are signed bytes, 16 in a load. The other factor is rounded to 16 bits; upper bytes lie behind lower ones, and each kind has sums of its
/// own.
/// </summary>
internal sealed class ByteArithmetic(string kernels) : BlockArithmetic(kernels)
{
    /// <summary>Columns that a warp loads at a time, in words of the input.</summary>
    private const int StepWords = 128;

    public override int RoundedBytes => 2;

    public override string[] Sums => ["y"];

    public override string Quad => "word";

    protected override string PlaceOfLoads(DownNames names) => $"((word & 3) * {names.RowWords}) + (word / 4)";

    public override string WordOfStep => "";

    public override string StartOfInput => "0";

    public override string StartOfActivations => "0";

    public override void EmitInputExcess(CodeWriter code)
    {
    }

    public override void EmitInput(CodeWriter code, string i, int columns)
    {
        code.Line(columns / 4 <= StepWords
            ? $"int inputPlace = {i};"
            : $"int inputPlace = ({i} / {StepWords} * {2 * StepWords}) + ({i} & {StepWords - 1});");
        code.Line("inputWords[inputPlace] = Bytes.PackUpper(inputQuants);");
        code.Line($"inputWords[inputPlace + {StepWords}] = Bytes.Pack(inputQuants);");
    }

    public override void EmitActivation(CodeWriter code, string place, int upper) =>
        code.Line($"bytesOfDown[{place} + {upper}] = (byte)(quant >> 8);");

    public override string Activations(int upper) => $"downQuants[four + {upper}], downQuants[four]";

    public override string FirstOfFour(int j) => "default";

    protected override string SumOfFour(int j) => $"BlockStep.Scaled(t{j}, t{j + 4}, step.Step)";

    protected override void EmitQuad(CodeWriter code)
    {
    }

    public override void EmitFirst(CodeWriter code, int tokens)
    {
        code.Line($"Int4 {List(tokens, t => $"upper{t} = default")};");
        code.Line($"Int4 {List(tokens, t => $"lower{t} = default")};");
    }

    public override void EmitAdd(CodeWriter code, int token, string low, string high) =>
        code.Line($"{Kernels}.AddColumns(columns, {high}, {low}, ref upper{token}, ref lower{token});");

    public override void EmitScaled(CodeWriter code, DownNames names, int tokens)
    {
        EmitScale(code, names);
        code.Line("Words2 scalesOfColumns = scales[scale];");
        for (int t = 0; t < tokens; t++)
        {
            code.Line($"BlockScales.AddScaled(scalesOfColumns, BlockStep.Scaled(upper{t}, lower{t}, step{t}.Step), ref y{t});");
        }
    }

    public override void EmitPartial(CodeWriter code, DownNames names, int token, string place) => code.Line($"partial[{place}] = y{token};");
}
