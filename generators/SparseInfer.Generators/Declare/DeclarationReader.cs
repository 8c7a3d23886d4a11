using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Text;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Declare;

/// <summary>
/// What became of one declaration. At most one of model, layer and stub is there: a stub where a rule is broken, none of them where no other
/// file can complete the declaration.
/// </summary>
internal sealed record ReadDeclaration(ModelSpec? Model, LayerSpec? Layer, StubSpec? Stub, EquatableArray<Report> Reports);

/// <summary>Asks the rules of a declaration and reads it. What goes wrong in here is the declaration's own trouble, and no other's.</summary>
/// <param name="vocabulary">The attributes that there are.</param>
/// <param name="rules">The rules to keep, by id.</param>
/// <param name="plan">
/// Plans what was read, for GPUs too or not, and forgets the plans: what throws there throws here, where it is known whose fault it is. Says
/// what cannot be computed; null: all of it can.
/// </param>
internal sealed class DeclarationReader(Vocabulary vocabulary, IReadOnlyList<DeclarationRule> rules, Func<ReadDeclaration, bool, string?> plan)
{
    /// <summary>The attributes that it looks for.</summary>
    public Vocabulary Vocabulary => vocabulary;

    /// <summary>The model that a symbol declares; null where it declares none, or breaks a rule.</summary>
    public ModelSpec? Model(ISymbol symbol, CancellationToken token) => Model(symbol, ProfileFiles.None, token);

    /// <summary>The same where a project has profiles.</summary>
    public ModelSpec? Model(ISymbol symbol, ProfileFiles profiles, CancellationToken token) => Sound(symbol, profiles, token) is { } declaration ? ModelParser.Read(declaration) : null;

    /// <summary>The layer that a symbol declares; null where it declares none, or breaks a rule.</summary>
    public LayerSpec? Layer(ISymbol symbol, CancellationToken token) => Sound(symbol, ProfileFiles.None, token) is { } declaration ? LayerParser.Read(declaration) : null;

    /// <summary>Reads a declaration.</summary>
    /// <param name="symbol">What carries attributes.</param>
    /// <param name="node">The part of it that is looked at.</param>
    /// <param name="model">Its file's.</param>
    /// <param name="isMain">Whether an attribute is the one by which declarations like this are found.</param>
    /// <param name="profiles">The project's.</param>
    /// <param name="token">Ends it.</param>
    /// <returns>Null where there is nothing to say, or where another attribute or part says it.</returns>
    public ReadDeclaration? Read(
        ISymbol symbol, SyntaxNode node, SemanticModel model, Func<string, bool> isMain, ProfileFiles profiles, CancellationToken token)
    {
        try
        {
            return Declaration.From(symbol, vocabulary, profiles, token) is { } declaration
                && isMain(declaration.Main.MetadataName)
                && declaration.Syntax == node
                ? Read(declaration, message => Stub(model, declaration, message, token), token)
                : null;
        }
        catch (Exception exception) when (GeneratorFault.IsFault(exception))
        {
            Report report = GeneratorFault.Report(symbol.Name, exception, symbol.Locations.FirstOrDefault());
            return new ReadDeclaration(null, null, null, new[] { report }.ToEquatableArray());
        }
    }

    private ReadDeclaration Read(Declaration declaration, Func<string, StubSpec?> stub, CancellationToken token)
    {
        // What the compiler rejects cannot be read; its own error comes first and ours after that is mended.
        if (declaration.HasErrors || declaration.IsUnsafeInVain)
        {
            string rejected = $"The compiler rejects an attribute or a modifier of '{declaration.Symbol.Name}'.";
            IEnumerable<Report> why = rules.Where(rule => rule.ExplainsRejection).SelectMany(rule => rule.Check(declaration).Select(violation => Report.Of(rule, violation)));
            return new ReadDeclaration(null, null, stub(rejected), why.ToEquatableArray());
        }

        try
        {
            IReadOnlyList<Report> reports = Check(declaration, token, out ModelSpec? model);
            if (reports.FirstOrDefault(report => report.IsError) is { } error)
            {
                return new ReadDeclaration(null, null, stub($"{error.Id}: {error.Message}"), reports.ToEquatableArray());
            }

            var read = new ReadDeclaration(model, LayerParser.Read(declaration), null, reports.ToEquatableArray());
            if (plan(read, declaration.IsForGpu) is not { } limit)
            {
                return read;
            }

            Report refusal = GeneratorLimit.Report(declaration, limit);
            return new ReadDeclaration(null, null, stub($"{refusal.Id}: {refusal.Message}"), reports.Append(refusal).ToEquatableArray());
        }
        catch (Exception exception) when (GeneratorFault.IsFault(exception))
        {
            Report report = GeneratorFault.Report(declaration.Symbol.Name, exception, declaration.NameLocation);
            return new ReadDeclaration(null, null, stub($"{report.Id}: {report.Message}"), new[] { report }.ToEquatableArray());
        }
    }

    /// <summary>What a declaration breaks, by id.</summary>
    /// <param name="declaration">The declaration.</param>
    /// <param name="token">Ends it.</param>
    /// <param name="model">What it declares, where no rule is broken but those about a whole model.</param>
    private IReadOnlyList<Report> Check(Declaration declaration, CancellationToken token, out ModelSpec? model)
    {
        var reports = new List<Report>();

        // What policies would get of a profile that cannot be used, nobody knows: there is nothing to say of it.
        foreach (DeclarationRule rule in declaration.Profile is { IsUsable: false } ? [.. rules.OfType<ProfileRule>()] : rules)
        {
            token.ThrowIfCancellationRequested();
            reports.AddRange(rule.Check(declaration).Select(violation => Report.Of(rule, violation)));
        }

        // Of what a profile gives an attribute layer by layer, the same may be wrong in each.
        reports = [.. reports.Distinct()];
        model = reports.Any(report => report.IsError) ? null : ModelParser.Read(declaration);
        if (model is not { } whole)
        {
            return reports;
        }

        foreach (ModelRule rule in rules.OfType<ModelRule>())
        {
            token.ThrowIfCancellationRequested();
            reports.AddRange(rule.Check(declaration, whole).Select(violation => Report.Of(rule, violation)));
        }

        return [.. reports.OrderBy(report => report.Id, StringComparer.Ordinal)];
    }

    private Declaration? Sound(ISymbol symbol, ProfileFiles profiles, CancellationToken token) =>
        Declaration.From(symbol, vocabulary, profiles, token) is { HasErrors: false } declaration
        && !Check(declaration, token, out _).Any(report => report.IsError)
            ? declaration
            : null;

    /// <summary>
    /// What the declaration needs to compile; null where the compiler has more against it, or against the heads of the types around it, than
    /// that nobody has written the rest: it would say the same of the stub. Other members of these types are no matter of the stub's.
    /// </summary>
    private static StubSpec? Stub(SemanticModel model, Declaration declaration, string message, CancellationToken token)
    {
        MemberDeclarationSyntax own = declaration.Syntax!;
        TypeDeclarationSyntax[] around = [.. own.Ancestors().OfType<TypeDeclarationSyntax>()];
        TextSpan outermost = (around.LastOrDefault() ?? own).Span;
        TextSpan[] restated = [own.FullSpan, .. around.Select(Head)];
        bool isSound = model.GetSyntaxDiagnostics(outermost, token)
            .Concat(model.GetDeclarationDiagnostics(outermost, token))
            .Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error && !Unwritten.Contains(diagnostic.Id))
            .All(diagnostic => !restated.Any(span => span.IntersectsWith(diagnostic.Location.SourceSpan)));
        return isSound ? StubParser.Parse(declaration, message) : null;
    }

    /// <summary>A type's text before its members.</summary>
    private static TextSpan Head(TypeDeclarationSyntax type) =>
        TextSpan.FromBounds(type.SpanStart, type.OpenBraceToken.IsMissing ? type.Identifier.Span.End : type.OpenBraceToken.SpanStart);

    /// <summary>Members without an implementation: ours, and those of other generators.</summary>
    private static readonly string[] Unwritten = ["CS9248", "CS8795", "CS0534", "CS0535"];
}
