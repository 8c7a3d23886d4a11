using System.Reflection;
using ILGPU;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using SparseInfer.Cli.Compilation;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Cli.Inspect;

/// <summary>A generated kernel.</summary>
/// <param name="ClassName">Its class.</param>
/// <param name="Name">Its name there.</param>
/// <param name="Method">The method that a device runs.</param>
/// <param name="SharedBytes">Shared memory of a group, as the method allocates it.</param>
internal sealed record KernelMethod(string ClassName, string Name, MethodInfo Method, int SharedBytes);

/// <summary>Finds the kernels in what was generated.</summary>
internal static class KernelList
{
    /// <summary>Static methods without a result that take views, or structures of views.</summary>
    public static IReadOnlyList<KernelMethod> Of(CompiledModel compiled)
    {
        Dictionary<(string, string), int> shared = SharedMemory(compiled.Generated);
        return
        [
            .. from type in compiled.Assembly.GetTypes()
               where type.Name.Contains("Ilgpu", StringComparison.Ordinal)
               from method in type.GetMethods(BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)
               where method.IsAssembly && method.ReturnType == typeof(void) && method.GetParameters().Any(IsView)
               from kernel in Forms(method)
               select new KernelMethod(type.Name, kernel.Name, kernel.Method, shared.GetValueOrDefault((type.Name, method.Name))),
        ];
    }

    /// <summary>A method as it is launched; one that a meter is a type argument of, as both.</summary>
    private static (string Name, MethodInfo Method)[] Forms(MethodInfo method) => method.IsGenericMethodDefinition
        ?
        [
            (method.Name, method.MakeGenericMethod(typeof(MeterOff))),
            (method.Name + "Metered", method.MakeGenericMethod(typeof(MeterOn))),
        ]
        : [(method.Name, method)];

    private static bool IsView(ParameterInfo parameter) =>
        parameter.ParameterType.IsGenericType && parameter.ParameterType.GetGenericTypeDefinition() == typeof(ArrayView<>);

    /// <summary>What each method allocates: the code itself says it, so that it is what a device is asked for.</summary>
    private static Dictionary<(string, string), int> SharedMemory(IEnumerable<(string Name, string Text)> files) => files
        .Where(file => file.Name.Contains("Ilgpu", StringComparison.Ordinal))
        .SelectMany(file => CSharpSyntaxTree.ParseText(file.Text, ModelCompiler.ParseOptions).GetRoot().DescendantNodes())
        .OfType<MethodDeclarationSyntax>()
        .Where(method => method.Parent is ClassDeclarationSyntax && method.Modifiers.Any(SyntaxKind.StaticKeyword))
        .ToDictionary(
            method => (((ClassDeclarationSyntax)method.Parent!).Identifier.ValueText, method.Identifier.ValueText),
            method => method.DescendantNodes().OfType<InvocationExpressionSyntax>().Sum(Allocated));

    private static int Allocated(InvocationExpressionSyntax call) => call is
    {
        Expression: MemberAccessExpressionSyntax
        {
            Expression: IdentifierNameSyntax { Identifier.ValueText: "SharedMemory" },
            Name: GenericNameSyntax { TypeArgumentList.Arguments: [var element] },
        },
        ArgumentList.Arguments: [{ Expression: var count }],
    }
        ? Constant(count) * (element.ToString() is "Float4" or "Words4" ? 16 : 4)
        : 0;

    /// <summary>A number, or what a constant of the class around it is.</summary>
    private static int Constant(ExpressionSyntax expression) => expression switch
    {
        LiteralExpressionSyntax { Token.Value: int number } => number,
        IdentifierNameSyntax name => expression.FirstAncestorOrSelf<ClassDeclarationSyntax>()!.Members.OfType<FieldDeclarationSyntax>()
            .SelectMany(field => field.Declaration.Variables)
            .Where(constant => constant.Identifier.ValueText == name.Identifier.ValueText)
            .Select(constant => Constant(constant.Initializer!.Value))
            .Single(),
        _ => throw new InvalidOperationException($"'{expression}' is not a constant that is understood here."),
    };
}
