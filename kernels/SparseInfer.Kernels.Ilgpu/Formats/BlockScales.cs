namespace SparseInfer.Kernels.Ilgpu;

/// <summary>
/// The scales of a down matrix in a block format. In the file its blocks run along the intermediate dimension, so neuron-major, 32
/// neurons share a row of scales, one half for each column: <c>y_j += s_j * sum over the 32 of h_i q_ij</c>. The inner sum is what AddFour
/// of the format adds up; scales are read once for 32 neurons.
/// </summary>
public static class BlockScales
{
    /// <summary><c>y += s t</c> over eight columns.</summary>
    /// <param name="scales">The scales of eight columns: halves, the lower half of a word first.</param>
    /// <param name="t0">The sum over the block's neurons, columns 0 to 3.</param>
    /// <param name="t1">Columns 4 to 7.</param>
    /// <param name="y0">The output's columns 0 to 3.</param>
    /// <param name="y1">Columns 4 to 7.</param>
    public static void AddScaled(Words4 scales, Float4 t0, Float4 t1, ref Float4 y0, ref Float4 y1)
    {
        Add(F16.Widen0(scales), t0, ref y0);
        Add(F16.Widen1(scales), t1, ref y1);
    }

    /// <summary><c>y += s t</c> over four columns.</summary>
    /// <param name="scales">Their scales: halves, the lower half of a word first.</param>
    /// <param name="t">The sum over the block's neurons.</param>
    /// <param name="y">The output's four columns.</param>
    public static void AddScaled(Words2 scales, Float4 t, ref Float4 y) => Add(F16.Widen(scales), t, ref y);

    private static void Add(Float4 scale, Float4 t, ref Float4 y)
    {
        y.X += scale.X * t.X;
        y.Y += scale.Y * t.Y;
        y.Z += scale.Z * t.Z;
        y.W += scale.W * t.W;
    }
}
