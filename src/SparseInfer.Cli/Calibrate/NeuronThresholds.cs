namespace SparseInfer.Cli.Calibrate;

/// <summary>
/// A threshold for each neuron's activation (CHESS, arXiv 2409.01366): <c>t = sqrt(T / u)</c>, with u the mean square of what the neuron's activation is
/// multiplied by, and T a quantile of <c>activation^2 * u</c> over all tokens and neurons of the layer.
/// </summary>
internal static class NeuronThresholds
{
    /// <summary>Finds a layer's.</summary>
    /// <param name="activations">Of the first matrix: [tokens, neurons].</param>
    /// <param name="factors">What they are multiplied by: [tokens, neurons]; null: nothing, the layer is not gated.</param>
    /// <param name="neurons">Neurons of the layer.</param>
    /// <param name="share">The share of tokens and neurons that is to be skipped, 0 to 1.</param>
    /// <returns>One for each neuron: what is larger goes on. A neuron whose factor is always zero adds nothing, and never goes on.</returns>
    public static float[] Find(float[] activations, float[]? factors, int neurons, double share)
    {
        int tokens = activations.Length / neurons;
        double[] squares = new double[neurons];
        for (int neuron = 0; neuron < neurons; neuron++)
        {
            double sum = 0;
            for (int i = neuron; i < activations.Length; i += neurons)
            {
                sum += factors is null ? 1 : (double)factors[i] * factors[i];
            }

            squares[neuron] = sum / tokens;
        }

        double[] weighted = [.. activations.Select((activation, i) => (double)activation * activation * squares[i % neurons])];
        Array.Sort(weighted);
        double limit = weighted[(int)Math.Clamp(Math.Ceiling(share * weighted.Length) - 1, 0, weighted.Length - 1)];
        bool isNone = share * weighted.Length < 1;
        return [.. squares.Select(square => square == 0 ? float.MaxValue : isNone ? 0 : (float)Math.Min(float.MaxValue, Math.Sqrt(limit / square)))];
    }
}
