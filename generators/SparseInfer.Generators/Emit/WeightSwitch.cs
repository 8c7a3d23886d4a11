using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Emit;

/// <summary>Writes what is done for whichever type a matrix has in the file.</summary>
internal static class WeightSwitch
{
    /// <summary>Writes it straight, where there is one type; else a switch, in which the last is the default.</summary>
    /// <param name="type">What says which, as C#.</param>
    public static void Emit(CodeWriter code, string type, IReadOnlyList<WeightType> types, Action<WeightType> emit)
    {
        if (types.Count == 1)
        {
            emit(types[0]);
            return;
        }

        using (code.Block($"switch ({type})"))
        {
            for (int i = 0; i < types.Count; i++)
            {
                code.Line(i == types.Count - 1 ? "default:" : $"case WeightType.{types[i]}:");
                using (code.Indent())
                {
                    emit(types[i]);
                    code.Line("break;");
                }
            }
        }
    }
}
