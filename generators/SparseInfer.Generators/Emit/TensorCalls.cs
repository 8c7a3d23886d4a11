using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Emit;

/// <summary>
/// How a model's generated programs say which tensors they want, and ask a <c>WeightBinder</c> for each: the CPU's has the table, for both.
/// </summary>
internal sealed class TensorCalls(ModelSpec spec, ModelProgram program)
{
    private readonly IReadOnlyList<(Tensor Tensor, LayerSet Layers)> _ofPolicies = program.Layer.PolicyTensors();

    private const string Table = "InFile";

    /// <summary>What a program uses that has no table of its own.</summary>
    public string Import => $"{Table} = {GeneratedNames.Namespace}.{GeneratedNames.Program(spec.Target, "Cpu")}.{Table}";

    /// <summary>Those of no layer, then those of every layer; a tied head is none of its own.</summary>
    private IReadOnlyList<Tensor> Tensors { get; } =
    [
        .. program.Embed.Tensors,
        .. program.AfterEmbed.SelectMany(operation => operation.Tensors),
        .. program.IsTied ? [] : program.Head.Tensors,
        .. program.Words?.Tensors ?? [],
        .. program.OutputNorm.Tensors,
        .. Factors(spec.Attention) is { } factors ? [factors] : (Tensor[])[],
        .. program.AfterHead.SelectMany(operation => operation.Tensors),
        .. program.Layer.LayerTensors(),
        .. program.Layer.FeedForwardTensors(),
    ];

    /// <summary>Where the file has a factor for each rotary frequency: no operation's, since the table of angles is made of it at load.</summary>
    private static Tensor? Factors(AttentionSpec attention) => attention.Scaling is not FrequencyFactorsSpec ? null : new(
        TensorRole.Bias, "FrequencyFactors", "rope_freqs.weight", "rope_freqs.weight", Dimension.OfPolicy(attention.RopeDimensions / 2, "RopeDimensions / 2"));

    /// <summary>Writes the table of rotary angles; where the file has a part in it, <see cref="EmitBindRotary"/> makes it.</summary>
    /// <param name="code">The program.</param>
    /// <param name="dimensions">What the program calls the rotated dimensions.</param>
    public void EmitRotary(CodeWriter code, string dimensions) => code.Line(Factors(spec.Attention) is null
        ? $"private readonly RopeTable _rope = new({Rotary(dimensions, spec.Attention.Scaling?.Arguments)});"
        : "private RopeTable _rope = null!; // bound");

    /// <summary>Writes how the table of rotary angles is made of the file's factors, where it is.</summary>
    public void EmitBindRotary(CodeWriter code, string dimensions)
    {
        if (Factors(spec.Attention) is { } factors)
        {
            code.Line($"_rope = new RopeTable({Rotary(dimensions, Bind(factors))});");
        }
    }

    private string Rotary(string dimensions, string? scaling) =>
        $"{spec.Context}, {dimensions}, {Literal.Of(spec.Attention.RopeTheta)}, "
        + (spec.Attention.Scaling is { } kind ? $"new {kind.Type}({scaling})" : Literal.Of(spec.Attention.RopeScaling));

    /// <summary>Writes the table of all tensors.</summary>
    public void EmitTable(CodeWriter code)
    {
        code.Summary("The tensors of a file, as they were declared.");
        using (code.Block($"internal static class {Table}"))
        {
            foreach (var (name, types) in TypeLists)
            {
                code.Line($"private static readonly WeightType[] {name} = [{string.Join(", ", types.Select(type => $"WeightType.{type}"))}];");
            }

            AttentionSpec attention = spec.Attention;
            if (attention.IsRotated)
            {
                code.Line($"private static readonly RotaryOrder Rotary = new(HeadDimension, {attention.RopeDimensions}, RopePairing.{attention.RopePairing});");
            }

            code.Line();
            foreach (Tensor tensor in Tensors)
            {
                if (tensor.Within is not { } whole)
                {
                    code.Line($"{Declaration(tensor, tensor.Field)}{(Also(tensor) is { Length: > 0 } also ? $" {{ {also} }}" : "")};");
                    continue;
                }

                using (code.Block(Declaration(tensor, tensor.Field), end: "};"))
                {
                    code.Line($"Within = new(new(\"{whole.Gguf}\", \"{whole.HuggingFace}\"), first: {whole.First}, elements: {whole.Elements}, \"{whole.Declared}\"),");
                    if (Also(tensor) is { Length: > 0 } rest)
                    {
                        code.Line(rest + ",");
                    }
                }
            }

            foreach (var (tensor, layers) in _ofPolicies)
            {
                EmitOfPolicy(code, tensor, layers);
            }

            code.Line();
            using (code.Block("public static readonly DeclaredTensor[] All =", "[", "];"))
            {
                foreach (string entry in Tensors.Select(tensor => tensor.Field).Concat(_ofPolicies.Select(own => Entry(own.Tensor, own.Layers))))
                {
                    code.Line(entry + ",");
                }
            }
        }
    }

    private string Also(Tensor tensor)
    {
        string[] also =
        [
            .. tensor.IsRotary ? ["Rotary = Rotary"] : Array.Empty<string>(),
            .. tensor.Role == TensorRole.Neurons ? ["OfFeedForward = true"] : Array.Empty<string>(),
            .. tensor.Columns is not null && spec.WeightsByRole.Count > 0 && tensor.Role != TensorRole.Router ? [$"Role = WeightRole.{tensor.Weights}"] : Array.Empty<string>(),
            .. tensor.Experts is { } experts ? [$"Experts = {experts.Name}"] : Array.Empty<string>(),
            .. (program.Words?.Tensors ?? []).Contains(tensor) ? ["OfPolicy = true"] : Array.Empty<string>(),
        ];
        return string.Join(", ", also);
    }

    private void EmitOfPolicy(CodeWriter code, Tensor tensor, LayerSet layers)
    {
        string declaration = Declaration(tensor, Entry(tensor, layers));
        string ofExperts = tensor.Experts is { } experts ? $", Experts = {experts.Name}" : "";
        if (layers.IsEveryLayer)
        {
            code.Line($"{declaration} {{ OfPolicy = true{ofExperts} }};");
            return;
        }

        using (code.Block(declaration, end: "};"))
        {
            code.Line($"OfPolicy = true{ofExperts},");
            code.Line($"InLayer = layer => {layers.Condition},");
        }
    }

    /// <summary>Writes the property that names them all.</summary>
    public static void EmitProperty(CodeWriter code) => code.Line($"public override IReadOnlyList<DeclaredTensor> Tensors => {Table}.All;");

    /// <summary>A tensor, as it comes from the binder.</summary>
    public static string Bind(Tensor tensor) =>
        $"bind.{Kind(tensor)}({Reference(tensor)}{(tensor.IsOfLayer ? ", layer" : "")}{(tensor.Experts is null ? "" : ", expert")})";

    /// <summary>A layer's matrix with a row for each input channel, as it comes from the binder.</summary>
    public static string BindChannels(Tensor tensor) => $"bind.Channels({Reference(tensor)}, layer)";

    /// <summary>A policy's tensor, as it comes from the binder.</summary>
    private string Bind(Tensor tensor, LayerSet layers) =>
        $"bind.{Kind(tensor)}({Table}.{Entry(tensor, layers)}, layer{(tensor.Experts is null ? "" : ", expert")})";

    /// <summary>Writes how a layer <c>w</c> gets what its policies want: of experts, an array with each one's, or all of them at once.</summary>
    /// <param name="field">A field's value, of what comes from the binder: of experts for the <c>expert</c> of that number.</param>
    /// <param name="array">A new array for all experts' values of a tensor, as C#; null: a field has them all, and all have one weight type.</param>
    public void EmitBindPolicies(CodeWriter code, Func<Tensor, string, string> field, Func<Tensor, string>? array = null)
    {
        // A router of heads has one of what a layer's experts have each.
        foreach (var group in _ofPolicies.GroupBy(own => (own.Layers.Condition, OfExperts: own.Tensor.Experts is not null)))
        {
            code.Line();
            using (group.First().Layers.IsEveryLayer ? default(CodeWriter.Scope?) : code.Block($"if ({group.Key.Condition})"))
            {
                foreach (var (tensor, layers) in group)
                {
                    if (array is null && tensor is { Experts: { } all, Columns: not null } && tensor.Types(spec).Count > 1)
                    {
                        code.Line($"bind.TypeOfAll({Table}.{Entry(tensor, layers)}, layer, {all.Name});");
                    }

                    code.Line($"w.{tensor.Field} = {(tensor.Experts is null || array is null ? field(tensor, Bind(tensor, layers)) : array(tensor))};");
                }

                if (array is not null && group.First().Tensor.Experts is { } experts)
                {
                    using (code.Block($"for (int expert = 0; expert < {experts.Name}; expert++)"))
                    {
                        foreach (var (tensor, layers) in group)
                        {
                            code.Line($"w.{tensor.Field}[expert] = {field(tensor, Bind(tensor, layers))};");
                        }
                    }
                }
            }
        }
    }

    /// <summary>Fields of a layer for what policies want: of layers that differ in sizes one.</summary>
    public IEnumerable<Tensor> PolicyFields => _ofPolicies.Select(own => own.Tensor).GroupBy(tensor => tensor.Field).Select(group => group.First());

    /// <summary>
    /// What the table calls a policy's tensor. Layers may have it in several sizes: then it is there once for each, and all but the first have
    /// the number of the layer with which they begin.
    /// </summary>
    private string Entry(Tensor tensor, LayerSet layers) =>
        _ofPolicies.First(own => own.Tensor.Field == tensor.Field).Tensor == tensor ? tensor.Field : $"{tensor.Field}From{layers.First}";

    /// <summary>The weight type that a program gets a layer's matrix in: where experts share a kernel it is all of theirs, and each has its own of down.</summary>
    public static string BindType(Tensor tensor) =>
        $"bind.TypeOf({Reference(tensor)}, layer{(tensor is { Experts: not null, Role: TensorRole.Down } ? ", expert" : "")})";

    /// <summary>The same where all experts share kernels of down too.</summary>
    public static string BindTypeOfAll(Tensor tensor) =>
        tensor.Experts is { } experts ? $"bind.TypeOfAll({Reference(tensor)}, layer, {experts.Name})" : BindType(tensor);

    private static string Kind(Tensor tensor) => tensor.Columns is null ? "Vector" : tensor.Role == TensorRole.Down ? "Down" : "Matrix";

    /// <summary>What the table calls a tensor, as C#.</summary>
    public static string Reference(Tensor tensor) => $"{Table}.{tensor.Field}";

    /// <summary>Lists of weight types that matrices may have, by their name: one, unless roles differ.</summary>
    private IEnumerable<(string Name, EquatableArray<WeightType> Types)> TypeLists => Tensors.Concat(_ofPolicies.Select(own => own.Tensor))
        .Where(tensor => tensor.Columns is not null && tensor.Role != TensorRole.Router)
        .GroupBy(TypeList).Select(group => (group.Key, group.First().Types(spec)));

    private string TypeList(Tensor tensor) => spec.WeightsByRole.Count == 0 ? "Types" : $"TypesOf{tensor.Weights}";

    private string Declaration(Tensor tensor, string entry)
    {
        string types = tensor.Role == TensorRole.Router ? "[WeightType.F32]" : TypeList(tensor);

        // In the declaration's words: errors about a file repeat them.
        string sizes = tensor.Role == TensorRole.Down ? $"hidden: {tensor.Rows.Declared}, intermediate: {tensor.Columns!.Declared}, {types}"
            : tensor.Columns is { } columns ? $"rows: {Size(tensor.Rows)}, columns: {Size(columns)}, {types}{Text("rows", tensor.Rows)}{Text("columns", columns)}"
            : $"{Size(tensor.Rows)}{Text("length", tensor.Rows)}";
        return $"public static readonly Declared{Kind(tensor)} {entry} = new({tensor.Name}, {sizes})";
    }

    /// <summary>A size, as C#.</summary>
    private static string Size(Dimension dimension) => dimension.IsNumber ? dimension.Name : dimension.Declared;

    /// <summary>What declared it, where that is not what C# has for it.</summary>
    private static string Text(string parameter, Dimension dimension) =>
        dimension.IsNumber ? $", {parameter}Text: \"{dimension.Declared}\"" : "";
}
