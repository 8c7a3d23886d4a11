namespace SparseInfer;

/// <summary>How a session's key-value cache stores its numbers. What is computed with them is computed in single precision.</summary>
public enum KeyValueType
{
    /// <summary>IEEE single precision, 4 bytes: what was computed.</summary>
    F32,

    /// <summary>
    /// IEEE half precision, 2 bytes: rounded to the nearest, to even between two. A number beyond ±65504, the largest half, is stored as
    /// that; infinities and NaN stay what they are.
    /// </summary>
    F16,

    /// <summary>
    /// ggml's Q8_0: 34 bytes for 32 numbers of a head, the last ones padded with zeros where its dimension is no multiple of 32. Their scale is
    /// the largest magnitude over 127, as a half, at most 65504; a number is rounded to the nearest multiple of it, to even between two. A block with an
    /// infinity or a NaN becomes NaN as a whole. On CPUs only.
    /// </summary>
    Q8_0,
}
