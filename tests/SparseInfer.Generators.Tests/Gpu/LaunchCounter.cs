using Microsoft.CodeAnalysis.CSharp.Syntax;
using SparseInfer.Generators.Declare;

namespace SparseInfer.Generators.Tests.Gpu;

/// <summary>
/// Counts what the generated text launches, by going through its statements as a device's host would: a session without a meter, whose
/// weights are all of the first type of their role.
/// </summary>
/// <param name="program">The generated class.</param>
/// <param name="session">The class in it whose methods are gone through.</param>
internal sealed class LaunchCounter(TypeDeclarationSyntax program, string session, ModelSpec spec, SparsityMode mode, int layers)
{
    private readonly TypeDeclarationSyntax _session = program.Members.OfType<TypeDeclarationSyntax>().Single(type => type.Identifier.Text == session);
    private readonly Dictionary<string, int> _counts = [];
    private int _layer;

    /// <summary>Launches of <c>Decode</c>, by the kernel's name.</summary>
    public IReadOnlyDictionary<string, int> Decode()
    {
        Call("Decode", matrix: null);
        return _counts;
    }

    /// <summary>The kernel that an invocation launches; null: it calls something else.</summary>
    public static string? Launched(InvocationExpressionSyntax call)
    {
        if (call.ArgumentList.Arguments.FirstOrDefault()?.ToString() is not { } first
            || !(first is "config" or "matrix" || first.StartsWith("new KernelConfig(", StringComparison.Ordinal)))
        {
            return null;
        }

        string name = Name(call);
        return char.ToUpperInvariant(name[0]) + name[1..];
    }

    private static string Name(InvocationExpressionSyntax call) => call.Expression.ToString().TrimEnd('!').Split('.')[^1].TrimStart('_');

    /// <param name="matrix">What the method's first argument is.</param>
    private void Call(string name, string? matrix)
    {
        MethodDeclarationSyntax? method = new[] { _session, program }
            .SelectMany(type => type.Members.OfType<MethodDeclarationSyntax>())
            .FirstOrDefault(method => method.Identifier.Text == name);
        if (method?.Body is { } body)
        {
            Run(body.Statements, matrix);
        }
    }

    private void Run(IEnumerable<StatementSyntax> statements, string? matrix)
    {
        foreach (StatementSyntax statement in statements)
        {
            Run(statement, matrix);
        }
    }

    private void Run(StatementSyntax statement, string? matrix)
    {
        switch (statement)
        {
            case ExpressionStatementSyntax { Expression: InvocationExpressionSyntax call }:
                if (Launched(call) is { } kernel)
                {
                    _counts[kernel] = _counts.GetValueOrDefault(kernel) + 1;
                }
                else
                {
                    Call(Name(call), call.ArgumentList.Arguments.FirstOrDefault()?.ToString());
                }

                break;
            case BlockSyntax block:
                Run(block.Statements, matrix);
                break;
            case ForEachStatementSyntax { Expression: var all } each when all.ToString() == "w.Heads":
                Run(each.Statement, matrix);
                break;
            case ForStatementSyntax { Condition: { } condition } loop when condition.ToString() == "layer < LayerCount":
                for (_layer = 0; _layer < layers; _layer++)
                {
                    Run(loop.Statement, matrix);
                }

                break;
            case IfStatementSyntax choice when Holds(choice.Condition.ToString(), matrix):
                Run(choice.Statement, matrix);
                break;
            case IfStatementSyntax choice:
                Run(choice.Else is { } otherwise ? [otherwise.Statement] : [], matrix);
                break;
            case SwitchStatementSyntax choice:
                Run((choice.Sections.FirstOrDefault(section => section.Labels.Any(label => IsMet(label, choice.Expression.ToString(), matrix)))
                    ?? choice.Sections.Single(section => section.Labels.Any(label => label is DefaultSwitchLabelSyntax))).Statements, matrix);
                break;
            case LocalDeclarationStatementSyntax or BreakStatementSyntax or ExpressionStatementSyntax { Expression: AssignmentExpressionSyntax }:
                break;
            default:
                throw new NotSupportedException($"Nobody counts {statement}");
        }
    }

    private bool Holds(string condition, string? matrix) => condition switch
    {
        "LogitsFrom == 0" or "_cache.Type == KeyValueType.F16" or "CacheOf(0).Type == KeyValueType.F16" => true,
        "Metering" or "meters" => false,
        "w.Gate.Type != w.Down.Type" or "w.Up.Type != w.Down.Type" => false, // the table is of one type
        "Mode == SparsityMode.Predicted" => mode == SparsityMode.Predicted,
        "w.Columns == Hidden" => matrix switch
        {
            "w.Output" => spec.Attention.Heads * spec.Attention.HeadDimension == spec.Hidden,
            "_program._vocabularySecond" => false, // as wide as a rank
            _ => true,
        },
        _ => throw new NotSupportedException($"Nobody knows whether {condition}"),
    };

    private bool IsMet(SwitchLabelSyntax label, string of, string? matrix) => label switch
    {
        CaseSwitchLabelSyntax { Value: var value } => value.ToString() == $"SparsityMode.{mode}" || value.ToString() == $"WeightType.{TypeOf(of, matrix)}",
        CasePatternSwitchLabelSyntax { WhenClause.Condition: IsPatternExpressionSyntax { Pattern: var pattern } } => mode == SparsityMode.Predicted && Matches(pattern),
        _ => false,
    };

    /// <summary>The weight type of the matrix that a switch is over: <c>w</c> is the one that a method got.</summary>
    private WeightType TypeOf(string expression, string? matrix)
    {
        string name = expression.EndsWith(".Type", StringComparison.Ordinal) ? expression[..^".Type".Length] : expression;
        return spec.TypesOf((name == "w" ? matrix : name) switch
        {
            "_program._embedding" => WeightRole.Embedding,
            "_program._head" => WeightRole.Head,
            "w.Gate" or "w.Up" or "w.Down" => WeightRole.FeedForward,
            _ => WeightRole.Attention,
        })[0];
    }

    private bool Matches(PatternSyntax pattern) => pattern switch
    {
        ConstantPatternSyntax constant => _layer == int.Parse(constant.ToString()),
        RelationalPatternSyntax { OperatorToken.Text: "<=" } most => _layer <= int.Parse(most.Expression.ToString()),
        RelationalPatternSyntax { OperatorToken.Text: ">=" } least => _layer >= int.Parse(least.Expression.ToString()),
        ParenthesizedPatternSyntax inner => Matches(inner.Pattern),
        BinaryPatternSyntax { OperatorToken.Text: "or" } either => Matches(either.Left) || Matches(either.Right),
        BinaryPatternSyntax { OperatorToken.Text: "and" } both => Matches(both.Left) && Matches(both.Right),
        _ => throw new NotSupportedException($"Nobody knows whether a layer is {pattern}"),
    };
}
