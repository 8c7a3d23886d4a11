using System.Reflection;
using Microsoft.CodeAnalysis;
using SparseInfer.Generators.Tests.Fixture;

namespace SparseInfer.Generators.Tests.Parse;

/// <summary>What lets the compiler skip generation: equal declarations are equal specs, and a spec keeps no compilation alive.</summary>
public sealed class SpecEqualityTests
{
    private static readonly string Model = Declared.Model("[SignBitPredictor(Alpha = 1.1f)]", "[Embedding]");

    [Fact]
    public void Two_parses_of_one_source_are_equal()
    {
        Parsed.Model(Model).ShouldBe(Parsed.Model(Model));
        Parsed.Model(Model)!.GetHashCode().ShouldBe(Parsed.Model(Model)!.GetHashCode());
        Parsed.Layer(Declared.Layer()).ShouldBe(Parsed.Layer(Declared.Layer()));
        Parsed.Layer(Declared.Layer())!.GetHashCode().ShouldBe(Parsed.Layer(Declared.Layer())!.GetHashCode());
    }

    [Theory]
    [InlineData("[Attention(Heads = 8)]", "/* why */ [AttentionAttribute(KeyValueHeads = 0x8, Heads = 2 * 4)]")]
    [InlineData("Alpha = 1.1f", "Layers = \"5..\", Alpha = 1.1f), SignBitPredictor(Alpha = 1.10f, Layers = \"..4\"")]
    [InlineData("[Embedding]", "")]
    [InlineData("[Embedding]", "[Target(\"default\")]")]
    [InlineData("sealed partial class M;", "sealed partial class M { int Unrelated => 1; }")]
    public void The_same_said_otherwise_is_equal(string written, string otherwise) =>
        Parsed.Model(Model.Replace(written, otherwise)).ShouldNotBeNull().ShouldBe(Parsed.Model(Model));

    [Theory]
    [InlineData("Hidden = 256", "Hidden = 512")]
    [InlineData("Layers = 8", "Layers = 9")]
    [InlineData("Vocabulary = 512", "Vocabulary = 513")]
    [InlineData("Context = 128", "Context = 129")]
    [InlineData("Heads = 8", "Heads = 4")]
    [InlineData("Heads = 8", "Heads = 8, RopeTheta = 10001")]
    [InlineData("Intermediate = 704", "Intermediate = 705")]
    [InlineData("Intermediate = 704", "Intermediate = 704, Gated = false")]
    [InlineData("[RmsNorm]", "[LayerNorm]")]
    [InlineData("[RmsNorm]", "[RmsNorm(Epsilon = 1e-6f)]")]
    [InlineData("1.1f", "1.11f")]
    [InlineData("SignBitPredictor(Alpha = 1.1f)", "Dense")]
    [InlineData("[Embedding]", "[Embedding(Tied = true)]")]
    [InlineData("WeightType.F16", "WeightType.F32")]
    [InlineData("WeightType.F16", "WeightType.F16, WeightType.F32")]
    [InlineData("public sealed", "sealed")]
    [InlineData("public sealed", "[Target(\"orin-nano-4\")] public sealed")]
    public void A_change_is_a_change(string written, string changed) =>
        Parsed.Model(Model.Replace(written, changed)).ShouldNotBeNull().ShouldNotBe(Parsed.Model(Model));

    [Fact]
    public void Another_target_is_another_layer() =>
        Parsed.Layer(Declared.Layer("[Target(\"orin-nano-4\")]")).ShouldNotBeNull().ShouldNotBe(Parsed.Layer(Declared.Layer()));

    [Fact]
    public void Nothing_of_the_compilation_is_reachable_from_a_spec()
    {
        Walk(Parsed.Model(Model).ShouldNotBeNull()).ShouldContain("SignBitSpec");
        Walk(Parsed.Layer(Declared.Layer()).ShouldNotBeNull()).ShouldContain("FeedForwardSpec");
    }

    /// <summary>Visits every object reachable through fields; returns the names of their types.</summary>
    private static HashSet<string> Walk(object root)
    {
        var names = new HashSet<string>();
        var seen = new HashSet<object>(ReferenceEqualityComparer.Instance);
        var open = new Stack<object>([root]);
        while (open.TryPop(out object? value))
        {
            (value is ISymbol or SyntaxNode or SyntaxTree or SemanticModel or Compilation or Location or AttributeData)
                .ShouldBeFalse(value.GetType().FullName);
            names.Add(value.GetType().Name);
            if (value is string || value.GetType().IsPrimitive || value.GetType().IsEnum || !seen.Add(value))
            {
                continue;
            }

            foreach (object inner in value is Array array ? array.Cast<object>() : Fields(value))
            {
                open.Push(inner);
            }
        }

        return names;
    }

    private static IEnumerable<object> Fields(object value)
    {
        const BindingFlags Declared = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;
        for (Type? type = value.GetType(); type is not null; type = type.BaseType)
        {
            foreach (FieldInfo field in type.GetFields(Declared))
            {
                if (field.GetValue(value) is { } inner)
                {
                    yield return inner;
                }
            }
        }
    }
}
