namespace SparseInfer.Generators.Declare;

/// <summary>What one policy attribute says, without its layers. Each policy has its own record in its own folder.</summary>
internal abstract record PolicySpec;

/// <summary>A policy and the layers it acts in, both ends included. A model's list is sorted and covers every layer exactly once.</summary>
internal sealed record LayerPolicy(int First, int Last, PolicySpec Policy);
