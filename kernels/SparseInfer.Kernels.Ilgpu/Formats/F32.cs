using ILGPU;

namespace SparseInfer.Kernels.Ilgpu;

/// <summary>Rows of floats: four columns in a <see cref="Words4"/>.</summary>
public static class F32
{
    /// <summary><c>sum + w · x</c> over four columns.</summary>
    /// <param name="w">Four weights.</param>
    /// <param name="x0">The input's four columns.</param>
    /// <param name="sum">What is added to.</param>
    public static float Dot(Words4 w, Float4 x0, float sum) => Float4.Dot(Widen0(w), x0, sum);

    /// <summary><c>y += h w</c> over four columns.</summary>
    /// <param name="w">Four weights.</param>
    /// <param name="h">The neuron's activation.</param>
    /// <param name="y0">The output's four columns.</param>
    public static void AddScaled(Words4 w, float h, ref Float4 y0) => Float4.AddScaled(Widen0(w), h, ref y0);

    /// <summary>The four weights.</summary>
    /// <param name="w">Four weights.</param>
    public static Float4 Widen0(Words4 w) =>
        new(Interop.IntAsFloat(w.X), Interop.IntAsFloat(w.Y), Interop.IntAsFloat(w.Z), Interop.IntAsFloat(w.W));
}
