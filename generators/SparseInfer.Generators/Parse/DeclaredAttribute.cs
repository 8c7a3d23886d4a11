using System.Globalization;
using System.Linq;
using System.Threading;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace SparseInfer.Generators.Parse;

/// <summary>
/// One attribute of a declaration, with the place of each of its arguments. Lives only while a symbol is looked at: it holds
/// syntax and must never become part of a pipeline's model.
/// </summary>
internal sealed class DeclaredAttribute(AttributeData data, CancellationToken token)
{
    private readonly AttributeSyntax? _syntax = data.ApplicationSyntaxReference?.GetSyntax(token) as AttributeSyntax;

    public string MetadataName { get; } = data.AttributeClass?.ToDisplayString() ?? "";

    /// <summary>The attribute as the user names it, without the suffix: <c>SignBitPredictor</c>.</summary>
    public string DisplayName => MetadataName.Substring(MetadataName.LastIndexOf('.') + 1).Replace("Attribute", "");

    public AttributeData Data => data;

    public AttributeSyntax? Syntax => _syntax;

    /// <summary>The attribute's own place, brackets excluded.</summary>
    public Location Location => _syntax?.GetLocation() ?? Location.None;

    public bool IsSet(string argument) => data.NamedArguments.Any(pair => pair.Key == argument);

    public T Value<T>(string argument, T defaultValue)
    {
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
    public string Decimal(string argument, string defaultValue) =>
        IsSet(argument) ? Value(argument, 0f).ToString("R", CultureInfo.InvariantCulture) : defaultValue;

    /// <summary>The place of a named argument's value, or of the attribute where it is not written.</summary>
    public Location LocationOf(string argument)
    {
        AttributeArgumentSyntax? syntax = _syntax?.ArgumentList?.Arguments.FirstOrDefault(a => a.NameEquals?.Name.Identifier.ValueText == argument);
        return syntax?.Expression.GetLocation() ?? Location;
    }
}
