using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Emit;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Parts;

/// <summary>Writes the property by which a user gets at a layer that stands alone.</summary>
internal static class LayerProperty
{
    /// <param name="spec">The layer.</param>
    /// <param name="ilgpu">Whether it has a program for ILGPU as well.</param>
    public static string Emit(LayerSpec spec, bool ilgpu)
    {
        var code = new CodeWriter();
        string head = $"{spec.Target.FullName}: the declared layer. Written by SparseInfer.Generators {GeneratedAttributes.Version}.";
        using (GeneratedFile.BeginPart(code, head, spec.Target))
        {
            code.Line(GeneratedAttributes.QualifiedGenerated);
            code.Line($"{spec.Modifiers} global::SparseInfer.FeedForwardKernel {spec.Target.Name} =>");
            code.Line($"    {GeneratedNames.QualifiedProgram(spec.Target, ilgpu ? "Ilgpu" : "Cpu")}.Shared;");
        }

        return code.ToString();
    }
}
