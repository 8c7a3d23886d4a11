using Microsoft.CodeAnalysis;
using SparseInfer.Generators.Formats;

namespace SparseInfer.Generators.Declare;

/// <summary>Rows of block-quantized matrices are whole blocks.</summary>
internal sealed class WeightBlockRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0020",
        "Weight blocks do not divide a row",
        "{0} stores blocks of {1} weights, which do not divide {2}; write multiples of {1}, or a type without blocks such as F16",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0020.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration)
    {
        foreach (DeclaredAttribute weights in declaration.AllWeights)
        {
            IReadOnlyList<(string Name, long Width)> rows = [.. Rows(declaration, weights), .. RowsOfPolicies(declaration, weights)];
            foreach ((int type, Location location) in weights.Elements<int>())
            {
                foreach (Format format in Format.All.Where(format => format.Type == (WeightType)type))
                {
                    string odd = string.Join(
                        ", ",
                        from row in rows
                        where row.Width > 0 && row.Width % format.BlockColumns != 0
                        select row.Name + " = " + Show(row.Width));
                    if (odd.Length > 0)
                    {
                        yield return new Violation(location, format.Type.ToString(), Show(format.BlockColumns), odd);
                    }
                }
            }
        }
    }

    /// <summary>
    /// Row lengths of policies' own matrices that none of the types divides: they are used in one that does, whatever their file has, so that a predictor may
    /// have another type than the model.
    /// </summary>
    private static IEnumerable<(string Name, long Width)> RowsOfPolicies(Declaration declaration, DeclaredAttribute weights)
    {
        if ((WeightsParser.Of(declaration, WeightRole.None) ?? WeightsParser.Of(declaration, WeightRole.FeedForward))?.Syntax != weights.Syntax)
        {
            return [];
        }

        int[] types = [.. weights.Elements<int>().Select(element => element.Value)];
        return from policy in declaration.Policies
               from size in policy.Policy.Sizes(policy.Attribute)
               where size.IsOfRows && !Format.All.Any(format => types.Contains((int)format.Type) && size.Value % format.BlockColumns == 0)
               select ($"[{policy.Policy.DisplayName}] {size.Name}", (long)size.Value);
    }

    /// <summary>Row lengths of the matrices that an attribute is for as files hold them: the number of inputs.</summary>
    private static IEnumerable<(string Name, long Width)> Rows(Declaration declaration, DeclaredAttribute weights)
    {
        yield return ("Hidden", declaration.Hidden);
        if (declaration.Attention?.IsSet("HeadDimension") == true && IsFor(WeightRole.Attention))
        {
            yield return ("Heads * HeadDimension", (long)declaration.Heads * declaration.HeadDimension);
        }

        if (declaration.Property is not null || IsFor(WeightRole.FeedForward))
        {
            yield return ("Intermediate", declaration.Intermediate);
        }

        bool IsFor(WeightRole role) => WeightsParser.Of(declaration, role)?.Syntax == weights.Syntax;
    }
}
