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

    /// <summary>Whether device functions take loads and scales apart; else they are an element each.</summary>
    public virtual bool Unpacks => false;

    /// <summary>What a load of a row is called.</summary>
    public virtual string LoadType => "Words4";

    /// <summary>What scales it.</summary>
    public virtual string ScaleType => "ushort";

    /// <summary>A load of each of four rows, and their scales.</summary>
    public virtual string FourRowsType => "FourBlocks";

    /// <summary>Parts of 32 neurons of down that have rows of scales of their own.</summary>
    public virtual int NeuronParts => 1;

    /// <summary>A load of a row.</summary>
    /// <param name="row">The row's first element.</param>
    /// <param name="load">Which load.</param>
    /// <param name="loads">Loads of a row.</param>
    public virtual string Load(string view, string row, string load, int loads) => $"{view}[{row} + {load}]";

    /// <summary>A load's scale; the arguments are those of <see cref="Load"/>.</summary>
    public virtual string Scale(string view, string row, string load) => $"{view}[{row} + {load}]";

    /// <summary>Bytes of a number that was rounded.</summary>
    public abstract int RoundedBytes { get; }

    /// <summary>What a <c>BlockStep</c> has of a block of the input beside its step: <see cref="EmitInputExcess"/> declares it.</summary>
    public abstract string StartOfInput { get; }

    /// <summary>What it has of a block of activations: <see cref="EmitActivation"/> declares it.</summary>
    public abstract string StartOfActivations { get; }

    /// <summary>Writes what an input's block has to know besides its step, of <c>inputQuants</c>.</summary>
    public abstract void EmitInputExcess(CodeWriter code);

    /// <summary>Writes where a quad of rounded inputs, <c>inputQuants</c>, goes in <c>inputWords</c>: where the lanes of a warp read without conflicts.</summary>
    /// <param name="i">The quad's number: a variable.</param>
    /// <param name="columns">Columns of the input.</param>
    public abstract void EmitInput(CodeWriter code, string i, int columns);

    /// <summary>Writes the rest of a rounded activation, <c>quant</c>, whose lower byte is stored in <c>bytesOfDown</c>; or what all of the block add up to.</summary>
    /// <param name="place">Where the lower byte went.</param>
    /// <param name="upper">How far behind lower bytes upper ones lie.</param>
    public abstract void EmitActivation(CodeWriter code, string place, int upper);

    /// <summary>What <c>AddFour</c> gets of four activations, <c>downQuants</c>.</summary>
    /// <param name="upper">How many words behind lower bytes upper ones lie.</param>
    public abstract string Activations(int upper);

    /// <summary>A load of a row of down that begins at <paramref name="row"/>.</summary>
    public virtual string DownLoad(string row, string word) => $"w.Down[{row} + {word}]";

    /// <summary>Writes how a block's sums <c>t0</c> to <c>t7</c> are scaled and added to <c>y0</c>, <c>y1</c>, ...</summary>
    /// <param name="word">Which load of a row they are the columns of.</param>
    /// <param name="columns">Columns of a row.</param>
    public virtual void EmitScaledOfFours(CodeWriter code, string word, int columns)
    {
        int words = 4 / RoundedBytes;
        code.Line($"int scale = (((first / 32) + block) * {columns / 8}) + ({word} * {words});");
        for (int k = 0; k < words; k++)
        {
            string index = k == 0 ? "scale" : $"scale + {k}";
            code.Line($"BlockScales.AddScaled(w.DownScales[{index}], {SumOfFour(2 * k)}, {SumOfFour((2 * k) + 1)}, ref y{2 * k}, ref y{(2 * k) + 1});");
        }
    }

    /// <summary>The value from which a block's j-th sum starts, of eight that <c>AddFour</c> adds to; the block's <c>step</c> is known.</summary>
    public abstract string FirstOfFour(int j);

    /// <summary>The j-th quad of a block's columns from the sums <c>t0</c> to <c>t7</c>, as floats.</summary>
    protected abstract string SumOfFour(int j);

    /// <summary>Several tokens: what a thread's sums of columns over blocks are called, with a token's number behind it.</summary>
    public abstract string[] Sums { get; }

    /// <summary>Several tokens: the quad of scales that a thread begins with, of its <c>word</c> of a row.</summary>
    public abstract string Quad { get; }

    /// <summary>Several tokens: where a thread's first quad of sums goes, among those of a row.</summary>
    public string Place(DownNames names) => names.InOrderOfLoads ? PlaceOfLoads(names) : Quad;

    /// <summary>The same where the single token's kernel has its columns, so many loads apart.</summary>
    protected abstract string PlaceOfLoads(DownNames names);

    /// <summary>Several tokens: where a row of so many words of 16 bytes begins, in the elements that it is read in.</summary>
    public virtual string DownRow(string words) => $"4 * {words}";

    /// <summary>Several tokens: writes what down and its scales are read as, and how <see cref="Quad"/> is worked out of <c>word</c>.</summary>
    public virtual void EmitDownViews(CodeWriter code, DownNames names)
    {
        code.Line($"ArrayView<uint> down = {names.Words}.Cast<uint>();");
        code.Line($"ArrayView<Words2> scales = {names.Scales}.Cast<Words2>();");
        EmitQuad(code);
    }

    protected abstract void EmitQuad(CodeWriter code);

    /// <summary>Several tokens: writes how a thread's bytes of four <c>rows</c> are read, and turned so that a word has a column of all four.</summary>
    public virtual void EmitTurned(CodeWriter code, DownNames names)
    {
        foreach (string row in new[] { "X", "Y", "Z", "W" })
        {
            code.Line($"uint down{row} = down[(int)rows.{row} + word];");
        }

        code.Line("Words4 columns = Bytes.Turn(downX, downY, downZ, downW);");
    }

    /// <summary>Several tokens: declares a block's sums, of the steps <c>step0</c>, <c>step1</c>, ...</summary>
    public abstract void EmitFirst(CodeWriter code, int tokens);

    /// <summary>Several tokens: writes how what <see cref="EmitTurned"/> declares is added to a token's sums of a block.</summary>
    /// <param name="low">The activations' lower bytes.</param>
    /// <param name="high">Their upper ones.</param>
    public abstract void EmitAdd(CodeWriter code, int token, string low, string high);

    /// <summary>Several tokens: writes how a block's sums are scaled and added up.</summary>
    public abstract void EmitScaled(CodeWriter code, DownNames names, int tokens);

    /// <summary>Several tokens: writes how a token's sums go to <c>partial</c>.</summary>
    /// <param name="place">Where the first goes.</param>
    public abstract void EmitPartial(CodeWriter code, DownNames names, int token, string place);

    /// <summary>Products of prompts: what shifts a word of weights so that the columns of <c>step</c> are where <c>WidenWord</c> looks.</summary>
    public abstract string WordOfStep { get; }

    /// <summary>Writes where a thread's quad of a block is among <c>scales</c>.</summary>
    protected void EmitScale(CodeWriter code, DownNames names) => code.Line($"int scale = (((first / 32) + block) * {names.Quads}) + {Quad};");

    /// <summary>Products of prompts: rows of floats that 32 neurons of down share.</summary>
    public virtual int NeuronRows => 1;

    /// <summary>Products of prompts: where a step's rows are among those of the two blocks of neurons in shared memory.</summary>
    /// <param name="half">Which of the two blocks.</param>
    /// <param name="quads">Quads of a row.</param>
    public virtual string RowOfScales(string half, int quads) => $"({half} * {quads})";

    /// <summary>Products of prompts: four columns of a neuron of down.</summary>
    /// <param name="value">Its quants.</param>
    /// <param name="scales">The rows that <see cref="RowOfScales"/> found.</param>
    /// <param name="place">The columns' place in a row.</param>
    /// <param name="quads">Quads of a row.</param>
    public virtual string Scaled(string value, string scales, string place, int quads) => $"Quad.Product({value}, {scales}[{place}])";

    /// <summary>Products of prompts: a thread's quad j of a row k that 32 neurons share.</summary>
    public virtual string ScaleOfColumns(int j, int k) => $"F16.Widen{j}(scaleWord)";

    /// <summary>An item for each token.</summary>
    protected static string List(int tokens, Func<int, string> item) => string.Join(", ", Enumerable.Range(0, tokens).Select(item));
}
