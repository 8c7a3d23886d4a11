using SparseInfer.Files;

namespace SparseInfer.Loading;

/// <summary>What a file has for a tensor that a program wants.</summary>
/// <param name="Tensor">Where it is.</param>
/// <param name="Stored">The weight type it is stored in.</param>
/// <param name="Target">The one that the program gets it in.</param>
/// <param name="Signs">Its signs, where a prepared file has them.</param>
/// <param name="IsPrepared">Whether it is a down matrix that is neuron-major already.</param>
internal sealed record FoundTensor(TensorInfo Tensor, WeightType Stored, WeightType Target, TensorInfo? Signs = null, bool IsPrepared = false);
