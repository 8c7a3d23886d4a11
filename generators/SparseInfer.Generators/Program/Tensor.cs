using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Program;

/// <summary>What a tensor is for: which weight types it may have, and how it lies in memory, follow from it.</summary>
internal enum TensorRole
{
    NormWeight,
    NormBias,

    /// <summary>A row a token.</summary>
    Embedding,

    /// <summary>A row an expert: F32 in memory, whatever files have.</summary>
    Router,

    /// <summary>A row an output of a projection of attention's.</summary>
    Attention,

    /// <summary>A row a word.</summary>
    Head,

    /// <summary>A row an output of another projection that every token needs whole: a policy's.</summary>
    Projection,

    /// <summary>A row a neuron: gate, or up.</summary>
    Neurons,

    /// <summary>Neuron-major in memory: what leads out of a feed-forward.</summary>
    Down,

    /// <summary>Of a projection.</summary>
    Bias,

    /// <summary>Of neurons, before they are activated.</summary>
    NeuronBias,

    /// <summary>Of what leads out of a feed-forward.</summary>
    DownBias,
}

/// <summary>A tensor that a program wants from a file.</summary>
/// <param name="Field">What generated programs call it.</param>
/// <param name="Gguf">What GGUF files call it; in layers with <c>{layer}</c> for the layer's number.</param>
/// <param name="HuggingFace">What Hugging Face's safetensors call it.</param>
/// <param name="Rows">Rows; of a vector, its elements.</param>
/// <param name="Columns">Columns; null: a vector.</param>
/// <param name="IsRotary">Whether its rows make heads that are rotated: files may have their pairs in either order.</param>
internal sealed record Tensor(
    TensorRole Role, string Field, string Gguf, string HuggingFace, Dimension Rows, Dimension? Columns = null, bool IsRotary = false)
{
    /// <summary>Experts, where each has one: in files one behind the other, or with <c>{expert}</c> in the name for the expert's number.</summary>
    public Dimension? Experts { get; init; }

    /// <summary>Where files may have it beside a tensor of its own; null: nowhere.</summary>
    public TensorPart? Within { get; init; }

    /// <summary>The weight types that a file may have it in.</summary>
    public EquatableArray<WeightType> Types(ModelSpec spec) => Role == TensorRole.Router ? new([WeightType.F32]) : spec.TypesOf(Weights);

    /// <summary>The role by which a declaration may give it weight types of its own.</summary>
    public WeightRole Weights => Role switch
    {
        TensorRole.Embedding => WeightRole.Embedding,
        TensorRole.Attention => WeightRole.Attention,
        TensorRole.Neurons or TensorRole.Down => WeightRole.FeedForward,
        TensorRole.Head => WeightRole.Head,
        _ => WeightRole.None,
    };

    /// <summary>The same where fields and variables are called so.</summary>
    public string Variable => char.ToLowerInvariant(Field[0]) + Field.Substring(1);

    /// <summary>Whether layers have one each.</summary>
    public bool IsOfLayer => Gguf.StartsWith("blk.", StringComparison.Ordinal);

    /// <summary>Its name in files, as C# that makes a <c>TensorName</c>.</summary>
    public string Name => $"new(\"{Gguf}\", \"{HuggingFace}\")";

    /// <summary>A layer's weight.</summary>
    public static Tensor OfLayer(TensorRole role, string field, string gguf, string huggingFace, Dimension rows, Dimension? columns = null, bool isRotary = false) =>
        new(role, field, $"blk.{{layer}}.{gguf}.weight", $"model.layers.{{layer}}.{huggingFace}.weight", rows, columns, isRotary);

    /// <summary>A feed-forward's tensor where each expert has one: files' names say so, as they do of experts' matrices.</summary>
    public Tensor OfEach(Dimension experts)
    {
        int dot = Gguf.LastIndexOf('.');
        return this with
        {
            Gguf = $"{Gguf.Substring(0, dot)}_exps{Gguf.Substring(dot)}",
            HuggingFace = HuggingFace.Replace(".mlp.", ".block_sparse_moe.experts.{expert}."),
            Experts = experts,
        };
    }

    /// <summary>The bias that belongs to it.</summary>
    public Tensor Bias(TensorRole role) => new(role, Field + "Bias", Part(Gguf), Part(HuggingFace), Rows, IsRotary: IsRotary);

    private static string Part(string weight) => weight.Substring(0, weight.Length - "weight".Length) + "bias";
}

/// <summary>A matrix as a part of a flat tensor, in which several lie one behind the other.</summary>
/// <param name="Gguf">What GGUF files call the whole.</param>
/// <param name="HuggingFace">What Hugging Face's safetensors call it.</param>
/// <param name="First">The matrix's first element.</param>
/// <param name="Elements">Elements of the whole.</param>
/// <param name="Declared">What declares these, in the declaration's words.</param>
internal sealed record TensorPart(string Gguf, string HuggingFace, long First, long Elements, string Declared);
