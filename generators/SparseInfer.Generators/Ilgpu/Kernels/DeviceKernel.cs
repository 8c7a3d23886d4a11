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

    public static KernelParameter Doubles(string name) => new("ArrayView<double>", name);

    public static KernelParameter Longs(string name) => new("ArrayView<long>", name);

    public static KernelParameter Ints(string name) => new("ArrayView<int>", name);

    public static KernelParameter UInts(string name) => new("ArrayView<uint>", name);

    /// <summary>Key-value caches of several sequences.</summary>
    public static KernelParameter Caches(string name) => new("CacheViews", name);

    public static KernelParameter Float(string name) => new("float", name);

    public static KernelParameter Int(string name) => new("int", name);
}

/// <summary>A kernel, as those know it who count its launches.</summary>
/// <param name="Class">The class that holds it, of a feed-forward; empty: the decoder's own.</param>
/// <param name="Name">What it is called where it is launched.</param>
/// <param name="Threads">Threads of a group.</param>
internal record KernelName(string Class, string Name, int Threads)
{
    /// <summary>What launches call its threads: a constant of the program, or their number.</summary>
    public string ThreadsText { get; init; } = $"{Threads}";

    /// <summary>Whether it is the same kernel: feed-forwards have some of one name each.</summary>
    public bool Is(KernelName other) => Class == other.Class && Name == other.Name;
}

/// <summary>A kernel: the method that a device runs, and the delegate that launches it.</summary>
/// <param name="Name">The method's name.</param>
/// <param name="Threads">Threads of a group.</param>
/// <param name="Summary">What it does, as XML.</param>
/// <param name="Parameters">Its parameters.</param>
/// <param name="Body">Writes its body.</param>
internal sealed record DeviceKernel(string Name, int Threads, string Summary, IReadOnlyList<KernelParameter> Parameters, Action Body)
    : KernelName("", Name, Threads)
{
    /// <summary>The weight type that it is written for, where there is one for each.</summary>
    public WeightType? Weights { get; init; }

    /// <summary>Whether it is compiled for CUDA devices of sm_80 and later only.</summary>
    public bool NeedsTensorCores { get; init; }

    public string Types => string.Join(", ", Parameters.Select(parameter => parameter.Type));

    public string Field => "_" + char.ToLowerInvariant(Name[0]) + Name.Substring(1);

    /// <summary>Writes the kernel's place in the class that holds a feed-forward's.</summary>
    /// <param name="owner">The class that holds the method.</param>
    public void EmitField(CodeWriter code, string owner) =>
        code.Line($"public readonly Action<KernelConfig, {Types}> {Name} = device.LoadKernel<{Types}>({owner}.{Name});");

    /// <summary>Writes the kernel's place in the class that holds its method.</summary>
    public void EmitField(CodeWriter code) => code.Line(NeedsTensorCores
        ? $"private readonly Action<KernelConfig, {Types}>? {Field} = device.Info.HasTensorCores ? device.LoadKernel<{Types}>({Name}) : null;"
        : $"private readonly Action<KernelConfig, {Types}> {Field} = device.LoadKernel<{Types}>({Name});");

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
