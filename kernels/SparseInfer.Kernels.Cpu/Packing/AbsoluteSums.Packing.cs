namespace SparseInfer.Kernels.Cpu;

/// <content>What is made of weights, once, at load.</content>
public static partial class AbsoluteSums
{
    /// <summary>The mean absolute value of each row of a matrix, [rows], summed in double precision.</summary>
    /// <param name="w">The matrix.</param>
    public static float[] Means<T>(in WeightMatrix w)
        where T : IWeightFormat
    {
        float[] means = new float[w.Rows];
        for (int row = 0; row < means.Length; row++)
        {
            means[row] = (float)(Sum<T>(ref w.Row(row), w.Columns) * T.Unfold / w.Columns);
        }

        return means;
    }
}
