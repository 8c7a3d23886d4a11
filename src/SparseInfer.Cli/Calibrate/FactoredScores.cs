using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using SparseInfer.Cli.Compilation;
using SparseInfer.Files;

namespace SparseInfer.Cli.Calibrate;

/// <summary>
/// <c>[LowRankPredictor]</c> and <c>[TruncatedSvdPredictor]</c>: a neuron's score is what two matrices of a file give it, <c>fc2 * relu(fc1 * x) + bias</c>, and the cut is the
/// threshold. The matrices are looked at as they are stored; a model loads them in its own weight types, and scores near a cut may fall on its other side.
/// </summary>
internal sealed class FactoredScores : ScoredPolicy
{
    private const string LowRank = "LowRankPredictor";
    private const string TruncatedSvd = "TruncatedSvdPredictor";

    private readonly int _rank;
    private readonly PredictorInput _input;
    private readonly bool _relu;
    private readonly bool _bias;

    private FactoredScores(string attribute, string arguments, int rank, PredictorInput input, bool relu, bool bias)
    {
        Attribute = attribute;
        Arguments = arguments;
        (_rank, _input, _relu, _bias) = (rank, input, relu, bias);
    }

    /// <summary>What <c>--policy</c> takes for these.</summary>
    public static IReadOnlyList<string> Forms { get; } = [$"'{LowRank}(Rank = 256, Input = PredictorInput.Normed)'", $"'{TruncatedSvd}(Rank = 256)'"];

    public override string Attribute { get; }

    public override string Arguments { get; }

    public override bool IsPredictor => true;

    public override ObservedActivation Reads => _input == PredictorInput.Residual ? ObservedActivation.Residual : ObservedActivation.FeedForwardInput;

    /// <summary>Reads an attribute with its arguments.</summary>
    /// <param name="text">As it stands in C#.</param>
    /// <exception cref="CliException">It is none of these, or says what is to be found.</exception>
    public static FactoredScores Parse(string text)
    {
        IReadOnlyList<string> attributes = PolicyText.Parse(text);
        AttributeSyntax attribute = SyntaxFactory.ParseCompilationUnit($"[{attributes[0]}] class Declared;").DescendantNodes().OfType<AttributeSyntax>().First();
        string name = attribute.Name.ToString();
        bool isSvd = name == TruncatedSvd;
        if (attributes.Count != 1 || (!isSvd && name != LowRank))
        {
            throw new CliException($"--policy {text}: with arguments there are {string.Join(" and ", Forms)}.");
        }

        int rank = 0;
        PredictorInput input = isSvd ? PredictorInput.Normed : default;
        bool relu = !isSvd;
        bool bias = isSvd;
        foreach (AttributeArgumentSyntax argument in attribute.ArgumentList?.Arguments ?? [])
        {
            string property = argument.NameEquals?.Name.Identifier.ValueText ?? "";
            string value = argument.Expression.ToString();
            bool isRead = property switch
            {
                "Rank" => int.TryParse(value, out rank) && rank > 0,
                "Input" when !isSvd => Enum.TryParse(value.Split('.')[^1], out input),
                "Relu" when !isSvd => bool.TryParse(value, out relu),
                "Bias" when !isSvd => bool.TryParse(value, out bias),
                _ => false,
            };
            if (!isRead)
            {
                throw new CliException(property is "Threshold" or "Keep" or "Count"
                    ? $"--policy {text}: Threshold is what is found; leave out {property}."
                    : $"--policy {text}: '{argument}' is nothing that can be calibrated with; give {(isSvd ? "Rank" : "Rank, Input, Relu and Bias")} as literals.");
            }
        }

        return rank == 0 || input == default
            ? throw new CliException($"--policy {text}: it needs {(rank == 0 ? "Rank" : "Input")}, as in {Forms[isSvd ? 1 : 0]}.")
            : new(name, attribute.ArgumentList!.Arguments.ToString(), rank, input, relu, bias);
    }

    /// <inheritdoc/>
    public override void Check(PolicyTensors tensors, ModelDeclaration model)
    {
        for (int layer = 0; layer < model.Layers; layer++)
        {
            for (int expert = 0; expert < Math.Max(1, model.Experts); expert++)
            {
                Find(tensors, layer, expert, model, bytesOnly: true);
            }
        }
    }

    public override LayerScores Of(IReadOnlyList<LayerWeights> experts, ModelDeclaration model, IReadOnlyList<TokenSample> samples) => new Scores(this, experts, model);

    private (float[] First, float[] Second, float[]? Bias) Find(PolicyTensors tensors, int layer, int expert, ModelDeclaration model, bool bytesOnly = false)
    {
        return (
            Read("fc1.weight", "predictor.fc1.weight", _rank, model.Hidden),
            Read("fc2.weight", "predictor.fc2.weight", model.Intermediate, _rank),
            _bias ? Read("fc2.bias", "predictor.fc2.bias", model.Intermediate) : null);

        float[] Read(string gguf, string huggingFace, params long[] shape)
        {
            TensorInfo tensor = tensors.Find(layer, expert, gguf, huggingFace, shape);
            return bytesOnly ? [] : PolicyTensors.Values(tensor);
        }
    }

    private sealed class Scores : LayerScores
    {
        private readonly FactoredScores _policy;
        private readonly int _hidden;
        private readonly (float[] First, float[] Second, float[]? Bias)[] _matrices;

        public Scores(FactoredScores policy, IReadOnlyList<LayerWeights> experts, ModelDeclaration model)
        {
            _policy = policy;
            _hidden = model.Hidden;
            _matrices = [.. experts.Select((weights, expert) => policy.Find(weights.PolicyTensors, weights.Layer, expert, model))];
            BytesOfNeuron = experts[0].FirstBytes / _hidden * policy._rank * (_hidden + model.Intermediate) / model.Intermediate;
        }

        // Both matrices are read whole, in the model's weight types.
        public override double BytesOfNeuron { get; }

        public override void Score(int expert, ReadOnlySpan<float> input, Span<float> scores)
        {
            (float[] first, float[] second, float[]? bias) = _matrices[expert];
            int rank = _policy._rank;
            float[] factors = new float[rank];
            for (int i = 0; i < rank; i++)
            {
                float factor = Lanes.Dot(first.AsSpan(i * _hidden, _hidden), input);
                factors[i] = _policy._relu ? Math.Max(0, factor) : factor;
            }

            for (int neuron = 0; neuron < scores.Length; neuron++)
            {
                scores[neuron] = Lanes.Dot(second.AsSpan(neuron * rank, rank), factors) + (bias?[neuron] ?? 0);
            }
        }

        public override IReadOnlyList<StrengthValue> Strengths(float cut) => [new("Threshold", cut)];
    }
}
