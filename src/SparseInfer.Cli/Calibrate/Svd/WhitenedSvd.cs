using MathNet.Numerics.LinearAlgebra;
using Doubles = System.Numerics.Vector<double>;

namespace SparseInfer.Cli.Calibrate.Svd;

/// <summary>
/// The truncated singular value decomposition of a gate that is least wrong on given inputs (SVDP, <c>construct_predictors.py</c>): with C the lower
/// Cholesky factor of X^T X and U s V^T the decomposition of W C, <c>fc1</c> is the first rows of V^T C^-1 and <c>fc2</c> the first columns of U s.
/// </summary>
/// <param name="First">fc1: [rank, hidden].</param>
/// <param name="Second">fc2: [intermediate, rank].</param>
internal sealed record WhitenedSvd(double[] First, double[] Second)
{
    /// <summary>Of the mean diagonal of X^T X, what is added to each element of it: inputs that do not span the hidden width leave it singular.</summary>
    private const double Ridge = 1e-8;

    /// <param name="gate">W: [intermediate, hidden].</param>
    /// <param name="inputs">X: [tokens, hidden].</param>
    /// <param name="hidden">Columns of both.</param>
    /// <param name="rank">1 to hidden.</param>
    public static WhitenedSvd Of(float[] gate, float[] inputs, int hidden, int rank)
    {
        int neurons = gate.Length / hidden;
        Matrix<double> gram = Gram(inputs, hidden);
        double mean = gram.Diagonal().Average();
        for (int i = 0; i < hidden; i++)
        {
            gram[i, i] += mean > 0 ? Ridge * mean : 1;
        }

        var cholesky = gram.Cholesky();
        Matrix<double> factor = cholesky.Factor;
        double[] whitened = new double[gate.Length];
        double[][] columns = factor.ToColumnArrays();
        Parallel.For(0, neurons, neuron =>
        {
            for (int j = 0; j < hidden; j++)
            {
                double sum = 0;
                for (int i = j; i < hidden; i++) // C is lower
                {
                    sum += gate[(neuron * hidden) + i] * columns[j][i];
                }

                whitened[(neuron * hidden) + j] = sum;
            }
        });

        // U s is W C V. V comes from (W C)^T W C, whose eigenvectors it is: of the size of the input, not of the gate. Largest eigenvalues are last.
        Matrix<double> vectors = Gram(whitened, hidden).Evd(Symmetricity.Symmetric).EigenVectors;
        double[][] kept = [.. Enumerable.Range(0, rank).Select(i => vectors.Column(hidden - 1 - i).ToArray())];
        double[] second = new double[neurons * rank];
        Parallel.For(0, neurons, neuron =>
        {
            for (int i = 0; i < rank; i++)
            {
                second[(neuron * rank) + i] = Dot(whitened.AsSpan(neuron * hidden, hidden), kept[i]);
            }
        });

        // V^T C^-1, turned: C^-T v = (C C^T)^-1 C v.
        double[] first = new double[rank * hidden];
        Parallel.For(0, rank, i => cholesky.Solve(factor * Vector<double>.Build.Dense(kept[i])).ToArray().CopyTo(first, i * hidden));
        return new(first, second);
    }

    /// <summary>The product of rows, turned, with themselves.</summary>
    private static Matrix<double> Gram(float[] rows, int columns) => Gram([.. rows.Select(value => (double)value)], columns);

    private static Matrix<double> Gram(double[] rows, int columns)
    {
        double[] gram = new double[columns * columns];
        Parallel.For(0, columns, i =>
        {
            Span<double> sums = gram.AsSpan(i * columns, columns);
            for (int row = 0; row < rows.Length; row += columns)
            {
                AddScaled(sums, rows.AsSpan(row, columns), rows[row + i]);
            }
        });
        return Matrix<double>.Build.Dense(columns, columns, gram); // symmetric: the order of rows and columns is the same
    }

    /// <summary>The same bits whatever the vectors' width: an element's products are added one after the other.</summary>
    private static void AddScaled(Span<double> sums, ReadOnlySpan<double> values, double factor)
    {
        int j = 0;
        for (; j <= sums.Length - Doubles.Count; j += Doubles.Count)
        {
            (new Doubles(sums[j..]) + (new Doubles(values[j..]) * factor)).CopyTo(sums[j..]);
        }

        for (; j < sums.Length; j++)
        {
            sums[j] += values[j] * factor;
        }
    }

    private static double Dot(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++)
        {
            sum += a[i] * b[i];
        }

        return sum;
    }
}
