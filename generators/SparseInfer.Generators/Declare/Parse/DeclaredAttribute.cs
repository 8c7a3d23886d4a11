using System.Globalization;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Declare;

/// <summary>
/// One attribute of a declaration, with the place of each of its arguments. Lives only while a symbol is looked at: it holds
/// syntax and must never become part of a pipeline's model.
/// </summary>
internal sealed class DeclaredAttribute(AttributeData data, CancellationToken token)
{
    private readonly Dictionary<string, object> _given = [];

    private readonly AttributeSyntax? _syntax = data.ApplicationSyntaxReference?.GetSyntax(token) as AttributeSyntax;

    public string MetadataName { get; } = data.AttributeClass?.ToDisplayString() ?? "";

    /// <summary>The attribute as the user names it, without the suffix: <c>SignBitPredictor</c>.</summary>
    public string DisplayName => AttributeNames.Display(MetadataName);

    public AttributeData Data => data;

    public AttributeSyntax? Syntax => _syntax;

    /// <summary>The place of the attribute's name: brackets and arguments excluded.</summary>
    public Location Location => _syntax?.Name.GetLocation() ?? Location.None;

    /// <summary>Whether the compiler itself rejects an argument; it reports that, and nothing can be read from it.</summary>
    public bool HasErrors =>
        data.AttributeConstructor is null || data.ConstructorArguments.Any(IsError) || data.NamedArguments.Any(pair => IsError(pair.Value));

    public bool IsSet(string argument) => _given.ContainsKey(argument) || data.NamedArguments.Any(pair => pair.Key == argument);

    /// <summary>Whether an argument's value is from elsewhere, and written nowhere that a user could change it by the attribute.</summary>
    public bool IsGiven(string argument) => _given.ContainsKey(argument);

    /// <summary>The same with arguments that are given elsewhere, in place of those that are written or not.</summary>
    public DeclaredAttribute With(IEnumerable<KeyValuePair<string, object>> given)
    {
        var attribute = new DeclaredAttribute(data, token);
        foreach (KeyValuePair<string, object> argument in given)
        {
            attribute._given.Add(argument.Key, argument.Value);
        }

        return attribute;
    }

    /// <summary>A value of an argument, from text; null: it is none of the argument's type, or there is no such argument.</summary>
    public object? Read(string argument, string text) =>
        data.AttributeClass?.GetMembers(argument).OfType<IPropertySymbol>().FirstOrDefault()?.Type.SpecialType switch
        {
            SpecialType.System_Single when float.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out float number) => number,
            SpecialType.System_Int32 when int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number) => number,
            SpecialType.System_Boolean when bool.TryParse(text, out bool word) => word,
            _ => null,
        };

    public T Value<T>(string argument, T defaultValue)
    {
        if (_given.TryGetValue(argument, out object? given))
        {
            return (T)given;
        }

        foreach (var pair in data.NamedArguments)
        {
            if (pair.Key == argument && pair.Value.Kind != TypedConstantKind.Error && pair.Value.Value is { } value)
            {
                return (T)value;
            }
        }

        return defaultValue;
    }

    /// <summary>A float argument as the shortest decimal that reads back as the same float: what the user typed.</summary>
    public string Decimal(string argument, string defaultValue) => IsSet(argument) ? Literal.Shortest(Value(argument, 0f)) : defaultValue;

    /// <summary>The place of a named argument's value, or of the attribute's name where it is not written.</summary>
    public Location LocationOf(string argument)
    {
        AttributeArgumentSyntax? syntax = _syntax?.ArgumentList?.Arguments
            .FirstOrDefault(candidate => candidate.NameEquals?.Name.Identifier.ValueText == argument);
        return syntax?.Expression.GetLocation() ?? Location;
    }

    /// <summary>The constructor's one argument, a string; null where it is null or none is written.</summary>
    public string? Text => data.ConstructorArguments.Length == 1 ? data.ConstructorArguments[0].Value as string : null;

    /// <summary>The place of the constructor's argument, or of the attribute's name where there is none.</summary>
    public Location TextLocation =>
        _syntax?.ArgumentList?.Arguments.FirstOrDefault(argument => argument.NameEquals is null)?.Expression.GetLocation() ?? Location;

    /// <summary>Values and places of the elements of the constructor's one <c>params</c> array.</summary>
    public IReadOnlyList<(T Value, Location Location)> Elements<T>()
    {
        if (data.ConstructorArguments.Length != 1 ||
            data.ConstructorArguments[0] is not { Kind: TypedConstantKind.Array, IsNull: false } array)
        {
            return [];
        }

        ExpressionSyntax[] written = ElementSyntax();
        return
        [
            .. array.Values
                .Select((constant, i) => (constant.Value, i < written.Length ? written[i].GetLocation() : Location))
                .Where(element => element.Value is T)
                .Select(element => ((T)element.Value!, element.Item2)),
        ];
    }

    /// <summary>The elements of <c>A(x, y)</c>, <c>A([x, y])</c> and <c>A(new[] { x, y })</c> alike.</summary>
    private ExpressionSyntax[] ElementSyntax()
    {
        ExpressionSyntax[] positional =
            [.. _syntax?.ArgumentList?.Arguments.Where(a => a.NameEquals is null).Select(a => a.Expression) ?? []];
        return (positional.Length == 1 ? positional[0] : null) switch
        {
            CollectionExpressionSyntax collection => [.. collection.Elements.OfType<ExpressionElementSyntax>().Select(e => e.Expression)],
            ImplicitArrayCreationExpressionSyntax array => [.. array.Initializer.Expressions],
            ArrayCreationExpressionSyntax { Initializer: { } initializer } => [.. initializer.Expressions],
            _ => positional,
        };
    }

    private static bool IsError(TypedConstant constant) =>
        constant.Kind == TypedConstantKind.Error ||
        (constant.Kind == TypedConstantKind.Array && !constant.IsNull && constant.Values.Any(IsError));
}
