using ILGPU;

namespace SparseInfer.Kernels.Ilgpu;

/// <summary>Where the queries, keys and values of a layer come to lie, and what is done to them on the way: one argument of a kernel.</summary>
public struct HeadViews
{
    /// <summary>Cosines of the rotary embedding, [positions x pairs].</summary>
    public ArrayView<float> Cos;

    /// <summary>Its sines, [positions x pairs].</summary>
    public ArrayView<float> Sin;

    /// <summary>Biases of query, key and value, one after the other; empty where there are none.</summary>
    public ArrayView<float> Bias;

    /// <summary>The batch's queries, [tokens x heads x padded head dimension].</summary>
    public ArrayView<float> Queries;

    /// <summary>The layer's keys and values, [positions x (key heads, value heads) x padded head dimension].</summary>
    public ArrayView<float> Cache;

    /// <summary>The same memory, where halves are stored in it.</summary>
    public ArrayView<ushort> HalfCache;
}
