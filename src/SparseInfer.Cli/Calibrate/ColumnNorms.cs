using SparseInfer.Cli.Compilation;
using SparseInfer.Files;

namespace SparseInfer.Cli.Calibrate;

/// <summary>Norms of the columns of matrices that share an input, as a loaded model has them: what WINA multiplies a channel's magnitude by.</summary>
internal sealed class ColumnNorms
{
    private readonly ChannelMatrices _matrices;
    private readonly ModelDeclaration _model;

    /// <param name="file">The model.</param>
    /// <param name="options">How it is read.</param>
    /// <param name="model">What it is.</param>
    /// <param name="inputs">Those that are asked for.</param>
    /// <exception cref="CliException">The file has matrices in a form that is not read here.</exception>
    public ColumnNorms(ModelFile file, LoadOptions options, ModelDeclaration model, IEnumerable<ChannelInput> inputs) =>
        (_matrices, _model) = (new(file, options, model, inputs.Where(input => input.HasNorms), "--column-norms"), model);

    /// <summary>An input's, of a layer.</summary>
    public float[] Of(int layer, ChannelInput input)
    {
        double[] sums = new double[input.Width(_model)];
        foreach (TensorInfo matrix in _matrices.Of(layer, input))
        {
            ChannelMatrices.ForRows(matrix, sums.Length, (_, row) =>
            {
                for (int i = 0; i < sums.Length; i++)
                {
                    sums[i] += (double)row[i] * row[i];
                }
            });
        }

        return [.. sums.Select(sum => (float)Math.Sqrt(sum))];
    }
}
