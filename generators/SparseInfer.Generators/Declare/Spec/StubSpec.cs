using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Declare;

/// <summary>What a declaration that breaks a rule still needs, so that the code around it compiles.</summary>
/// <param name="Message">What is thrown where the stub runs: the rule's id and message.</param>
internal abstract record StubSpec(TargetSpec Target, string Message);

/// <summary>The stub of a model.</summary>
/// <param name="Keyword">What the type is: <c>class</c>, <c>record</c>, ...</param>
/// <param name="Derives">Whether it can derive from <c>LanguageModel</c>; else <c>Load</c> only returns one.</param>
/// <param name="HasShape">Whether nothing is in the way of <c>DeclaredShape</c>.</param>
/// <param name="Loads">Types of the first parameters with which nothing is in the way of <c>Load</c>, in full.</param>
internal sealed record ModelStub(
    TargetSpec Target, string Message, string Keyword, bool Derives, bool HasShape, EquatableArray<string> Loads) : StubSpec(Target, Message);

/// <summary>The stub of a layer's property.</summary>
/// <param name="Declaration">Modifiers, type and name.</param>
/// <param name="Accessors">With their modifiers: <c>get</c>, <c>private set</c>.</param>
internal sealed record LayerStub(TargetSpec Target, string Message, string Declaration, EquatableArray<string> Accessors)
    : StubSpec(Target, Message);
