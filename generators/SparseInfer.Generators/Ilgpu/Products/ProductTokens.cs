using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>Writes how the inputs of a product's tokens come into shared memory: four lanes load 16 columns of a token.</summary>
/// <param name="quads">Quads of a token's input.</param>
/// <param name="inputQuad">The first quad of a token's that a lane loads for a step; the lane's own offset is part of it.</param>
/// <param name="mayPassTheEnd">Whether steps are more than the input has columns.</param>
internal sealed class ProductTokens(CodeWriter code, ProductTile tile, int quads, Func<string, string> inputQuad, bool mayPassTheEnd)
{
    /// <summary>Lanes that load one token's columns of a step.</summary>
    private const int Lanes = ProductTile.Depth / 4;

    private readonly ProductPlaces _places = new(code, tile, Lanes, tile.Tokens, "input");

    public void EmitStart()
    {
        code.Line("// Four lanes load 16 columns of a token.");
        code.Line("ArrayView<float> inputPlaces = inputs.Cast<float>();");
        code.Line($"int inputPart = thread & {Lanes - 1};");
        code.Line($"int inputPlace = thread / {Lanes};");
        _places.Emit();
        code.Line($"int firstToken = (Grid.IdxY * {tile.Tokens}) + inputPlace;");
        for (int n = 0; n < _places.Count; n++)
        {
            string token = n == 0 ? "firstToken" : $"firstToken + {n * _places.Apart}";
            code.Line($"int input{n} = ({token} < tokens ? {token} : tokens - 1) * {quads};");
        }

        EmitLoad("0", declare: true);
    }

    public void EmitLoad(string step) => EmitLoad(step, declare: false);

    public void EmitStore()
    {
        _places.EmitViews();
        for (int n = 0; n < _places.Count; n++)
        {
            (string view, int offset) = _places[n];
            code.Line($"Quad.Scatter(fetched{n}, {view}, {offset}, {tile.Tokens});");
        }
    }

    private void EmitLoad(string step, bool declare)
    {
        string quad = declare ? "firstQuad" : "inputQuad";
        code.Line($"int {quad} = {inputQuad(step)};");
        for (int n = 0; n < _places.Count; n++)
        {
            string value = $"x[input{n} + {quad}]";
            bool mayPass = mayPassTheEnd && !(declare && quads >= ProductTile.Depth);
            code.Line($"{(declare ? "Float4 " : "")}fetched{n} = {(mayPass ? $"{quad} < {quads} ? {value} : default" : value)};");
        }
    }
}
