using SparseInfer.Files;

namespace SparseInfer.Cli.Calibrate;

/// <summary>
/// What is left of the product of an input and its matrices where channels are left out: 1 - |W x - W x_sparse| / |W x|, a token's mean, over all matrices that read the input.
/// </summary>
/// <param name="rows">A row a channel: its weights in all the matrices.</param>
/// <param name="channels">Channels of the input.</param>
internal sealed class ChannelContribution(float[] rows, int channels)
{
    /// <summary>More tokens than these move no share.</summary>
    private const int Tokens = 256;

    private readonly int _outputs = rows.Length / channels;

    /// <summary>Reads a layer's matrices.</summary>
    /// <param name="matrices">Each [outputs, channels].</param>
    /// <param name="channels">Channels of the input.</param>
    public static ChannelContribution Read(TensorInfo[] matrices, int channels)
    {
        int outputs = matrices.Sum(matrix => (int)matrix.Shape[0]);
        float[] rows = new float[outputs * (long)channels];
        int first = 0;
        foreach (TensorInfo matrix in matrices)
        {
            ChannelMatrices.ForRows(matrix, channels, (output, row) =>
            {
                for (int channel = 0; channel < channels; channel++)
                {
                    rows[(channel * (long)outputs) + first + output] = row[channel];
                }
            });
            first += (int)matrix.Shape[0];
        }

        return new(rows, channels);
    }

    /// <summary>What each of some thresholds leaves.</summary>
    /// <param name="tokens">Of each token, the input.</param>
    /// <param name="scores">Of each token, what is compared: a channel is left out where it is no larger than a threshold.</param>
    /// <param name="centre">What is left out is the distance from it.</param>
    /// <param name="thresholds">Ascending.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public double[] Of(float[][] tokens, float[][] scores, float centre, float[] thresholds, CancellationToken cancellationToken)
    {
        int every = (tokens.Length + Tokens - 1) / Tokens;
        double[][] errors = new double[(tokens.Length + every - 1) / every][];
        Parallel.For(0, errors.Length, new ParallelOptions { CancellationToken = cancellationToken }, i => errors[i] = Errors(tokens[i * every], scores[i * every], centre, thresholds));

        // In order, so that no digit depends on which thread was first.
        return [.. thresholds.Select((_, level) => 1 - errors.Average(token => token[level]))];
    }

    /// <summary>What each threshold takes away of a token's product.</summary>
    private double[] Errors(float[] token, float[] scores, float centre, float[] thresholds)
    {
        int[] order = [.. Enumerable.Range(0, channels)];
        Array.Sort([.. scores], order);
        float[] lost = new float[_outputs];
        float[] whole = new float[_outputs];
        double[] errors = new double[thresholds.Length];
        int next = 0;
        for (int level = 0; level < thresholds.Length; level++)
        {
            for (; next < channels && scores[order[next]] <= thresholds[level]; next++)
            {
                Lanes.Add(lost, token[order[next]] - centre, Row(order[next]));
            }

            errors[level] = Lanes.Norm(lost);
        }

        for (int channel = 0; channel < channels; channel++)
        {
            Lanes.Add(whole, token[channel], Row(channel));
        }

        double norm = Math.Max(Lanes.Norm(whole), float.Epsilon);
        return [.. errors.Select(error => error / norm)];
    }

    private ReadOnlySpan<float> Row(int channel) => rows.AsSpan(channel * _outputs, _outputs);
}
