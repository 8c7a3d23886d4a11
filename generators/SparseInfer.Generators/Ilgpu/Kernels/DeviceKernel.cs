using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>A parameter of a kernel.</summary>
internal readonly record struct KernelParameter(string Type, string Name)
{
    /// <summary>A matrix that is gone through row by row: its words, and the scales of block types.</summary>
    public static IEnumerable<KernelParameter> Matrix(RowPlan row) => row.IsBlock ? [Words("words"), Scales("scales")] : [Words("words")];

    public static KernelParameter Words(string name) => new("ArrayView<Words4>", name);

    public static KernelParameter Scales(string name) => new("ArrayView<ushort>", name);

    public static KernelParameter Quads(string name) => new("ArrayView<Float4>", name);

    public static KernelParameter Floats(string name) => new("ArrayView<float>", name);

    public static KernelParameter Ints(string name) => new("ArrayView<int>", name);

    public static KernelParameter UInts(string name) => new("ArrayView<uint>", name);

    /// <summary>Key-value caches of several sequences.</summary>
    public static KernelParameter Caches(string name) => new("CacheViews", name);

    public static KernelParameter Int(string name) => new("int", name);
}

/// <summary>A kernel: the method that a device runs, and the delegate that launches it.</summary>
/// <param name="Name">The method's name.</param>
/// <param name="Summary">What it does, as XML.</param>
/// <param name="Parameters">Its parameters.</param>
/// <param name="Body">Writes its body.</param>
internal sealed record DeviceKernel(string Name, string Summary, IReadOnlyList<KernelParameter> Parameters, Action Body)
{
    public string Types => string.Join(", ", Parameters.Select(parameter => parameter.Type));

    public string Field => "_" + char.ToLowerInvariant(Name[0]) + Name.Substring(1);

    /// <summary>Writes the kernel's place in the class that holds a feed-forward's.</summary>
    /// <param name="owner">The class that holds the method.</param>
    public void EmitField(CodeWriter code, string owner) =>
        code.Line($"public readonly Action<KernelConfig, {Types}> {Name} = device.LoadKernel<{Types}>({owner}.{Name});");

    /// <summary>Writes a kernel's place that is filled on devices with tensor cores only: no other compiles it.</summary>
    public void EmitTensorCoreField(CodeWriter code) => code.Line(
        $"private readonly Action<KernelConfig, {Types}>? {Field} = device.Info.HasTensorCores ? device.LoadKernel<{Types}>({Name}) : null;");

    public void EmitField(CodeWriter code) => code.Line($"private readonly Action<KernelConfig, {Types}> {Field} = device.LoadKernel<{Types}>({Name});");

    public void EmitMethod(CodeWriter code)
    {
        code.Summary(Summary);
        string parameters = string.Join(", ", Parameters.Select(parameter => $"{parameter.Type} {parameter.Name}"));
        using (code.Block($"internal static void {Name}({parameters})"))
        {
            Body();
        }
    }
}
