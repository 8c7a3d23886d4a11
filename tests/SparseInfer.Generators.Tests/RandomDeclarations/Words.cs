namespace SparseInfer.Generators.Tests.RandomDeclarations;

/// <summary>Names and values to choose from: what users write, and what they should not.</summary>
internal static class Words
{
    /// <summary>Few, so that they collide: equal but for case, or across a separator.</summary>
    public static readonly string[] Names =
    [
        "M", "m", "N", "A", "a", "B", "A_", "_B", "A_B", "A__B", "_", "__", "C", "Mlp", "MLP", "Layers", "Model", "K", "I", "i",
        "Stories", "Zoo", "Llama", "llama", "P", "Q", "R", "S", "T", "X_Cpu", "X", "Y", "Z",
    ];

    /// <summary>Names of what is generated or of what generated code names, keywords, escapes, letters outside of ASCII.</summary>
    public static readonly string[] OddNames =
    [
        "Load", "load", "Cpu", "CPU", "Ilgpu", "DeclaredShape", "CreateProgram", "Kernels", "Shared", "State", "Weights", "Shape", "Device",
        "LanguageModel", "FeedForwardKernel", "Session", "Span", "Math", "MathF", "Unsafe", "Half", "Vector256", "String", "Object", "Index",
        "FeedForward_64x96_Relu_F16", "FeedForward_64x96_Relu_F16_Ilgpu", "FeedForward_64x96_Relu_F32", "M_Cpu", "M_Ilgpu", "Layers_Mlp_Cpu",
        "System", "ILGPU", "SparseInfer", "Generated", "Runtime", "Attention", "DecoderModel", "FeedForward",
        "@class", "@event", "@namespace", "@static", "@int", "@record", "@file", "@var", "@dynamic", "@async", "@await", "@field", "@value",
        "@partial", "@required", "@scoped", "@extension", "@global", "@get", "@where", "@nint", "@_", "@M", "\\u0041", "@\\u0063lass",
        "Größe", "ſ", "\u212a", "İ", "ı", "Ⅷ", "a‿b", "e\u0301", "é", "型", "a\u200Db",
    ];

    public static readonly string[] Namespaces = ["", "", "A", "a", "A.B", "A_B", "A_.B", "A._B", "M", "Zoo", "Zoo.A", "Models", "Models.A"];

    public static readonly string[] OddNamespaces =
    [
        "System", "System.Runtime", "ILGPU", "Zoo.System", "Zoo.ILGPU", "Zoo.SparseInfer", "Generated", "@namespace.@event", "@global",
        "SparseInfer", "SparseInfer.System", "SparseInfer.ILGPU", "SparseInfer.Generated", "SparseInfer.Runtime", "SparseInfer.Kernels",
        "SparseInfer.Generated.System", "SparseInfer.Generated.SparseInfer", "SparseInfer.Zoo",
    ];

    public static readonly string[] Containers =
    [
        "public static partial class", "public static partial class", "public static partial class", "internal static partial class",
        "partial class", "partial class", "public partial struct", "partial record", "partial record struct", "partial interface",
        "sealed partial class", "abstract partial class", "readonly partial struct", "ref partial struct", "unsafe partial class",
        "partial record class", "public partial class", "public partial interface", "private partial class", "protected partial class",
        "file static partial class", "static class", "class", "struct", "record", "interface", "new partial class", "partial enum", "enum",
        "delegate", "partial delegate", "partial static class", "partial", "protected internal static partial class", "private protected partial struct",
    ];

    /// <summary>What may follow a type's name.</summary>
    public static readonly string[] Tails = ["", "<T>", "(int x)", " : System.IDisposable", "<T> where T : class", "()", " : object"];

    public static readonly string[] LayerModifiers =
    [
        "static partial", "internal static partial", "private static partial", "partial static", "static partial internal", "partial",
        "static", "", "public static", "protected static partial", "private protected static partial", "static new partial",
        "static extern partial", "static unsafe partial", "static virtual partial", "static abstract partial", "static async partial",
        "public required partial", "static readonly partial", "static public partial", "public const", "static sealed partial", "override partial",
    ];

    public static readonly string[] LayerTypes =
    [
        "global::SparseInfer.FeedForwardKernel", "SparseInfer.FeedForwardKernel", "FeedForwardKernel?", "object", "ref FeedForwardKernel",
        "var", "Missing", "FeedForwardKernel[]", "dynamic", "ref readonly FeedForwardKernel", "(FeedForwardKernel, int)", "void", "T", "M",
    ];

    public static readonly string[] Accessors =
    [
        "{ get; set; }", "{ get; init; }", "=> null!;", "{ get => null!; }", "{ get; } = null!;", "{ private get; }", "{ }", "{ set; }",
        "{ get; get; }", "{ get { return null!; } }", "() { }", ";", "() => null!;", "{ readonly get; }", "{ add { } remove { } }", "{ [A] get; }",
    ];

    public static readonly string[] ModelModifiers =
    [
        "partial", "internal partial", "public partial", "internal sealed partial", "static partial", "abstract partial", "sealed", "",
        "file sealed partial", "private partial", "protected partial", "private protected sealed partial", "new partial", "unsafe partial",
        "sealed partial public", "partial sealed", "readonly partial", "public public partial", "required partial",
    ];

    public static readonly string[] ModelKeywords = ["record", "record class", "struct", "record struct", "interface", "enum", "partial class"];

    /// <summary>What users put into a model's class beside what is generated; <c>$</c> is the class.</summary>
    public static readonly string[] Members =
    [
        "public int Load;", "public void Load() { }", "public static $ Load(string path) => null!;", "public class Load { }",
        "public int Load { get; set; }", "public static object Load(string path, object device) => path;", "public event System.Action Load;",
        "public int DeclaredShape;", "public int DeclaredShape() => 0;", "public enum DeclaredShape { }", "public int CreateProgram;",
        "public static int CreateProgram(int x) => x;", "public class CreateProgram { }", "public int load, cpu, ilgpu;", "public class Cpu { }",
        "public class Ilgpu { }", "public required int Width { get; set; }", "public required int Width;", "static int s_count = 1;",
        "public class SparseInfer { }", "public class System { }", "public class ILGPU { }", "public int global;", "public int SparseInfer => 1;",
        "public string Name => \"\";", "public int Shape => 1;", "public void Dispose() { }", "public override string ToString() => \"\";",
        "public override bool Equals(object o) => true;", "public int this[int i] => i;", "public static implicit operator int($ m) => 1;",
        "public void GenerateAsync() { }", "public static bool operator true($ m) => true;", "private int _program;", "protected int Session;",
        "public class Generated { }", "public class Device { }", "public const int Hidden = 1;", "public static string string_ = \"\";",
        "static $() { }", "~$() { }", "public $() : this(null!) { }", "private $(SparseInfer.Runtime.LoadedModel loaded) : base(loaded) { }",
        "public $(int x) { }", "private $() { }", "public $(object loaded) : this((SparseInfer.Runtime.LoadedModel)loaded) { }",
        "[System.Diagnostics.CodeAnalysis.SetsRequiredMembers] public $(string s) : this((SparseInfer.Runtime.LoadedModel)null!) { }",
        "public static $ Load(SparseInfer.Files.ModelFile file, SparseInfer.Device device = null, SparseInfer.LoadOptions options = null) => null!;",
        "public class $_ { }", "public partial class Inner { }", "partial void OnLoad();", "public void Deconstruct(out int a, out int b) => a = b = 1;",
    ];

    public static readonly string[] Ints =
    [
        "0", "-1", "1", "2", "3", "7", "33", "64", "65", "int.MaxValue", "int.MinValue", "4096", "(1 << 20) + 1", "1025", "4194305", "\"64\"",
        "1.5", "null", "'@'", "64L", "uint.MaxValue", "default", "System.Math.Max(1, 2)", "Missing", "true", "(int)WeightType.F16",
        "WeightType.F16", "sizeof(int)", "0x40", "unchecked((int)4000000000u)", "typeof(int)", "new int()", "2147483648", "-(1)",
        "checked(int.MaxValue + 1)", "64 / 0", "(byte)64", "new[] { 64 }", "nameof(M).Length", "", "64,", "(64", "!", "throw null!", "x => x",
    ];

    public static readonly string[] Floats =
    [
        "0", "-1", "1", "98", "101", "100", "1e5f", "0.001f", "-0f", "float.NaN", "float.PositiveInfinity", "float.NegativeInfinity", "float.Epsilon",
        "float.MaxValue", "1e39", "1e-50f", "0.1", "1.0000001f", "\"1\"", "null", "default", "'a'", "true", "1 / 0f", "1m", "int.MaxValue", "Missing",
        "0.0099999998f", "(float)0.1", "1e-30f", "WeightType.F16",
    ];

    public static readonly string[] Activations =
    [
        "Activation.Relu", "Activation.FatRelu", "Activation.SquaredRelu", "Activation.DRelu", "Activation.Silu", "Activation.Gelu",
        "Activation.GaussianTopK", "(Activation)77", "(Activation)(-1)", "0", "1", "Activation.Missing", "\"Relu\"", "WeightType.F16", "null", "default",
        "Activation.Relu | Activation.Silu", "SparseInfer.Activation.Gelu", "(Activation)int.MinValue",
    ];

    public static readonly string[] Pairings =
        ["RopePairing.HalfSplit", "RopePairing.Interleaved", "(RopePairing)2", "1", "0", "null", "RopePairing.Missing", "(RopePairing)(-9)"];

    public static readonly string[] Gatings = ["ExpertGating.Softmax", "ExpertGating.Sigmoid", "(ExpertGating)2", "1", "null", "RouterInput.Layer"];

    public static readonly string[] Routers = ["RouterInput.FeedForward", "RouterInput.Layer", "(RouterInput)(-1)", "0", "default", "ExpertGating.Softmax"];

    public static readonly string[] PredictorInputs =
        ["PredictorInput.Residual", "PredictorInput.Normed", "(PredictorInput)0", "default", "null", "1", "RouterInput.Layer"];

    public static readonly string[] Bools = ["true", "false", "0", "null", "!false", "\"true\"", "default", "1 == 1"];

    public static readonly string[] Weights =
    [
        "WeightType.F32", "WeightType.F16", "WeightType.BF16", "WeightType.Q8_0", "WeightType.Q4_0", "WeightType.Q5_1", "WeightType.Q4_K", "(WeightType)99", "(WeightType)(-1)", "0", "null",
        "default", "new[] { WeightType.F16 }", "new WeightType[0]", "[WeightType.F16]", "(WeightType[])null!", "[.. new WeightType[1]]", "types: WeightType.F32",
        "\"F16\"", "WeightType.F64", "(WeightType)true", "new WeightType[2]", "new[] { WeightType.F16, WeightType.F16 }", "(WeightType)1.5", "1", "typeof(int)",
    ];

    public static readonly string[] Ranges =
    [
        "\"\"", "\"0\"", "\"0..\"", "\"..\"", "\"..0\"", "\"1..\"", "\"0, 1..\"", "\"0..1, 1\"", "\"5..2\"", "\"0..99\"", "\"a\"", "\"0-1\"", "null",
        "\"99999999999\"", "\"-1\"", "\" \"", "\"\\n\"", "\"\\0\"", "\"\\\"*/\"", "\"٣\"", "nameof(M)", "0", "default", "\"0\" + \"..\"", "\"{0}\"",
        "\"0,,1\"", "\"0...\"", "$\"{0}..\"", "\"\"\"0..\"\"\"", "@\"0..\"", "\"\\ud800\"",
    ];

    public static readonly string[] Targets =
    [
        "\"orin-agx-64\"", "\"sm_87\"", "\"default\"", "\"orin-nano-4\"", "\"ORIN\"", "\"\"", "null", "\"sm_\"", "\"\\n\"", "87", "\"a\", \"b\"", "default",
        "\"{0}\"", "new string('a', 3)", "device: \"sm_87\"", "\"\\ud800\"",
    ];
}
