namespace SparseInfer.Generators.Ilgpu;

/// <summary>Writes how the weights of a product come into shared memory, column by column of the sum.</summary>
internal abstract class ProductWeights
{
    /// <summary>Tiles of 16 columns.</summary>
    public abstract int Steps { get; }

    /// <summary>
    /// Where a thread's rows stand in the columns from <c>depth</c> on, in quads: one expression where its other four rows stand half a tile
    /// further on, else one for each four.
    /// </summary>
    public abstract IReadOnlyList<string> Places { get; }

    /// <summary>The quad of a token's input that lane <c>inputPart</c> of the token's loads for a step.</summary>
    public abstract string InputQuad(string step);

    /// <summary>Declares what a thread loads, and loads the first step's.</summary>
    public abstract void EmitStart();

    /// <summary>Loads a step's.</summary>
    public abstract void EmitLoad(string step);

    /// <summary>Widens what was loaded into the half of shared memory that is step's.</summary>
    public abstract void EmitStore();
}
