using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace SparseInfer.Generators.Declare;

/// <summary>A policy's attribute on a declaration.</summary>
internal sealed record DeclaredPolicy(DeclaredAttribute Attribute, DeclarablePolicy Policy);

/// <summary>A trait's attribute on a declaration.</summary>
internal sealed record DeclaredTrait(DeclaredAttribute Attribute, DeclarableTrait Trait);

/// <summary>
/// A class or property with everything SparseInfer's attributes on it say, right or wrong. Rules look at it, parsers read it. It holds
/// symbols and syntax: it lives only while the symbol is looked at.
/// </summary>
internal sealed class Declaration
{
    private readonly Vocabulary _vocabulary;

    private Declaration(ISymbol symbol, Vocabulary vocabulary, IReadOnlyList<DeclaredAttribute> attributes, ProfileFiles profiles)
    {
        _vocabulary = vocabulary;
        Symbol = symbol;
        Attributes = attributes;
        DeclaredPolicy[] written =
        [
            .. from attribute in attributes
               let policy = vocabulary.PolicyOf(attribute)
               where policy is not null
               select new DeclaredPolicy(attribute, policy),
        ];
        Traits = [.. vocabulary.TraitsOf(attributes)];
        Main = (symbol is IPropertySymbol ? FeedForward : DecoderModel) ?? attributes[0];
        Syntax = Main.Syntax?.FirstAncestorOrSelf<MemberDeclarationSyntax>();
        Profile = Find(AttributeNames.SparsityProfile) is { HasErrors: false } profile ? new DeclaredProfile(profile, profiles, vocabulary) : null;
        Policies = Profile?.Complete(this, written) ?? written;
    }

    public ISymbol Symbol { get; }

    /// <summary>The class, or null where the declaration is a property.</summary>
    public INamedTypeSymbol? Type => Symbol as INamedTypeSymbol;

    /// <summary>The property, or null where the declaration is a class.</summary>
    public IPropertySymbol? Property => Symbol as IPropertySymbol;

    /// <summary>The attribute that makes it a declaration; where that is missing, the first there is.</summary>
    public DeclaredAttribute Main { get; }

    /// <summary>The part of the symbol that carries <see cref="Main"/>.</summary>
    public MemberDeclarationSyntax? Syntax { get; }

    /// <summary>The types around it, innermost first. Extension blocks are none: they have no name.</summary>
    public IEnumerable<TypeDeclarationSyntax> ContainingTypes =>
        Syntax?.Ancestors().OfType<TypeDeclarationSyntax>().Where(type => type.Identifier.RawKind != 0) ?? [];

    /// <summary>The language that the declaration's file is written in.</summary>
    public LanguageVersion Language =>
        Syntax?.SyntaxTree.Options is CSharpParseOptions options ? options.LanguageVersion : LanguageVersion.Default;

    /// <summary>Whether it is <c>unsafe</c> in a project that compiles no unsafe code: the compiler would say so of the other half again.</summary>
    public bool IsUnsafeInVain =>
        Syntax?.Modifiers.Any(SyntaxKind.UnsafeKeyword) == true
        && (Symbol.ContainingAssembly as ISourceAssemblySymbol)?.Compilation.Options is not CSharpCompilationOptions { AllowUnsafe: true };

    /// <summary>The declared name's place.</summary>
    public Location NameLocation => Syntax switch
    {
        TypeDeclarationSyntax type => type.Identifier.GetLocation(),
        PropertyDeclarationSyntax property => property.Identifier.GetLocation(),
        _ => Symbol.Locations.FirstOrDefault() ?? Location.None,
    };

    /// <summary>SparseInfer's attributes, in the order written.</summary>
    public IReadOnlyList<DeclaredAttribute> Attributes { get; }

    /// <summary>What acts in which layers: attributes as they are written, or one for each layer that a profile has a strength for.</summary>
    public IReadOnlyList<DeclaredPolicy> Policies { get; }

    /// <summary>Those that act in layers.</summary>
    public IEnumerable<DeclaredPolicy> LayerPolicies => Policies.Where(policy => !policy.Policy.IsOfModel);

    /// <summary>Where policies' strengths come from that are not written; null: there is no such file.</summary>
    public DeclaredProfile? Profile { get; }

    /// <summary>In the order in which they rewrite a program.</summary>
    public IReadOnlyList<DeclaredTrait> Traits { get; }

    /// <summary>What acts where <see cref="Policies"/> has none.</summary>
    public DefaultPolicy DefaultPolicy => _vocabulary.DefaultFor(Activation);

    public DeclaredAttribute? DecoderModel => Find(AttributeNames.DecoderModel);

    public DeclaredAttribute? Attention => Find(AttributeNames.Attention);

    /// <summary>How rotary frequencies are scaled, beyond attention's linear factor: one at most, where no rule is broken.</summary>
    public IEnumerable<DeclaredAttribute> RopeScalings => Attributes.Where(attribute =>
        attribute.MetadataName is AttributeNames.YarnScaling or AttributeNames.Llama3Scaling or AttributeNames.FrequencyFactors);

    public DeclaredAttribute? FeedForward => Find(AttributeNames.FeedForward);

    public DeclaredAttribute? Experts => Find(AttributeNames.Experts);

    public DeclaredAttribute? RmsNorm => Find(AttributeNames.RmsNorm);

    public DeclaredAttribute? LayerNorm => Find(AttributeNames.LayerNorm);

    public DeclaredAttribute? Embedding => Find(AttributeNames.Embedding);

    public IEnumerable<LayerAttribute> Windows =>
        Attributes.Where(attribute => attribute.MetadataName == AttributeNames.SlidingWindow).Select(attribute => new LayerAttribute(attribute, Layers));

    public LayerAttribute? NoRope => Find(AttributeNames.NoRope) is { } attribute ? new LayerAttribute(attribute, Layers) : null;

    /// <summary>Attributes that are for some layers: policies, then those of attention.</summary>
    public IEnumerable<LayerAttribute> OfLayers =>
        LayerPolicies.Select(policy => new LayerAttribute(policy.Attribute, Layers)).Concat(Windows).Concat(NoRope is { } noRope ? [noRope] : []);

    /// <summary>Whether any layer rotates queries and keys.</summary>
    public bool IsRotated => NoRope is not { } noRope || !noRope.TryParse(out _, out _) || !noRope.Pattern().IsEvery(Layers);

    public int LearnedPositions => Embedding?.Value("LearnedPositions", 0) ?? 0;

    public DeclaredAttribute? Weights => Find(AttributeNames.Weights);

    /// <summary>Each for other matrices, where no rule is broken.</summary>
    public IEnumerable<DeclaredAttribute> AllWeights => Attributes.Where(attribute => attribute.MetadataName == AttributeNames.Weights);

    public DeclaredAttribute? Target => Find(AttributeNames.Target);

    /// <summary>The device that <see cref="Target"/> stands for, by its name in the table; the default where it stands for none.</summary>
    public string Device => (DeviceTable.Find(Target?.Text ?? "") ?? DeviceTable.Default).Name;

    /// <summary>Whether the project references what runs models on GPUs: then there is code for them.</summary>
    public bool IsForGpu => Symbol.ContainingModule?.ReferencedAssemblies.Any(assembly => assembly.Name == AttributeNames.IlgpuRuntime) == true;

    /// <summary>Whether the compiler itself rejects part of what is declared: it has the word then, and nothing can be generated.</summary>
    public bool HasErrors =>
        Property?.Type.TypeKind == TypeKind.Error
        || Attributes.Any(attribute => attribute.HasErrors)
        || ContainingTypes.Select(type => type.Identifier.ValueText).Append(Symbol.Name).Contains("")
        || IsInHiddenType
        || IsDeclaredAgain;

    /// <summary>Whether its type has another property of that name before it, whose other half would be this one's.</summary>
    private bool IsDeclaredAgain => Property is { } property
        && property.ContainingType.GetMembers(property.Name).OfType<IPropertySymbol>().First() is var first
        && !SymbolEqualityComparer.Default.Equals(first, property);

    /// <summary>Whether the outermost type around it is private or protected, as no type in a namespace can be: nothing may name what is in it.</summary>
    private bool IsInHiddenType
    {
        get
        {
            INamedTypeSymbol? outermost = Symbol.ContainingType;
            while (outermost?.ContainingType is { } around)
            {
                outermost = around;
            }

            return outermost is { DeclaredAccessibility: not (Accessibility.Public or Accessibility.Internal) };
        }
    }

    /// <summary>Width of the residual stream; 0 where it is not declared.</summary>
    public int Hidden => (Property is null ? DecoderModel : FeedForward)?.Value("Hidden", 0) ?? 0;

    public int Layers => DecoderModel?.Value("Layers", 0) ?? 0;

    public int Vocabulary => DecoderModel?.Value("Vocabulary", 0) ?? 0;

    public int Context => DecoderModel?.Value("Context", 0) ?? 0;

    public int Intermediate => FeedForward?.Value("Intermediate", 0) ?? 0;

    public Activation Activation => FeedForward?.Value("Activation", Activation.Relu) ?? Activation.Relu;

    /// <summary>Whether <see cref="Activation"/> is one that exists and that the user chose, by name or by default.</summary>
    public bool HasActivation => FeedForward is not null && System.Enum.IsDefined(typeof(Activation), Activation);

    public bool Gated => FeedForward?.Value("Gated", true) ?? true;

    public int Heads => Attention?.Value("Heads", 0) ?? 0;

    /// <summary>As many as <see cref="Heads"/> where none are declared.</summary>
    public int KeyValueHeads => Attention?.Value("KeyValueHeads", 0) is { } count and not 0 ? count : Heads;

    /// <summary>Hidden size / <see cref="Heads"/> where it is not declared; 0 where that says nothing either.</summary>
    public int HeadDimension => Attention?.Value("HeadDimension", 0) switch
    {
        { } size and not 0 => size,
        _ when Heads > 0 && Hidden > 0 => Hidden / Heads,
        _ => 0,
    };

    /// <summary>Reads the symbol; null where no attribute of SparseInfer is on it.</summary>
    public static Declaration? From(ISymbol symbol, Vocabulary vocabulary, ProfileFiles profiles, CancellationToken token)
    {
        // A partial property is two symbols with the same attributes; the part that the user wrote stands for both.
        if (symbol is not (INamedTypeSymbol or IPropertySymbol { PartialDefinitionPart: null }))
        {
            return null;
        }

        List<DeclaredAttribute>? attributes = null;
        foreach (AttributeData data in symbol.GetAttributes())
        {
            token.ThrowIfCancellationRequested();
            if (vocabulary.IsOurs(data.AttributeClass))
            {
                (attributes ??= []).Add(new DeclaredAttribute(data, token));
            }
        }

        return attributes is null ? null : new Declaration(symbol, vocabulary, attributes, profiles);
    }

    private DeclaredAttribute? Find(string metadataName) => Attributes.FirstOrDefault(attribute => attribute.MetadataName == metadataName);
}
