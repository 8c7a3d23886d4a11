namespace SparseInfer.Kernels.Cpu;

/// <summary>How values of a slice's neurons are distributed.</summary>
/// <param name="Mean">Their mean.</param>
/// <param name="SquaredDeviations">The sum of their squared deviations from that.</param>
internal readonly record struct SliceMoments(double Mean, double SquaredDeviations);
