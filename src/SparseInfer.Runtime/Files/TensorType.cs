namespace SparseInfer.Files;

/// <summary>
/// How a tensor's elements are stored: any type that ggml or safetensors defines, of which <see cref="WeightType"/> names the few that
/// kernels can use. A file may hold others (an IQ4_NL matrix, say); they are listed by name, and it is the binding of a model that
/// refuses them. There is one instance a type.
/// </summary>
public sealed class TensorType
{
    // ggml type ids, with elements and bytes a block: enum ggml_type in ggml.h, the block structs in ggml-common.h.
    private static readonly TensorType?[] GgmlTypes = new TensorType?[43];

    /// <summary>
    /// What bitnet.cpp, a fork, gives its ternary type, 2 bits a weight and a scale a tensor: groups of 128 weights on x86, of 64 on ARM
    /// (<c>QK_I2_S</c> in its <c>ggml-bitnet-mad.cpp</c>), which a file does not say.
    /// </summary>
    internal const uint I2S = 36;

    private static readonly Dictionary<string, TensorType> SafetensorsTypes = BuildTables();

    private TensorType(string name, int elementsPerBlock, int bytesPerBlock, WeightType? weight = null, uint? ggmlId = null)
    {
        Name = name;
        ElementsPerBlock = elementsPerBlock;
        BytesPerBlock = bytesPerBlock;
        Weight = weight;
        GgmlId = ggmlId;
        if (ggmlId is { } id)
        {
            GgmlTypes[id] = this;
        }
    }

    /// <summary>The name that the format gives it: <c>F16</c>, <c>Q6_K</c>, <c>F8_E4M3</c>.</summary>
    public string Name { get; }

    /// <summary>How many elements share one block; 1 for plain numbers.</summary>
    public int ElementsPerBlock { get; }

    /// <summary>Bytes a block.</summary>
    public int BytesPerBlock { get; }

    /// <summary>The weight type that kernels know it by; null where they have none.</summary>
    public WeightType? Weight { get; }

    /// <summary>Whether elements share a block.</summary>
    internal bool IsBlock => ElementsPerBlock > 1;

    /// <summary>Whether it is a weight type without blocks.</summary>
    internal bool IsPlainWeight => Weight is not null && !IsBlock;

    /// <summary>llama.cpp's number, <c>llama_ftype</c>, for a file whose matrices are all of it; null: there is none.</summary>
    internal uint? FileType { get; private init; }

    /// <summary>ggml's number for it; null for a type that only safetensors has.</summary>
    internal uint? GgmlId { get; }

    /// <summary>The storage type of a weight type.</summary>
    /// <param name="weight">One of the vocabulary's.</param>
    /// <exception cref="ArgumentOutOfRangeException">It is none of them.</exception>
    public static TensorType Of(WeightType weight) =>
        Array.Find(GgmlTypes, type => type?.Weight == weight) ?? throw new ArgumentOutOfRangeException(nameof(weight), weight, null);

    /// <summary>The name.</summary>
    public override string ToString() => Name;

    /// <summary>The type with this ggml id; null when the id is unknown or retired.</summary>
    internal static TensorType? FromGgml(uint id) => id < GgmlTypes.Length ? GgmlTypes[id] : null;

    /// <summary>The name of a type that files once had and ggml has retired, so that a message can name it; null: none has this id.</summary>
    internal static string? RetiredGgmlName(uint id) => id switch
    {
        4 => "Q4_2",
        5 => "Q4_3",
        31 => "Q4_0_4_4",
        32 => "Q4_0_4_8",
        33 => "Q4_0_8_8",
        36 => "IQ4_NL_4_4",
        37 => "IQ4_NL_4_8",
        38 => "IQ4_NL_8_8",
        _ => null,
    };

    /// <summary>The type with this safetensors dtype; null when there is none.</summary>
    internal static TensorType? FromSafetensors(string dtype) => SafetensorsTypes.GetValueOrDefault(dtype);

    /// <summary>Bytes that so many elements take. False when they fill no whole blocks or the count overflows.</summary>
    internal bool TryGetByteLength(long elements, out long bytes)
    {
        (long blocks, long rest) = Math.DivRem(elements, ElementsPerBlock);
        bool fits = rest == 0 && blocks <= long.MaxValue / BytesPerBlock;
        bytes = fits ? blocks * BytesPerBlock : 0;
        return fits;
    }

    private static Dictionary<string, TensorType> BuildTables()
    {
        // The vocabulary calls weight types as files do.
        TensorType Ggml(uint id, string name, int elements, int bytes, uint? fileType = null) =>
            new(name, elements, bytes, Enum.TryParse(name, out WeightType weight) ? weight : null, id) { FileType = fileType };

        var f32 = Ggml(0, "F32", 1, 4, fileType: 0);
        var f16 = Ggml(1, "F16", 1, 2, fileType: 1);
        Ggml(2, "Q4_0", 32, 18, fileType: 2);
        Ggml(3, "Q4_1", 32, 20, fileType: 3);
        Ggml(6, "Q5_0", 32, 22, fileType: 8);
        Ggml(7, "Q5_1", 32, 24, fileType: 9);
        Ggml(8, "Q8_0", 32, 34, fileType: 7);
        Ggml(9, "Q8_1", 32, 36);
        Ggml(10, "Q2_K", 256, 84);
        Ggml(11, "Q3_K", 256, 110);
        Ggml(12, "Q4_K", 256, 144, fileType: 14);
        Ggml(13, "Q5_K", 256, 176, fileType: 16);
        Ggml(14, "Q6_K", 256, 210, fileType: 18);
        Ggml(15, "Q8_K", 256, 292);
        Ggml(16, "IQ2_XXS", 256, 66);
        Ggml(17, "IQ2_XS", 256, 74);
        Ggml(18, "IQ3_XXS", 256, 98);
        Ggml(19, "IQ1_S", 256, 50);
        Ggml(20, "IQ4_NL", 32, 18);
        Ggml(21, "IQ3_S", 256, 110);
        Ggml(22, "IQ2_S", 256, 82);
        Ggml(23, "IQ4_XS", 256, 136);
        var i8 = Ggml(24, "I8", 1, 1);
        var i16 = Ggml(25, "I16", 1, 2);
        var i32 = Ggml(26, "I32", 1, 4);
        var i64 = Ggml(27, "I64", 1, 8);
        var f64 = Ggml(28, "F64", 1, 8);
        Ggml(29, "IQ1_M", 256, 56);
        var bf16 = Ggml(30, "BF16", 1, 2, fileType: 32);
        Ggml(34, "TQ1_0", 256, 54);
        Ggml(35, "TQ2_0", 256, 66);
        Ggml(39, "MXFP4", 32, 17);
        Ggml(40, "NVFP4", 64, 36);
        Ggml(41, "Q1_0", 128, 18);
        Ggml(42, "Q2_0", 64, 18);

        // dtypes of safetensors' tensor.rs. The types below a byte are packed without a scale: 2 elements in 1 byte, 4 in 3.
        return new[]
        {
            f32, f16, bf16, i8, i16, i32, i64, f64,
            new("BOOL", 1, 1), new("U8", 1, 1), new("U16", 1, 2), new("U32", 1, 4), new("U64", 1, 8), new("C64", 1, 8),
            new("F8_E4M3", 1, 1), new("F8_E5M2", 1, 1), new("F8_E8M0", 1, 1), new("F8_E4M3FNUZ", 1, 1), new("F8_E5M2FNUZ", 1, 1),
            new("F4", 2, 1), new("F6_E2M3", 4, 3), new("F6_E3M2", 4, 3),
        }.ToDictionary(type => type.Name);
    }
}
