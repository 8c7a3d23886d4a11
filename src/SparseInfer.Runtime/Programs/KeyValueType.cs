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
}
