using System.Globalization;
using SparseInfer.Files;
using SparseInfer.Runtime;

namespace SparseInfer.Loading;

/// <summary>
/// Compares what a model file says of itself with the declaration. What changes the result is an error that names the attribute;
/// the activation is only a note, because published configurations get it wrong (the declared one is used).
/// </summary>
internal static class MetadataCheck
{
    /// <param name="facts">What the file says.</param>
    /// <param name="shape">What is declared.</param>
    /// <param name="sizes">Gets every size that differs.</param>
    /// <param name="problems">Gets whatever else is wrong.</param>
    /// <param name="notes">Gets what a careful reader may want to know.</param>
    public static void Run(ModelFacts facts, ModelShape shape, List<string> sizes, List<string> problems, List<string> notes)
    {
        notes.AddRange(facts.Notes);
        problems.AddRange(facts.Problems);
        foreach (StatedFact stated in facts.Stated.OrderBy(stated => stated.FromSizes).ThenBy(stated => stated.Fact))
        {
            switch (stated.Fact)
            {
                case Fact.Context when stated.Value < shape.Context:
                    notes.Add($"The file says the model was trained for {MetadataValue.Show(stated.Value)} tokens; {shape.Context} are declared.");
                    break;
                case Fact.Experts when stated.Value > 0 && shape.Experts == 0:
                    problems.Add($"{stated.Text}, but no experts are declared: add [Experts(Count = {MetadataValue.Show(stated.Value)}, Active = ...)]");
                    break;
                case Fact.ActiveExperts when shape.Experts == 0 && facts.First(Fact.Experts) > 0:
                    break;
                case Fact.ExpertGating:
                    CompareGating(stated, shape, problems);
                    break;
                case var _ when stated.FromSizes && sizes.Count > 0:
                    break;
                default:
                    Compare(stated, shape, sizes, problems);
                    break;
            }
        }

        if (facts.Architecture is { } architecture)
        {
            CompareTraits(architecture, facts, shape, problems);
            CompareWindows(facts, shape, problems);
            CompareRotation(facts, shape, problems);
            Compare(architecture, facts, shape, problems, notes);
        }
        else
        {
            notes.Add(facts.File.Format == ModelFileFormat.Gguf
                ? "The file has no 'general.architecture': only names, shapes and types of tensors were compared with the declaration."
                : "There is no config.json beside the weights: only names, shapes and types of tensors were compared with the declaration.");
        }
    }

    /// <summary>Numbers are those of GGUF files.</summary>
    private static void CompareGating(StatedFact stated, ModelShape shape, List<string> problems)
    {
        ExpertGating? gating = stated.Value switch { 1 => ExpertGating.Softmax, 2 => ExpertGating.Sigmoid, _ => null };
        if (gating is null)
        {
            problems.Add($"{stated.Text}, but only 1 (Softmax) and 2 (Sigmoid) can be declared");
        }
        else if (shape.Experts > 0 && gating != shape.Gating)
        {
            problems.Add($"{stated.Text}, which is {gating}, but [Experts] Gating = {shape.Gating} is declared");
        }
    }

    private static void Compare(StatedFact stated, ModelShape shape, List<string> sizes, List<string> problems)
    {
        bool isOfRotation = stated.Fact is Fact.RopeTheta or Fact.RopeScaling or Fact.RopeDimensions;
        if ((isOfRotation && shape.RopeDimensions == 0) || Declared(stated.Fact, shape) is not { } declared)
        {
            return;
        }

        double difference = Math.Abs((float)stated.Value - (float)declared.Value);
        bool equal = declared.IsSize ? stated.Value == declared.Value
            : stated.Fact == Fact.EmbeddingScale ? difference <= 1e-6 * Math.Abs(declared.Value) // √hidden, in as many digits as somebody types
            : difference == 0;
        if (!equal)
        {
            (declared.IsSize ? sizes : problems).Add(string.Create(
                CultureInfo.InvariantCulture, $"{stated.Text}, but {declared.Attribute} = {MetadataValue.Show(declared.Value)} is declared"));
        }
    }

    private static void CompareTraits(Architecture architecture, ModelFacts facts, ModelShape shape, List<string> problems)
    {
        foreach (StatedTrait stated in facts.Traits)
        {
            double declared = shape.Traits.Where(trait => stated.Fact.IsDeclaredBy(trait)).Select(trait => (double?)trait.Value).FirstOrDefault() ?? stated.Fact.Usual;
            if (!(Math.Abs((float)stated.Value - declared) <= 1e-6 * Math.Abs(declared))) // a root or a quotient, in as many digits as somebody types
            {
                bool isThere = shape.Traits.Any(trait => trait.Attribute == stated.Fact.Attribute);
                string other = isThere ? $"{MetadataValue.Show(declared)} is declared" : $"[{stated.Fact.Attribute}] is not declared";
                problems.Add($"{stated.Text}, which is {stated.Fact.Show(stated.Value)}, but {other}");
            }
        }

        foreach (string attribute in shape.Traits.Select(trait => trait.Attribute).Distinct())
        {
            if (architecture.Traits.All(trait => trait.Attribute != attribute))
            {
                problems.Add($"{facts.ArchitectureText}, which has no [{attribute}], but it is declared");
            }
        }
    }

    /// <summary>How far each layer looks back: the first that differs is said.</summary>
    private static void CompareWindows(ModelFacts facts, ModelShape shape, List<string> problems)
    {
        for (int layer = 0; layer < shape.Layers; layer++)
        {
            double stated = facts.WindowOf(layer, shape.Context);
            int declared = shape.WindowOf(layer);
            if (stated == declared)
            {
                continue;
            }

            string? text = facts.Stated.Where(fact => fact.Fact == Fact.Window).Select(fact => fact.Text).FirstOrDefault();
            string says = text is null ? "the file says no sliding window"
                : stated == 0 ? $"{text}, which does not bound the attention of layer {layer}"
                : $"{text}, and the attention of layer {layer} looks back no further";
            problems.Add(declared == 0
                ? $"{says}, but [DecoderModel] Context = {shape.Context} is declared: declare [SlidingWindow], or no more than the window"
                : $"{says}, but [SlidingWindow] Window = {declared} is declared for layer {layer}");
            return;
        }
    }

    /// <summary>Which layers rotate: the first that differs is said.</summary>
    private static void CompareRotation(ModelFacts facts, ModelShape shape, List<string> problems)
    {
        for (int layer = 0; layer < shape.Layers; layer++)
        {
            bool isUnrotated = facts.IsUnrotated?.Invoke(layer) == true;
            if (isUnrotated != shape.IsUnrotated(layer))
            {
                problems.Add(isUnrotated
                    ? $"{facts.UnrotatedText}, so layer {layer} rotates no queries and keys, but no [NoRope] is declared for it"
                    : $"{(facts.IsUnrotated is null ? facts.ArchitectureText : facts.UnrotatedText)}, so layer {layer} rotates queries and keys, but [NoRope] is declared for it");
                return;
            }
        }
    }

    private static (string Attribute, double Value, bool IsSize)? Declared(Fact fact, ModelShape shape) => fact switch
    {
        Fact.Layers => ("[DecoderModel] Layers", shape.Layers, true),
        Fact.Hidden => ("[DecoderModel] Hidden", shape.Hidden, true),
        Fact.Vocabulary => ("[DecoderModel] Vocabulary", shape.Vocabulary, true),
        Fact.Intermediate => ("[FeedForward] Intermediate", shape.Intermediate, true),
        Fact.Experts => ("[Experts] Count", shape.Experts, true),
        Fact.ActiveExperts => ("[Experts] Active", shape.ActiveExperts, true),
        Fact.Heads => ("[Attention] Heads", shape.Heads, true),
        Fact.KeyValueHeads => ("[Attention] KeyValueHeads", shape.KeyValueHeads, true),
        Fact.HeadDimension => ("[Attention] HeadDimension", shape.HeadDimension, true),
        Fact.RopeDimensions => ("[Attention] RopeDimensions", shape.RopeDimensions, false),
        Fact.RopeTheta => ("[Attention] RopeTheta", shape.RopeTheta, false),
        Fact.RopeScaling => ("[Attention] RopeScaling", shape.RopeScaling, false),
        Fact.NormEpsilon => (shape.LayerNorm ? "[LayerNorm] Epsilon" : "[RmsNorm] Epsilon", shape.NormEpsilon, false),
        Fact.EmbeddingScale => ("[Embedding] Scale", shape.EmbeddingScale, false),
        Fact.Threshold => ("[FeedForward] Threshold", shape.Threshold, false),
        _ => null,
    };

    private static void Compare(Architecture architecture, ModelFacts facts, ModelShape shape, List<string> problems, List<string> notes)
    {
        bool gguf = facts.File.Format == ModelFileFormat.Gguf;
        string stated = facts.ArchitectureText;
        if (architecture.LayerNorm != shape.LayerNorm)
        {
            problems.Add($"{stated}, which has {Norm(architecture.LayerNorm)}, but [{Norm(shape.LayerNorm)}] is declared");
        }

        if (architecture.PositionOffset is { } offset && shape.LearnedPositions > 0 && shape.PositionOffset != offset)
        {
            problems.Add($"{stated}, whose learned positions begin in row {offset}, but [Embedding] PositionOffset = {shape.PositionOffset} is declared");
        }

        if (architecture.Activation is { } fixedActivation && fixedActivation != shape.Activation)
        {
            problems.Add($"{stated}, which has {fixedActivation}, but [FeedForward] Activation = {shape.Activation} is declared");
        }

        if (shape.Experts > 0 && architecture.Router != shape.Router)
        {
            problems.Add($"{stated}, whose router reads what the {(architecture.Router == RouterInput.Layer ? "layer" : "feed-forward")} does, but [Experts] Router = {shape.Router} is declared");
        }

        if (facts.TiedEmbedding is { } tied && tied != shape.TiedEmbedding && !ModelLoader.IsHeadTheEmbedding(facts))
        {
            problems.Add($"'{ConfigKeys.TiedEmbeddings}' is {(tied ? "true" : "false")}, but [Embedding] Tied = {(tied ? "false" : "true")} is declared");
        }

        if (gguf && shape.RopeDimensions > 0 && architecture.Pairing != shape.RopePairing)
        {
            problems.Add($"{stated}, but [Attention] RopePairing = {shape.RopePairing} is declared; such files pair {architecture.Pairing}");
        }

        foreach ((string key, string name) in facts.Activations)
        {
            if (!StoredActivation.Matches(name, shape.Activation))
            {
                notes.Add($"The file names the activation {FileText.Quote(name)}; {shape.Activation} is declared, and used.");
            }
            else if (!gguf && name == StoredActivation.ExactGelu)
            {
                notes.Add($"'{key}' is '{name}', GELU by the error function; its tanh form is computed, which differs by less than 0.0005.");
            }
        }
    }

    private static string Norm(bool layerNorm) => layerNorm ? "LayerNorm" : "RmsNorm";
}
