namespace SparseInfer.Files;

/// <summary>The type of a metadata value, by its number in the file (the specification's <c>gguf_metadata_value_type</c>).</summary>
internal enum GgufValueType : uint
{
    UInt8 = 0,
    Int8 = 1,
    UInt16 = 2,
    Int16 = 3,
    UInt32 = 4,
    Int32 = 5,
    Float32 = 6,
    Bool = 7,
    String = 8,
    Array = 9,
    UInt64 = 10,
    Int64 = 11,
    Float64 = 12,
}

internal static class GgufValueTypes
{
    private static readonly int[] Sizes = [1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8];
    private static readonly string[] Names =
        ["u8", "i8", "u16", "i16", "u32", "i32", "f32", "bool", "string", "array", "u64", "i64", "f64"];

    extension(GgufValueType type)
    {
        public bool IsKnown => (uint)type < Sizes.Length;

        /// <summary>Bytes a value; 0 for strings and arrays, which say themselves.</summary>
        public int Size => Sizes[(int)type];

        public string Name => Names[(int)type];

        public bool IsInteger => type.Size > 0 && !type.IsFloat && type != GgufValueType.Bool;

        public bool IsFloat => type is GgufValueType.Float32 or GgufValueType.Float64;
    }
}

/// <summary>Where a metadata value lies in the file.</summary>
/// <param name="Type">Its type.</param>
/// <param name="ElementType">Of an array: the type of its elements.</param>
/// <param name="Count">Of an array: the number of its elements; of a string: its bytes.</param>
/// <param name="Start">The first byte of the number, of the string's text, or of the array's first element.</param>
/// <param name="Declared">Where the value's type field lies.</param>
/// <param name="End">One past the value's last byte.</param>
internal sealed record GgufValue(
    GgufValueType Type, GgufValueType ElementType, long Count, long Start, long Declared, long End);
