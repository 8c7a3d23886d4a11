using ILGPU;

namespace SparseInfer.Kernels.Ilgpu;

/// <summary>Rows of bfloat16, the upper halves of floats: eight columns in a <see cref="Words4"/>, the lower half of a word first.</summary>
public static class BF16
{
    /// <summary><c>sum + w · x</c> over eight columns.</summary>
    /// <param name="w">Eight weights.</param>
    /// <param name="x0">The input's columns 0 to 3.</param>
    /// <param name="x1">Columns 4 to 7.</param>
    /// <param name="sum">What is added to.</param>
    public static float Dot(Words4 w, Float4 x0, Float4 x1, float sum) => Float4.Dot(Widen1(w), x1, Float4.Dot(Widen0(w), x0, sum));

    /// <summary><c>y += h w</c> over eight columns.</summary>
    /// <param name="w">Eight weights.</param>
    /// <param name="h">The neuron's activation.</param>
    /// <param name="y0">The output's columns 0 to 3.</param>
    /// <param name="y1">Columns 4 to 7.</param>
    public static void AddScaled(Words4 w, float h, ref Float4 y0, ref Float4 y1)
    {
        Float4.AddScaled(Widen0(w), h, ref y0);
        Float4.AddScaled(Widen1(w), h, ref y1);
    }

    /// <summary>Columns 0 to 3.</summary>
    /// <param name="w">Eight weights.</param>
    public static Float4 Widen0(Words4 w) => new(Lower(w.X), Upper(w.X), Lower(w.Y), Upper(w.Y));

    /// <summary>Columns 4 to 7.</summary>
    /// <param name="w">Eight weights.</param>
    public static Float4 Widen1(Words4 w) => new(Lower(w.Z), Upper(w.Z), Lower(w.W), Upper(w.W));

    /// <summary>Four columns.</summary>
    /// <param name="w">Four weights.</param>
    public static Float4 Widen(Words2 w) => new(Lower(w.X), Upper(w.X), Lower(w.Y), Upper(w.Y));

    private static float Lower(uint word) => Interop.IntAsFloat(word << 16);

    private static float Upper(uint word) => Interop.IntAsFloat(word & 0xffff0000u);
}
