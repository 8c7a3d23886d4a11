using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Formats;

/// <summary>
/// Quants of four bits with an excess, a block in a load: a byte has a column below the one that is 16 further on, which counts sixteenths where it
/// lies. The other factor is rounded to a byte; sums start from what the excess adds too much.
/// </summary>
/// <param name="excess">What each quant has too much.</param>
internal class NibbleArithmetic(string kernels, int excess) : BlockArithmetic(kernels)
{
    public override int RoundedBytes => 1;

    public override string[] Sums => ["lowerY", "upperY"];

    public override string Quad => "quad";

    protected override string PlaceOfLoads(DownNames names) => $"((quad & 7) * {names.RowWords}) + (quad / 8)";

    public override string WordOfStep => " >> ((step & 2) * 2)";

    public override string StartOfInput => $"-{excess} * inputExcess";

    public override string StartOfActivations => $"-{excess} * excess";

    public override void EmitInputExcess(CodeWriter code) =>
        code.Line("int inputExcess = Lanes.SumOfEight(inputQuants.X + inputQuants.Y + inputQuants.Z + inputQuants.W);");

    public override void EmitInput(CodeWriter code, string i, int columns)
    {
        bool isOnce = columns / 4 <= 256;
        string step = isOnce ? "" : $"({i} / 256 * 256) + ";
        string block = isOnce ? $"({i} / 8)" : $"(({i} / 8) & 31)";
        code.Line($"inputWords[{step}((({i} / 4) & 1) * 128) + ({block} * 4) + ({i} & 3)] = Bytes.Pack(inputQuants);");
    }

    public override void EmitActivation(CodeWriter code, string place, int upper) => code.Line("int excess = Lanes.Sum(quant);");

    public override string Activations(int upper) => "downQuants[four]";

    public override string FirstOfFour(int j) => $"new Int4(step.Start{(j < 4 ? "" : " * 16")})";

    protected override string SumOfFour(int j) => $"BlockStep.Scaled(t{j}, step.Step{(j < 4 ? "" : " * 0.0625f")})";

    protected override void EmitQuad(CodeWriter code) =>
        code.Line("int quad = (word / 4 * 8) + (word & 3); // of the columns in lower bits; those in upper ones are four quads on");

    public override void EmitFirst(CodeWriter code, int tokens)
    {
        code.Line($"Int4 {List(tokens, t => $"lower{t} = new(step{t}.Start)")};");
        code.Line($"Int4 {List(tokens, t => $"upper{t} = new(step{t}.Start * 16)")};");
    }

    public override void EmitAdd(CodeWriter code, int token, string low, string high) =>
        code.Line($"{Kernels}.AddColumns(columns, {low}, ref lower{token}, ref upper{token});");

    public override void EmitScaled(CodeWriter code, DownNames names, int tokens)
    {
        EmitScale(code, names);
        code.Line("Words2 lowerScales = scales[scale];");
        code.Line("Words2 upperScales = scales[scale + 4];");
        for (int t = 0; t < tokens; t++)
        {
            code.Line($"BlockScales.AddScaled(lowerScales, BlockStep.Scaled(lower{t}, step{t}.Step), ref lowerY{t});");
            code.Line($"BlockScales.AddScaled(upperScales, BlockStep.Scaled(upper{t}, step{t}.Step * 0.0625f), ref upperY{t});");
        }
    }

    public override void EmitPartial(CodeWriter code, DownNames names, int token, string place)
    {
        code.Line($"partial[{place}] = lowerY{token};");
        code.Line($"partial[{place} + {(names.InOrderOfLoads ? $"(4 * {names.RowWords})" : "4")}] = upperY{token};");
    }
}
