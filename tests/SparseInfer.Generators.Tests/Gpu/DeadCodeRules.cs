using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace SparseInfer.Generators.Tests.Gpu;

/// <summary>
/// What a kernel's text must not have, because it does nothing: conditions that a group's threads all meet or none, masks that hide no bit (but for <c>x &amp; 1</c> and <c>thread &amp; 31</c>, which say which half and which lane), loops
/// of one pass, operations that leave a value as it is, variables that nobody reads or that are set twice in a row. A kernel is written for one
/// shape, so whether it does something can be told.
/// </summary>
/// <param name="model">Of the kernel's file.</param>
/// <param name="threads">Threads of its group.</param>
internal sealed class DeadCodeRules(SemanticModel model, int threads)
{
    private static readonly Range Unknown = new(long.MinValue / 4, long.MaxValue / 4);

    private readonly Dictionary<string, Range> _locals = [];

    /// <summary>The values that an expression can have, both ends inside.</summary>
    private readonly record struct Range(long Low, long High)
    {
        public bool IsOne => Low == High;
    }

    /// <summary>What does nothing in a kernel.</summary>
    public static IEnumerable<string> Violations(SemanticModel model, MethodDeclarationSyntax kernel, int threads) =>
        new DeadCodeRules(model, threads).Of(kernel);

    private IEnumerable<string> Of(MethodDeclarationSyntax kernel)
    {
        SyntaxNode[] nodes = [.. kernel.DescendantNodes()];
        HashSet<string> assigned = [.. nodes.Select(Assigned).OfType<string>()];
        ILookup<string, IdentifierNameSyntax> uses = nodes.OfType<IdentifierNameSyntax>().ToLookup(name => name.Identifier.Text);
        foreach (SyntaxNode node in nodes)
        {
            if (node is VariableDeclaratorSyntax { Initializer: { } initializer, Parent.Parent: LocalDeclarationStatementSyntax } local)
            {
                string name = local.Identifier.Text;
                _locals[name] = assigned.Contains(name) ? Unknown : Of(initializer.Value);
                if (!uses[name].Any())
                {
                    yield return $"'{local}' is never read";
                }
            }

            string? wrong = node switch
            {
                ForStatementSyntax loop => Loop(loop),
                BinaryExpressionSyntax comparison when Compare(comparison.Kind()) && !IsOfLoop(comparison) =>
                    Decided(comparison) ? "is always the same" : null,
                BinaryExpressionSyntax operation => Neutral(operation),
                BlockSyntax block => SetTwice(block),
                _ => null,
            };
            if (wrong is not null)
            {
                yield return $"'{(node is ForStatementSyntax or BlockSyntax ? node.ToString().Split('\n')[0].Trim() : node)}' {wrong}";
            }
        }
    }

    /// <summary>The local that an expression changes.</summary>
    private static string? Assigned(SyntaxNode node) => node switch
    {
        AssignmentExpressionSyntax { Left: IdentifierNameSyntax name } => name.Identifier.Text,
        PostfixUnaryExpressionSyntax { Operand: IdentifierNameSyntax name } => name.Identifier.Text,
        ArgumentSyntax { RefKindKeyword.RawKind: (int)SyntaxKind.RefKeyword, Expression: IdentifierNameSyntax name } => name.Identifier.Text,
        _ => null,
    };

    private static bool Compare(SyntaxKind kind) => kind is SyntaxKind.LessThanExpression or SyntaxKind.LessThanOrEqualExpression
        or SyntaxKind.GreaterThanExpression or SyntaxKind.GreaterThanOrEqualExpression or SyntaxKind.EqualsExpression or SyntaxKind.NotEqualsExpression;

    private static bool IsOfLoop(SyntaxNode node) => node.Parent is ForStatementSyntax loop && loop.Condition == node;

    /// <summary>A loop's variable from its first value to the last; what goes round once at most is none.</summary>
    private string? Loop(ForStatementSyntax loop)
    {
        if (loop is not
            {
                Declaration.Variables: [{ Initializer.Value: { } first, Identifier.Text: { } name }],
                Condition: BinaryExpressionSyntax { RawKind: (int)SyntaxKind.LessThanExpression, Right: { } end },
            })
        {
            return null;
        }

        Range from = Of(first);
        Range to = Of(end);
        _locals[name] = new Range(from.Low, Math.Max(from.Low, to.High - 1));
        long step = loop.Incrementors is [AssignmentExpressionSyntax { Right: { } by }] ? Of(by).Low : 1;
        return to.IsOne && from.Low + step >= to.High ? "goes round once at most" : null;
    }

    private bool Decided(BinaryExpressionSyntax comparison)
    {
        Range a = Of(comparison.Left);
        Range b = Of(comparison.Right);
        return comparison.Kind() switch
        {
            SyntaxKind.LessThanExpression or SyntaxKind.GreaterThanOrEqualExpression => a.High < b.Low || a.Low >= b.High,
            SyntaxKind.LessThanOrEqualExpression or SyntaxKind.GreaterThanExpression => a.High <= b.Low || a.Low > b.High,
            _ => a.High < b.Low || a.Low > b.High || (a.IsOne && b.IsOne),
        };
    }

    /// <summary>What leaves a value as it is, or has the same result whatever the value is.</summary>
    private string? Neutral(BinaryExpressionSyntax operation)
    {
        object? left = operation.Left is LiteralExpressionSyntax a ? model.GetConstantValue(a).Value : null;
        object? right = operation.Right is LiteralExpressionSyntax b ? model.GetConstantValue(b).Value : null;
        bool isNeutral = operation.Kind() switch
        {
            SyntaxKind.AddExpression or SyntaxKind.BitwiseOrExpression or SyntaxKind.ExclusiveOrExpression or SyntaxKind.BitwiseAndExpression =>
                left is 0 or 0u || right is 0 or 0u,
            SyntaxKind.SubtractExpression or SyntaxKind.LeftShiftExpression or SyntaxKind.RightShiftExpression => right is 0 or 0u,
            SyntaxKind.MultiplyExpression => left is 0 or 0u or 1 or 1u or 1f || right is 0 or 0u or 1 or 1u or 1f,
            SyntaxKind.DivideExpression or SyntaxKind.ModuloExpression => right is 1 or 1u or 1f,
            _ => false,
        };
        return isNeutral ? "does nothing"
            : model.GetConstantValue(operation).HasValue ? null
            : operation.Kind() is SyntaxKind.DivideExpression or SyntaxKind.BitwiseAndExpression && Of(operation).IsOne ? "is always the same"
            : operation.IsKind(SyntaxKind.BitwiseAndExpression) && Of(operation.Right) is { IsOne: true } mask && Of(operation.Left) is { Low: >= 0 } masked
                && mask.High is not (1 or 31) && long.IsPow2(mask.High + 1) && masked.High <= mask.High ? "hides no bit"
            : null;
    }

    /// <summary>A variable that gets a value where the statement before gave it one that nobody reads.</summary>
    private static string? SetTwice(BlockSyntax block) => block.Statements.Zip(block.Statements.Skip(1))
        .Select(pair => Set(pair.First) is string name && pair.Second is ExpressionStatementSyntax
        {
            Expression: AssignmentExpressionSyntax { RawKind: (int)SyntaxKind.SimpleAssignmentExpression, Left: IdentifierNameSyntax left, Right: { } value },
        } && left.Identifier.Text == name && value.DescendantNodesAndSelf().OfType<IdentifierNameSyntax>().All(use => use.Identifier.Text != name)
            ? $"sets {name} twice in a row"
            : null)
        .FirstOrDefault(found => found is not null);

    private static string? Set(StatementSyntax statement) => statement switch
    {
        LocalDeclarationStatementSyntax { Declaration.Variables: [{ Initializer: not null } local] } => local.Identifier.Text,
        ExpressionStatementSyntax
        {
            Expression: AssignmentExpressionSyntax { RawKind: (int)SyntaxKind.SimpleAssignmentExpression, Left: IdentifierNameSyntax name },
        } => name.Identifier.Text,
        _ => null,
    };

    private Range Of(ExpressionSyntax expression)
    {
        if (model.GetConstantValue(expression) is { HasValue: true, Value: int or uint or long } constant)
        {
            long value = Convert.ToInt64(constant.Value, System.Globalization.CultureInfo.InvariantCulture);
            return new(value, value);
        }

        switch (expression)
        {
            case ParenthesizedExpressionSyntax inner:
                return Of(inner.Expression);
            case IdentifierNameSyntax name:
                return _locals.GetValueOrDefault(name.Identifier.Text, Unknown);
            case MemberAccessExpressionSyntax member when member.ToString() == "Group.IdxX":
                return new(0, threads - 1);
            case MemberAccessExpressionSyntax member when member.ToString().StartsWith("Grid.Idx", StringComparison.Ordinal):
                return Unknown with { Low = 0 };
            case BinaryExpressionSyntax operation:
                return Of(operation.Kind(), Of(operation.Left), Of(operation.Right));
            default:
                return Unknown;
        }
    }

    private static Range Of(SyntaxKind kind, Range a, Range b)
    {
        bool isKnown = Math.Max(Math.Abs(a.Low), Math.Abs(a.High)) < int.MaxValue && Math.Max(Math.Abs(b.Low), Math.Abs(b.High)) < int.MaxValue;
        return kind switch
        {
            SyntaxKind.AddExpression when isKnown => new(a.Low + b.Low, a.High + b.High),
            SyntaxKind.SubtractExpression when isKnown => new(a.Low - b.High, a.High - b.Low),
            SyntaxKind.MultiplyExpression when isKnown && a.Low >= 0 && b.Low >= 0 => new(a.Low * b.Low, a.High * b.High),
            SyntaxKind.AddExpression or SyntaxKind.MultiplyExpression when a.Low >= 0 && b.Low >= 0 => Unknown with { Low = 0 },
            SyntaxKind.DivideExpression when a.Low >= 0 && b.IsOne && b.Low > 0 => new(a.Low / b.Low, a.High / b.Low),
            SyntaxKind.BitwiseAndExpression when a.Low >= 0 && b.IsOne && b.Low >= 0 => a.IsOne ? new(a.Low & b.Low, a.Low & b.Low) : new(0, Math.Min(a.High, b.High)),
            SyntaxKind.ExclusiveOrExpression or SyntaxKind.BitwiseOrExpression when isKnown && a.Low >= 0 && b.Low >= 0 =>
                new(0, (1L << (64 - System.Numerics.BitOperations.LeadingZeroCount((ulong)(a.High | b.High)))) - 1),
            _ => Unknown,
        };
    }
}
