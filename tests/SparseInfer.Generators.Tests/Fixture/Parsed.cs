using Microsoft.CodeAnalysis;
using SparseInfer.Generators.Declare;

namespace SparseInfer.Generators.Tests.Fixture;

/// <summary>What the parsers make of a source.</summary>
internal static class Parsed
{
    public static ModelSpec? Model(string source, string type = "M") =>
        DeclarationLanguage.Reader.Model(UserCode.Compile(source).GetTypeByMetadataName(type).ShouldNotBeNull(), CancellationToken.None);

    public static LayerSpec? Layer(string source, string type = "Layers", string property = "Mlp") =>
        DeclarationLanguage.Reader.Layer(Member(source, type, property), CancellationToken.None);

    public static ISymbol Member(string source, string type, string member) =>
        UserCode.Compile(source).GetTypeByMetadataName(type).ShouldNotBeNull().GetMembers(member).ShouldHaveSingleItem();
}
