using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>What the kernels do alike: which elements belong together, what is done to two of them, and where they go.</summary>
internal sealed partial class HeadKernels
{
    /// <summary>What is left of an index, which is never negative; a mask where it can be, for ILGPU leaves a remainder as it is.</summary>
    private static string Remainder(string index, int divisor) =>
        divisor == 1 ? "0" : (divisor & (divisor - 1)) == 0 ? $"{index} & {divisor - 1}" : $"{index} % {divisor}";

    /// <summary>Which head a pair is of.</summary>
    private string OfHead(string pair) => plan.HeadPairs == 1 ? pair : $"{pair} / {plan.HeadPairs}";

    /// <summary>Writes where a pair's head begins among the rows, and which two of its elements the pair is.</summary>
    private void EmitUnit(string unit)
    {
        code.Line($"int pair = {Remainder(unit, plan.HeadPairs)};");
        EmitPair("pair", "d0", "d1");
        code.Line($"int local = {Rows(OfHead(unit))};");
    }

    /// <summary>Where the rows of a head begin.</summary>
    private string Rows(string head) => _attention.HeadDimension == 1 ? head : $"{head} * {_attention.HeadDimension}";

    /// <summary>Writes which two elements of a head a pair is.</summary>
    /// <param name="a">What the first is called.</param>
    /// <param name="b">And the second, which is the first where the last has no other beside it.</param>
    private void EmitPair(string pair, string a, string b)
    {
        int half = _attention.RopeDimensions / 2;
        int size = _attention.HeadDimension;
        string next = size % 2 == 0 ? $"{a} + 1" : $"{a} + 1 < {size} ? {a} + 1 : {a}";
        if (!_attention.IsRotated || _attention.RopePairing == RopePairing.Interleaved)
        {
            code.Line($"int {a} = {pair} * 2;");
            code.Line($"int {b} = {next};");
            return;
        }

        if (2 * half == size)
        {
            code.Line($"int {a} = {pair};");
            code.Line($"int {b} = {pair} + {half};");
            return;
        }

        code.Line($"int {a} = {pair} < {half} ? {pair} : {2 * half} + (({pair} - {half}) * 2);");
        code.Line($"int {b} = {pair} < {half} ? {pair} + {half} : {next};");
    }

    private void EmitBias(string value, string place)
    {
        if (_attention.QueryKeyValueBiases)
        {
            code.Line($"{value} += views.Bias[{place}];");
        }
    }

    /// <summary>Writes norm and rotation of <c>a</c> and <c>b</c>; values have neither.</summary>
    private void EmitTurn()
    {
        if (!plan.NormsHeads && !_attention.IsRotated)
        {
            return;
        }

        string[] queryOrKey = [$"head < {QueryKeyHeads}"];
        string[] turns = _attention.Unrotated is null ? [] : ["turns == 1"];
        string[] rotated = _attention.RopeDimensions / 2 == plan.HeadPairs ? [] : [$"pair < {_attention.RopeDimensions / 2}"];
        using (plan.NormsHeads ? If(queryOrKey) : null)
        {
            if (plan.NormsHeads)
            {
                code.Line($"int weights = head < {_attention.Heads} ? 0 : {_attention.HeadDimension};");
                code.Line("a = a * headScale * norms[weights + d0];");
                code.Line("b = b * headScale * norms[weights + d1];");
            }

            if (_attention.IsRotated)
            {
                using (If([.. turns, .. plan.NormsHeads ? [] : queryOrKey, .. rotated]))
                {
                    EmitRotation();
                }
            }
        }

        code.Line();
    }

    private CodeWriter.Scope? If(string[] conditions) => conditions.Length == 0 ? null : code.Block($"if ({string.Join(" && ", conditions)})");

    private void EmitRotation()
    {
        int half = _attention.RopeDimensions / 2;
        string place = $"{WarpCode.Times("position", half)} + pair";
        code.Lines($"""
            float c = views.Cos[{place}];
            float s = views.Sin[{place}];
            float turned = (a * c) - (b * s);
            b = (a * s) + (b * c);
            a = turned;
            """);
    }

    /// <summary>Writes where <c>a</c> and <c>b</c> go.</summary>
    private void EmitPlace(string offset)
    {
        int heads = _attention.Heads;
        int size = plan.CachedHead;
        using (code.Block($"if (head < {heads})"))
        {
            EmitTwo("views.Queries", $"{offset}(head * {size})", value => value);
        }

        using (code.Block("else"))
        {
            code.Line($"long cached = ((long)position * {plan.CachedRow}) + ((head - {heads}) * {size});");
            using (code.Block("if (halves == 1)"))
            {
                EmitTwo("views.HalfCache", "cached", value => $"F16.Narrow({value})");
            }

            using (code.Block("else"))
            {
                EmitTwo("views.Cache", "cached", value => value);
            }
        }
    }

    private void EmitTwo(string view, string start, Func<string, string> stored)
    {
        code.Line($"{view}[{start} + d0] = {stored("a")};");
        bool odd = _attention.HeadDimension % 2 != 0;
        using (odd ? code.Block("if (d1 != d0)") : default(CodeWriter.Scope?))
        {
            code.Line($"{view}[{start} + d1] = {stored("b")};");
        }
    }

    /// <summary>Writes what a head's norm multiplies with, <c>headScale</c>: every warp that has the head works out the same sum, in the order of its lanes.</summary>
    /// <param name="element">Element <c>d</c> of the head.</param>
    /// <param name="bias">Where its bias is; null: it has none, or has it already.</param>
    private void EmitScale(string element, string? bias)
    {
        code.Line();
        code.Line("// Root mean square of the head; that of a value's is not used.");
        code.Line("float square = 0f;");
        using (WarpCode.ForEach(code, "d", "lane", _attention.HeadDimension, RowPlan.Lanes))
        {
            code.Line($"float element = {element};");
            if (bias is not null)
            {
                EmitBias("element", bias);
            }

            code.Line("square += element * element;");
        }

        code.Line();
        code.Line("square = Lanes.Sum(square);");
        code.Line($"float headScale = 1f / MathF.Sqrt((square / HeadDimension) + {Literal.Of(plan.Spec.Norm.Epsilon)});");
    }
}
