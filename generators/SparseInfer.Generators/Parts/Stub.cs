using Microsoft.CodeAnalysis.CSharp;
using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Emit;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Parts;

/// <summary>
/// Writes what a declaration that breaks a rule needs to compile: members that say which rule that is when they are used. Old C#, since the
/// rule may be that the project's is too old.
/// </summary>
internal static class Stub
{
    public static string Emit(StubSpec stub)
    {
        var code = new CodeWriter();
        GeneratedFile.EmitPartHead(
            code,
            $"{stub.Target.FullName} breaks a rule and cannot run: this lets the code that uses it compile. "
            + $"Written by SparseInfer.Generators {GeneratedAttributes.Version}.",
            stub.Target);
        code.Line();
        using (TargetWriter.OpenBlocks(code, stub.Target))
        {
            switch (stub)
            {
                case ModelStub model:
                    EmitModel(code, model);
                    break;
                case LayerStub layer:
                    EmitProperty(code, layer.Declaration, layer.Accessors, layer.Message);
                    break;
            }
        }

        return code.ToString();
    }

    private static void EmitModel(CodeWriter code, ModelStub model)
    {
        string type = model.Target.Name + model.Target.TypeParameters;
        string header = $"partial {model.Keyword} {type}";
        using (code.Block(model.Derives ? header + " : global::SparseInfer.LanguageModel" : header))
        {
            if (model.Derives)
            {
                code.Lines($$"""
                    private {{model.Target.Name}}(global::SparseInfer.Runtime.LoadedModel loaded) : base(loaded)
                    {
                    }

                    """);
            }

            if (model.HasShape)
            {
                code.Line("/// <summary>Throws: the declaration breaks a rule.</summary>");
                EmitProperty(code, "public static global::SparseInfer.ModelShape DeclaredShape", ["get"], model.Message);
            }

            string result = model.Derives ? type : "global::SparseInfer.LanguageModel";
            foreach (string source in model.Loads)
            {
                string from = source == "string" ? "string path" : $"global::{source} file";
                code.Line();
                code.Line("/// <summary>Throws: the declaration breaks a rule.</summary>");
                code.Line(GeneratedAttributes.QualifiedGenerated);
                using (code.Block(
                    $"public static {result} Load({from}, global::SparseInfer.Device device = null, global::SparseInfer.LoadOptions options = null)"))
                {
                    EmitThrow(code, model.Message);
                }
            }
        }
    }

    private static void EmitProperty(CodeWriter code, string declaration, IEnumerable<string> accessors, string message)
    {
        code.Line(GeneratedAttributes.QualifiedGenerated);
        using (code.Block(declaration))
        {
            foreach (string accessor in accessors)
            {
                using (code.Block(accessor))
                {
                    EmitThrow(code, message);
                }
            }
        }
    }

    private static void EmitThrow(CodeWriter code, string message) =>
        code.Line($"throw new global::System.InvalidOperationException({SymbolDisplay.FormatLiteral(message, quote: true)});");
}
