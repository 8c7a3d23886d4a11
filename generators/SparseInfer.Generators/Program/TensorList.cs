namespace SparseInfer.Generators.Program;

/// <summary>What operations want from a file: sums and lists over a program.</summary>
internal static class TensorList
{
    /// <summary>Tensors of some stages, in the order in which programs ask for them: norms, matrices, biases.</summary>
    public static IReadOnlyList<Tensor> TensorsOf(this IEnumerable<Operation> operations, params Stage[] stages) =>
    [
        .. operations.Where(operation => operation.Policy is null && stages.Contains(operation.Stage))
            .SelectMany(operation => operation.Tensors)
            .OrderBy(tensor => tensor.Role is TensorRole.NormWeight or TensorRole.NormBias ? 0 : tensor.Columns is not null ? 1 : 2),
    ];

    /// <summary>
    /// A layer's tensors that are no feed-forward's, in that order, each once; what is before the feed-forward, as its norm, last.
    /// </summary>
    public static IReadOnlyList<Tensor> LayerTensors(this IReadOnlyList<Operation> operations) =>
    [
        .. operations.TensorsOf(Stage.Heads, Stage.Attention, Stage.Output, Stage.Routing)
            .Concat(operations.Where(operation => operation is not (Neurons or Down or SumSlices)).TensorsOf(Stage.FeedForward))
            .Distinct(),
    ];

    /// <summary>A feed-forward's tensors: gate, up, down, their biases.</summary>
    public static IReadOnlyList<Tensor> FeedForwardTensors(this IEnumerable<Operation> operations) =>
        operations.Where(operation => operation is Neurons or Down or SumSlices).TensorsOf(Stage.FeedForward);

    /// <summary>What policies want, each tensor once, and in which layers: policies that differ in what they do with a tensor share it.</summary>
    public static IReadOnlyList<(Tensor Tensor, LayerSet Layers)> PolicyTensors(this IEnumerable<Operation> operations) =>
    [
        .. operations.Where(operation => operation.Policy is not null)
            .SelectMany(operation => operation.Tensors.Select(tensor => (Tensor: tensor, operation.Policy!.Layers)))
            .Concat(operations.SelectMany(operation => operation.Vectors.Select(use => (Tensor: use.Vector, use.Layers))))
            .GroupBy(own => own.Tensor)
            .Select(own => (own.Key, LayerSet.Union(own.Select(use => use.Layers)))),
    ];

    /// <summary>Bytes of a matrix, of experts one; of a vector, none are counted: they are small beside matrices.</summary>
    /// <param name="rowBytes">Bytes of a row of so many columns.</param>
    public static long MatrixBytes(this Tensor tensor, Func<int, long> rowBytes) => tensor switch
    {
        { Columns: null } => 0,
        { Role: TensorRole.Down } => tensor.Columns.Size * rowBytes(tensor.Rows.Size), // a row a neuron
        _ => tensor.Rows.Size * rowBytes(tensor.Columns.Size),
    };
}
