using Microsoft.CodeAnalysis;
using SparseInfer.Generators.Plan;
using SparseInfer.Generators.Plan.Ilgpu;
using SparseInfer.Generators.Rules;
using SparseInfer.Generators.Spec;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Parse;

/// <summary>
/// What became of one declaration. At most one of model, layer and stub is there: a stub where a rule is broken, none of them where no other
/// file can complete the declaration.
/// </summary>
internal sealed record ReadDeclaration(ModelSpec? Model, LayerSpec? Layer, StubSpec? Stub, EquatableArray<Report> Reports);

/// <summary>Asks the rules of a declaration and reads it. What goes wrong in here is the declaration's own trouble, and no other's.</summary>
/// <param name="rules">The rules to keep.</param>
internal sealed class DeclarationReader(IReadOnlyList<DeclarationRule> rules)
{
    /// <summary>Reads what carries an attribute of the vocabulary.</summary>
    /// <param name="context">The attribute's place.</param>
    /// <param name="attribute">Metadata name of the attribute by which it was found.</param>
    /// <param name="token">Ends it.</param>
    /// <returns>Null where there is nothing to say, or where another of its attributes says it.</returns>
    public ReadDeclaration? Read(GeneratorAttributeSyntaxContext context, string attribute, CancellationToken token)
    {
        try
        {
            return Declaration.From(context.TargetSymbol, token) is { } declaration
                && declaration.Main.MetadataName == attribute
                && declaration.Syntax == context.TargetNode
                ? Read(declaration, token)
                : null;
        }
        catch (Exception exception) when (GeneratorFault.IsFault(exception))
        {
            return Fault(exception, context.TargetSymbol.Name, context.TargetSymbol.Locations.FirstOrDefault(), stub: null);
        }
    }

    private ReadDeclaration Read(Declaration declaration, CancellationToken token)
    {
        // What the compiler rejects cannot be read; its own error comes first and ours after that is mended.
        if (declaration.HasErrors)
        {
            string rejected = $"The compiler rejects an attribute of '{declaration.Symbol.Name}'.";
            return new ReadDeclaration(null, null, StubParser.Parse(declaration, rejected), default);
        }

        try
        {
            var reports = new List<Report>();
            Report? error = null;
            foreach (DeclarationRule rule in rules)
            {
                token.ThrowIfCancellationRequested();
                foreach (Violation violation in rule.Check(declaration))
                {
                    Report report = Report.Of(rule, violation);
                    reports.Add(report);
                    error ??= rule.IsError ? report : null;
                }
            }

            return error is null
                ? Planned(ModelParser.Read(declaration), LayerParser.Read(declaration), reports.ToEquatableArray())
                : new ReadDeclaration(
                    null, null, StubParser.Parse(declaration, $"{error.Id}: {error.Message}"), reports.ToEquatableArray());
        }
        catch (Exception exception) when (GeneratorFault.IsFault(exception))
        {
            Report report = GeneratorFault.Report(declaration.Symbol.Name, exception, declaration.NameLocation);
            return Fault(
                exception,
                declaration.Symbol.Name,
                declaration.NameLocation,
                StubParser.Parse(declaration, $"{report.Id}: {report.Message}"));
        }
    }

    /// <summary>Plans once, and forgets the plans: whatever throws there throws here, where it is known whose fault it is.</summary>
    private static ReadDeclaration Planned(ModelSpec? model, LayerSpec? layer, EquatableArray<Report> reports)
    {
        if (model is not null)
        {
            _ = Planner.Decoder(model);
            _ = IlgpuDecoderPlan.Of(model);
            _ = KernelRequest.Of(model);
        }
        else if (layer is not null)
        {
            _ = KernelRequest.Of(layer);
        }

        return new ReadDeclaration(model, layer, null, reports);
    }

    private static ReadDeclaration Fault(Exception exception, string name, Location? location, StubSpec? stub) =>
        new(null, null, stub, new[] { GeneratorFault.Report(name, exception, location) }.ToEquatableArray());
}
