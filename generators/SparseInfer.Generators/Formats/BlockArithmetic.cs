using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Formats;

/// <summary>
/// How kernels for GPUs compute with a block type, as text: inputs, and activations of the 32 neurons that share a row of down's scales, are rounded
/// to integers, so that products of bytes add up exactly. What quants are, and in how many bytes the other factor is rounded, differs. Each piece
/// says which names it finds and which it declares; the emitters of the GPU's backend put them in place.
/// </summary>
/// <param name="kernels">The class of device functions: <c>Range</c>, <c>Dot</c>, <c>AddFour</c>, <c>AddColumns</c>, <c>Widen</c>.</param>
internal abstract class BlockArithmetic(string kernels)
{
    protected string Kernels => kernels;

    /// <summary>Bytes of a number that was rounded.</summary>
    public abstract int RoundedBytes { get; }

    /// <summary>Where integer sums start, as a <c>BlockStep</c> keeps it.</summary>
    /// <param name="sum">The sum of the integers: what <see cref="EmitInputExcess"/> or <see cref="EmitActivation"/> declares.</param>
    public abstract string Start(string sum);

    /// <summary>Writes what an input's block has to know besides its step, <c>inputExcess</c>, of <c>inputQuants</c>.</summary>
    public abstract void EmitInputExcess(CodeWriter code);

    /// <summary>Writes where a quad of rounded inputs, <c>inputQuants</c>, goes in <c>inputWords</c>: where the lanes of a warp read without conflicts.</summary>
    /// <param name="i">The quad's number: a variable.</param>
    /// <param name="columns">Columns of the input.</param>
    public abstract void EmitInput(CodeWriter code, string i, int columns);

    /// <summary>Writes the rest of a rounded activation, <c>quant</c>, whose lower byte is stored in <c>bytesOfDown</c>; or <c>excess</c>.</summary>
    /// <param name="place">Where the lower byte went.</param>
    /// <param name="upper">How far behind lower bytes upper ones lie.</param>
    public abstract void EmitActivation(CodeWriter code, string place, int upper);

    /// <summary>What <c>AddFour</c> gets of four activations, <c>downQuants</c>.</summary>
    /// <param name="upper">How many words behind lower bytes upper ones lie.</param>
    public abstract string Activations(int upper);

    /// <summary>The value from which a block's j-th sum starts, of eight that <c>AddFour</c> adds to; the block's <c>step</c> is known.</summary>
    public abstract string FirstOfFour(int j);

    /// <summary>The j-th quad of a block's columns from the sums <c>t0</c> to <c>t7</c>, as floats.</summary>
    public abstract string SumOfFour(int j);

    /// <summary>Several tokens: what a thread's sums of columns over blocks are called, with a token's number behind it.</summary>
    public abstract string[] Sums { get; }

    /// <summary>Several tokens: the quad of scales that a thread begins with, of its <c>word</c> of a row.</summary>
    public abstract string Quad { get; }

    /// <summary>Several tokens: where a thread's first quad of sums goes: as the single token's kernel has its columns, so many loads apart.</summary>
    public abstract string Place { get; }

    /// <summary>Several tokens: writes how <see cref="Quad"/> is worked out of <c>word</c>.</summary>
    public abstract void EmitQuad(CodeWriter code);

    /// <summary>Several tokens: declares a block's sums, of the steps <c>step0</c>, <c>step1</c>, ...</summary>
    public abstract void EmitFirst(CodeWriter code, int tokens);

    /// <summary>Several tokens: writes how four rows' <c>columns</c> are added to a token's sums of a block.</summary>
    /// <param name="low">The activations' lower bytes.</param>
    /// <param name="high">Their upper ones.</param>
    public abstract void EmitAdd(CodeWriter code, int token, string low, string high);

    /// <summary>Several tokens: writes how a block's sums are scaled and added up; the quad's place among <c>scales</c> is <c>scale</c>.</summary>
    public abstract void EmitScaled(CodeWriter code, int tokens);

    /// <summary>Several tokens: writes how a token's sums go to <c>partial</c>.</summary>
    /// <param name="place">Where the first goes.</param>
    public abstract void EmitPartial(CodeWriter code, int token, string place);

    /// <summary>Products of prompts: what shifts a word of weights so that the columns of <c>step</c> are where <c>WidenWord</c> looks.</summary>
    public abstract string WordOfStep { get; }

    /// <summary>An item for each token.</summary>
    protected static string List(int tokens, Func<int, string> item) => string.Join(", ", Enumerable.Range(0, tokens).Select(item));
}
