using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace SparseInfer.Generators.Tests.Gpu;

/// <summary>
/// What ILGPU 1.5.3 compiles, narrowed to what is known to come out well: everything else in a device function is a violation. Some of it
/// fails to compile, some compiles into a module that no driver loads, some into slow code.
/// </summary>
internal static class KernelRules
{
    /// <summary>Functions of the base library that are an instruction or two, and one that is none: it says how a view is aligned.</summary>
    private static readonly HashSet<string> Functions =
    [
        "System.MathF.Max", "System.MathF.Min", "System.MathF.Abs", "System.MathF.Sqrt", "ILGPU.Runtime.ArrayViewExtensions.AsAligned",
    ];

    private static readonly HashSet<SyntaxKind> Statements =
    [
        SyntaxKind.Block, SyntaxKind.LocalDeclarationStatement, SyntaxKind.ExpressionStatement, SyntaxKind.IfStatement,
        SyntaxKind.ForStatement, SyntaxKind.ReturnStatement,
    ];

    private static readonly HashSet<SyntaxKind> Expressions =
    [
        SyntaxKind.IdentifierName, SyntaxKind.GenericName, SyntaxKind.SimpleMemberAccessExpression, SyntaxKind.InvocationExpression,
        SyntaxKind.ElementAccessExpression, SyntaxKind.ParenthesizedExpression, SyntaxKind.ConditionalExpression, SyntaxKind.CastExpression,
        SyntaxKind.ObjectCreationExpression, SyntaxKind.ImplicitObjectCreationExpression, SyntaxKind.PredefinedType,
        SyntaxKind.NumericLiteralExpression, SyntaxKind.TrueLiteralExpression, SyntaxKind.FalseLiteralExpression,
        SyntaxKind.DefaultLiteralExpression, SyntaxKind.SimpleAssignmentExpression, SyntaxKind.AddAssignmentExpression, SyntaxKind.SubtractAssignmentExpression,
        SyntaxKind.OrAssignmentExpression, SyntaxKind.AndAssignmentExpression, SyntaxKind.AddExpression, SyntaxKind.SubtractExpression,
        SyntaxKind.MultiplyExpression, SyntaxKind.DivideExpression, SyntaxKind.ModuloExpression, SyntaxKind.LeftShiftExpression,
        SyntaxKind.RightShiftExpression, SyntaxKind.BitwiseAndExpression, SyntaxKind.BitwiseOrExpression, SyntaxKind.ExclusiveOrExpression,
        SyntaxKind.LogicalAndExpression, SyntaxKind.LogicalOrExpression, SyntaxKind.EqualsExpression, SyntaxKind.NotEqualsExpression,
        SyntaxKind.LessThanExpression, SyntaxKind.LessThanOrEqualExpression, SyntaxKind.GreaterThanExpression,
        SyntaxKind.GreaterThanOrEqualExpression, SyntaxKind.UnaryMinusExpression, SyntaxKind.BitwiseNotExpression, SyntaxKind.PostIncrementExpression,
    ];

    /// <summary>What breaks a rule in one method.</summary>
    /// <param name="method">The method, or a constructor, operator or property.</param>
    /// <param name="isKernel">
    /// Whether it is launched. A function that kernels call may not make lanes meet, but for those of <c>Lanes</c>, which are nothing else.
    /// </param>
    public static IEnumerable<string> Violations(SemanticModel model, MemberDeclarationSyntax method, bool isKernel)
    {
        foreach (string movable in method.DescendantNodes().OfType<BlockSyntax>().SelectMany(MovableLoads))
        {
            yield return movable;
        }

        foreach (SyntaxNode node in method.DescendantNodes(inner => inner is not (AttributeListSyntax or TypeParameterConstraintClauseSyntax)))
        {
            string? wrong = node switch
            {
                _ when IsOfPtx(node) => null,
                StatementSyntax when !Statements.Contains(node.Kind()) => "is a statement that kernels do not have",
                ExpressionSyntax when IsName(node) => null,
                ExpressionSyntax when !Expressions.Contains(node.Kind()) => "is an expression that kernels do not have",
                BinaryExpressionSyntax { RawKind: (int)SyntaxKind.ModuloExpression } remainder when IsPowerOfTwo(model, remainder.Right) =>
                    "is a division, where a mask would do",
                ExpressionSyntax => Symbol(model, node, method, isKernel),
                ParameterSyntax parameter when isKernel && parameter.Modifiers.Any() => "is a reference",
                _ => null,
            };
            wrong ??= node is VariableDeclarationSyntax { Type: RefTypeSyntax or PointerTypeSyntax } ? "is a reference" : null;
            if (wrong is not null)
            {
                yield return $"'{node}' {wrong}";
            }
        }
    }

    /// <summary>
    /// ILGPU moves a load, and what is computed of it, to where that is used, and may go past the barrier that ends the run
    /// of statements they stand in. What is stored or shuffled before that stays where it is, and so does its load.
    /// </summary>
    private static IEnumerable<string> MovableLoads(BlockSyntax block)
    {
        // Loads that may still move; and the loads that a local's value is made of.
        var movable = new HashSet<ElementAccessExpressionSyntax>();
        var origins = new Dictionary<string, HashSet<ElementAccessExpressionSyntax>>();
        foreach (StatementSyntax statement in block.Statements)
        {
            if (statement is IfStatementSyntax or ForStatementSyntax)
            {
                movable.Clear();
                origins.Clear();
                continue;
            }

            bool stores = statement is ExpressionStatementSyntax
            {
                Expression: AssignmentExpressionSyntax { Left: ElementAccessExpressionSyntax },
            };
            bool shuffles = statement.DescendantNodes().OfType<InvocationExpressionSyntax>()
                .Any(call => call.ToString().StartsWith("Lanes.", StringComparison.Ordinal));
            HashSet<ElementAccessExpressionSyntax> used = [.. statement.DescendantNodes().OfType<IdentifierNameSyntax>()
                .SelectMany(name => origins.GetValueOrDefault(name.Identifier.Text) ?? [])];
            if (stores || shuffles)
            {
                movable.ExceptWith(used);
            }

            if (statement.ToString() == "Group.Barrier();" && movable.Count > 0)
            {
                yield return $"'{movable.First()}' is loaded in the same run of statements as a barrier";
            }

            if (!stores && Assigned(statement) is string local)
            {
                used.UnionWith(statement.DescendantNodes().OfType<ElementAccessExpressionSyntax>());
                movable.UnionWith(statement.DescendantNodes().OfType<ElementAccessExpressionSyntax>());
                origins[local] = used;
            }
        }
    }

    /// <summary>The local that a statement gives a value.</summary>
    private static string? Assigned(StatementSyntax statement) => statement switch
    {
        LocalDeclarationStatementSyntax { Declaration.Variables: [var variable] } => variable.Identifier.Text,
        ExpressionStatementSyntax { Expression: AssignmentExpressionSyntax { Left: IdentifierNameSyntax name } } => name.Identifier.Text,
        _ => null,
    };

    /// <summary>ILGPU makes a shift of such a division, but no mask of its remainder.</summary>
    private static bool IsPowerOfTwo(SemanticModel model, ExpressionSyntax divisor) =>
        model.GetConstantValue(divisor).Value is int value && int.IsPow2(value);

    /// <summary>Names in declarations and on the left of a dot are looked at where they are used.</summary>
    private static bool IsName(SyntaxNode node) => node is QualifiedNameSyntax or AliasQualifiedNameSyntax;

    private static string? Symbol(SemanticModel model, SyntaxNode node, MemberDeclarationSyntax method, bool isKernel)
    {
        ITypeSymbol? type = model.GetTypeInfo(node).Type;
        if (type is not null && !IsType(type) && !(type.SpecialType == SpecialType.System_Double && IsOfDoubles(method)))
        {
            return $"is a {type}";
        }

        ISymbol? symbol = model.GetSymbolInfo(node).Symbol;
        return symbol switch
        {
            IFieldSymbol { IsStatic: true, IsConst: false } => "is a static field",
            IMethodSymbol { ContainingType: { } inside } called when SymbolEqualityComparer.Default.Equals(called, model.GetDeclaredSymbol(method)) =>
                $"calls {inside.Name}'s own method: a recursion",
            IMethodSymbol called when IsPtx(called) =>
                node is not InvocationExpressionSyntax || IsGuarded(node) || IsOfTensorCores(model, method) ? null : "writes PTX for devices that have none",
            IMethodSymbol called when Meets(called) => Meeting(node, called, method, model, isKernel),
            IMethodSymbol called when !IsKnown(called) => $"calls {called.ContainingType}.{called.Name}",
            _ => null,
        };
    }

    /// <summary>Doubles are slow, and mostly a mistake: a method that has some gets views of them.</summary>
    private static bool IsOfDoubles(MemberDeclarationSyntax method) =>
        method is MethodDeclarationSyntax { ParameterList.Parameters: var parameters } && parameters.Any(parameter => parameter.Type?.ToString() == "ArrayView<double>");

    /// <summary>Shuffles, barriers and shared memory: all lanes have to come to them.</summary>
    private static bool Meets(IMethodSymbol called) =>
        (called.ContainingNamespace.ToDisplayString() == "ILGPU"
        && (called.ContainingType.Name is "Warp" or "SharedMemory" || called is { ContainingType.Name: "Group", MethodKind: MethodKind.Ordinary }))
        || IsLanes(called.ContainingType);

    private static bool IsLanes(INamedTypeSymbol type) => type.Name == "Lanes" && type.ContainingNamespace.ToDisplayString() == "SparseInfer.Kernels.Ilgpu";

    /// <summary>
    /// Kernels meet in statements of their own, where readers see them, and shuffle in <c>Lanes</c> only; <c>Lanes</c> does nothing but shuffle.
    /// </summary>
    private static string? Meeting(SyntaxNode node, IMethodSymbol called, MemberDeclarationSyntax method, SemanticModel model, bool isKernel)
    {
        if (node is not InvocationExpressionSyntax)
        {
            return null;
        }

        bool isShuffle = called.ContainingType.Name == "Warp";
        bool isInLanes = model.GetDeclaredSymbol(method)?.ContainingType is { } type && IsLanes(type);
        bool alone = node.Parent is ExpressionStatementSyntax
            or AssignmentExpressionSyntax { Parent: ExpressionStatementSyntax, RawKind: (int)SyntaxKind.SimpleAssignmentExpression, Left: IdentifierNameSyntax }
            or EqualsValueClauseSyntax { Parent.Parent.Parent: LocalDeclarationStatementSyntax };
        bool isNarrow = called.TypeArguments.Concat(called.Parameters.Select(parameter => parameter.Type)).All(type => type.Name != "Half");
        return isShuffle && !isNarrow ? "shuffles halves"
            : isInLanes ? (isShuffle || IsLanes(called.ContainingType) ? null : "makes lanes meet in a function")
            : !isKernel ? "makes lanes meet in a function"
            : !alone ? "makes lanes meet inside an expression"
            : isShuffle ? "shuffles, where a function of Lanes would do"
            : null;
    }

    private static bool IsPtx(IMethodSymbol called) => called is { Name: "Emit" or "EmitRef", ContainingType.Name: "CudaAsm" };

    /// <summary>The text and the result of an instruction of PTX; no string otherwise, and nothing else is declared inside an expression.</summary>
    private static bool IsOfPtx(SyntaxNode node) =>
        node is LiteralExpressionSyntax { RawKind: (int)SyntaxKind.StringLiteralExpression } or DeclarationExpressionSyntax
        && node.Parent is ArgumentSyntax { Parent.Parent: InvocationExpressionSyntax call }
        && call.Expression.ToString() is "CudaAsm.Emit" or "CudaAsm.EmitRef";

    /// <summary>Whether PTX stands where ILGPU compiles for CUDA only: other devices take what comes after.</summary>
    private static bool IsGuarded(SyntaxNode node) => node.Ancestors().OfType<IfStatementSyntax>()
        .Any(guard => guard.Condition.ToString() == "CudaAsm.IsSupported" && guard.Statement.Contains(node)
            && guard.Parent is BlockSyntax block && block.Statements.Last() != guard);

    /// <summary>Kernels that multiply on tensor cores are compiled for devices that have them only: there is no plain code beside.</summary>
    private static bool IsOfTensorCores(SemanticModel model, MemberDeclarationSyntax method) =>
        model.GetDeclaredSymbol(method)?.ContainingType is { Name: "TensorCore" } type
        && type.ContainingNamespace.ToDisplayString() == "SparseInfer.Kernels.Ilgpu";

    private static bool IsKnown(IMethodSymbol called) =>
        called.MethodKind == MethodKind.BuiltinOperator
        || called.ContainingType.Locations.Any(location => location.IsInSource)
        || called.ContainingNamespace.ToDisplayString() is "ILGPU" or "SparseInfer.Kernels.Ilgpu"
        || Functions.Contains($"{called.ContainingType}.{called.Name}");

    /// <summary>Numbers, ILGPU's types, and structs of ours.</summary>
    private static bool IsType(ITypeSymbol type) => type.SpecialType switch
    {
        SpecialType.System_Object or SpecialType.System_String or SpecialType.System_Decimal or SpecialType.System_Double or SpecialType.System_Array => false,
        SpecialType.None => type.TypeKind != TypeKind.Array && (
            IsOfIlgpu(type)
            || type.ContainingNamespace?.ToDisplayString() is "SparseInfer.Kernels.Ilgpu" or "SparseInfer.Generated" or "SparseInfer.Runtime"
            || type is { IsStatic: true } or { TypeKind: TypeKind.Error }
            || type.ToDisplayString() == "System.MathF"),
        _ => true,
    };

    private static bool IsOfIlgpu(ITypeSymbol type)
    {
        string space = type.ContainingNamespace?.ToDisplayString() ?? "";
        return space == "ILGPU" || space.StartsWith("ILGPU.", StringComparison.Ordinal);
    }
}
