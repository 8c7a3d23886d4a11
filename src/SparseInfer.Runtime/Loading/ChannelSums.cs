using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Loading;

/// <summary>What is summed of matrices that have a row for each input, at load and in double precision.</summary>
internal static class ChannelSums
{
    /// <summary>What a centre of a matrix's inputs adds to its outputs, <c>c * Σ_j W[i, j]</c>: input by input.</summary>
    /// <param name="format">The matrix's weight type.</param>
    /// <param name="matrix">The matrix.</param>
    /// <param name="centre">The centre.</param>
    /// <param name="added">A value for each output.</param>
    public static void OfCentre(WeightFormat format, in DownMatrix matrix, float centre, Span<float> added)
    {
        double[] sums = new double[matrix.Columns];
        float[] row = new float[matrix.PaddedColumns];
        for (int input = 0; input < matrix.Neurons; input++)
        {
            format.DecodeDown(in matrix, input, row);
            for (int i = 0; i < sums.Length; i++)
            {
                sums[i] += row[i];
            }
        }

        for (int i = 0; i < sums.Length; i++)
        {
            added[i] = (float)(centre * sums[i]);
        }
    }

    /// <summary>
    /// The Euclidean norm of what each input has of weights in matrices that share it (WINA's <c>norm(W[:, j])</c>): matrix by matrix and output by output.
    /// </summary>
    /// <param name="matrices">The matrices, and their weight types.</param>
    /// <param name="norms">A value for each input.</param>
    public static void Norms(ReadOnlySpan<(WeightFormat Format, DownMatrix Matrix)> matrices, Span<float> norms)
    {
        int columns = 0;
        foreach ((_, DownMatrix matrix) in matrices)
        {
            columns = Math.Max(columns, matrix.PaddedColumns);
        }

        float[] row = new float[columns];
        for (int input = 0; input < norms.Length; input++)
        {
            double sum = 0;
            foreach ((WeightFormat format, DownMatrix matrix) in matrices)
            {
                format.DecodeDown(in matrix, input, row);
                for (int i = 0; i < matrix.Columns; i++)
                {
                    sum += (double)row[i] * row[i];
                }
            }

            norms[input] = (float)Math.Sqrt(sum);
        }
    }
}
