using SparseInfer.Cli.Compilation;

namespace SparseInfer.Cli.Calibrate;

/// <summary>
/// A policy as calibration sees it: it gives each neuron of a token a score, and skips those whose score is below a cut. Every policy of neurons is so,
/// whatever its strength is called. Adding one is a class, and a line in the list.
/// </summary>
internal abstract class ScoredPolicy
{
    /// <summary>All that need no argument; others are <see cref="FactoredScores"/>.</summary>
    public static IReadOnlyList<ScoredPolicy> All { get; } = [new SignBitScores(), new SignMagnitudeScores(), new ActivationThresholdScores(), new PromptNeuronsScores()];

    /// <summary>The attribute's name, as users write it.</summary>
    public abstract string Attribute { get; }

    /// <summary>The attribute on a class whose profile gives its strengths.</summary>
    public string Declaration => Arguments is null ? Attribute : $"{Attribute}({Arguments})";

    /// <summary>What it says there; null: nothing.</summary>
    public virtual string? Arguments => null;

    /// <summary>What it works on: what gate and up read, or the residual stream.</summary>
    public virtual ObservedActivation Reads => ObservedActivation.FeedForwardInput;

    /// <summary>Whether it decides before it reads a neuron's first row.</summary>
    public abstract bool IsPredictor { get; }

    /// <summary>Whether it chooses by prompts: perplexity is then that of what follows one.</summary>
    public virtual bool ChoosesByPrompts => false;

    /// <summary>Why a model cannot have it, with what to do; null: it can.</summary>
    public virtual string? Refusal(ModelDeclaration model) => null;

    /// <summary>Looks whether files have what it wants of them, before the model runs.</summary>
    /// <exception cref="CliException">They have not.</exception>
    public virtual void Check(PolicyTensors tensors, ModelDeclaration model)
    {
    }

    /// <summary>What it works out of a layer's weights once, and of what they met.</summary>
    /// <param name="experts">The layer's feed-forward, or all its experts.</param>
    /// <param name="model">The model.</param>
    /// <param name="samples">What it met.</param>
    public abstract LayerScores Of(IReadOnlyList<LayerWeights> experts, ModelDeclaration model, IReadOnlyList<TokenSample> samples);
}

/// <summary>A policy on one layer. Used by several threads at once.</summary>
internal abstract class LayerScores
{
    /// <summary>Bytes that it reads of a neuron to decide, beside the weights.</summary>
    public virtual double BytesOfNeuron => 0;

    /// <summary>Scores of a token's neurons.</summary>
    /// <param name="expert">Which expert's; 0 where there are none.</param>
    /// <param name="input">What the policy reads, [hidden].</param>
    /// <param name="scores">A score for each neuron: it is skipped where this is less than a cut.</param>
    public abstract void Score(int expert, ReadOnlySpan<float> input, Span<float> scores);

    /// <summary>Cuts outside are nothing that the attribute could say.</summary>
    public virtual (float Least, float Greatest) Range => (float.NegativeInfinity, float.PositiveInfinity);

    /// <summary>The attribute's properties by which neurons with a score below a cut are skipped, and no others.</summary>
    public abstract IReadOnlyList<StrengthValue> Strengths(float cut);
}

/// <summary>A property of a policy's attribute, and its value.</summary>
internal readonly record struct StrengthValue(string Name, float Value);
