using System.Collections.Immutable;

namespace SparseInfer.Generators.Tests.RandomDeclarations;

/// <summary>Chooses declarations. Half are as they should be but for name and place; in the others anything may be odd.</summary>
internal sealed class DeclarationChooser(Chooser chooser)
{
    /// <summary>How often something is odd, in a hundred.</summary>
    private int _odd;

    /// <summary>Which of two policies without a choice of their own comes next, in turns.</summary>
    private bool _isDense;

    public RandomDeclaration Declaration()
    {
        _odd = chooser.Of(0, 0, 0, 1, 3, 15);
        return chooser.In(25) ? Model() : Layer();
    }

    private bool IsOdd => chooser.In(_odd);

    private RandomDeclaration Model()
    {
        ImmutableArray<AttributeText> attributes = Arrange([.. ModelAttributes(), .. OddAttributes()]);
        return new RandomDeclaration(
            IsModel: true,
            Namespace(),
            Containers(first: 0),
            attributes,
            chooser.In(10) && attributes.Length > 1 ? chooser.Between(1, attributes.Length - 1) : 0,
            IsOdd ? $"{chooser.Of(Words.ModelModifiers)} {(IsOdd ? chooser.Of(Words.ModelKeywords) : "class")}" : "public sealed partial class",
            Name(),
            IsOdd ? chooser.Of(Words.Tails) : "",
            chooser.In(_odd == 0 ? 10 : 40) ? [.. Enumerable.Range(0, chooser.Between(1, 2)).Select(_ => chooser.Of(Words.Members))] : []);
    }

    private RandomDeclaration Layer() => new(
        IsModel: false,
        Namespace(),
        Containers(first: IsOdd ? 0 : 1),
        Arrange([.. LayerAttributes(), .. OddAttributes()]),
        OnOtherPart: 0,
        $"{(IsOdd ? chooser.Of(Words.LayerModifiers) : "public static partial")} {(IsOdd ? chooser.Of(Words.LayerTypes) : "FeedForwardKernel")}",
        IsOdd ? chooser.Of("this[int i]", "I.P", "P<T>", "Mlp") : Name(),
        IsOdd ? chooser.Of(Words.Accessors) : "{ get; }",
        Members: []);

    private string Name() => chooser.Of(chooser.In(8) ? Words.OddNames : Words.Names);

    private string Namespace() => chooser.Of(chooser.In(8) ? Words.OddNamespaces : Words.Namespaces);

    private ImmutableArray<Container> Containers(int first)
    {
        int count = chooser.In(30) ? chooser.Between(first, first + 2) : first;
        return [.. Enumerable.Range(0, count).Select(_ => Container())];
    }

    private Container Container()
    {
        if (IsOdd && chooser.In(15))
        {
            return new Container("extension", "", "(string s)");
        }

        string kind = chooser.Of(IsOdd ? Words.Containers : Words.Containers[..12]);
        return new Container(kind, Name(), IsOdd ? chooser.Of(Words.Tails) : "");
    }

    private IEnumerable<AttributeText> ModelAttributes()
    {
        yield return Attribute("DecoderModel", Int("Hidden", "64"), Int("Layers", "2", "1", "3"), Int("Vocabulary", "100"), Int("Context", "64"));
        yield return Attribute("Attention", [Int("Heads", "4", "2"), .. Optional(AttentionArgument, 3)]);
        yield return Attribute("FeedForward", [Int("Intermediate", "96"), .. FeedForwardArguments()]);
        yield return chooser.In(70) ? Attribute("RmsNorm", Optional(Epsilon, 1)) : Attribute("LayerNorm", Optional(Epsilon, 1));
        yield return Weights();
        if (chooser.In(20))
        {
            yield return Attribute("Embedding", Optional(EmbeddingArgument, 2));
        }

        while (chooser.In(30))
        {
            yield return FamilyAttribute();
        }

        foreach (AttributeText attribute in Shared(isModel: true))
        {
            yield return attribute;
        }
    }

    /// <summary>What a family has and others have not.</summary>
    private AttributeText FamilyAttribute() => chooser.Between(0, 10) switch
    {
        0 or 1 => Attribute("Experts", [Int("Count", "4", "8"), Int("Active", "2", "1", "4"), .. Optional(ExpertsArgument, 2)]),
        2 => Attribute("SlidingWindow", [Int("Window", "16", "64"), .. AttentionLayers()]),
        3 => Attribute("NoRope", AttentionLayers()),
        4 => Attribute("Scales", Optional(() => Float(chooser.Of("Residual", "Logits"), "0.25f", "2"), 2)),
        5 => Attribute("ParallelAttention", Optional(() => Int("Norms", "1", "2"), 1)),
        6 => Attribute("SubNorms"),
        7 => Attribute("YarnScaling", [Float("Factor", "4"), Int("OriginalContext", "16"), .. Optional(() => Float(chooser.Of("BetaFast", "BetaSlow", "AttentionFactor"), "2", "1.5f"), 2)]),
        8 => Attribute("Observed"),
        9 => Attribute("Llama3Scaling", Float("Factor", "8"), Int("OriginalContext", "16")),
        _ => Attribute("FrequencyFactors"),
    };

    private string ExpertsArgument() => chooser.In(50)
        ? $"Gating = {chooser.Of(IsOdd ? Words.Gatings : Words.Gatings[..2])}"
        : $"Router = {chooser.Of(IsOdd ? Words.Routers : Words.Routers[..2])}";

    private string[] AttentionLayers() =>
        Optional(() => chooser.In(50) ? $"Layers = {chooser.Of(IsOdd ? Words.Ranges : ["\"0\"", "\"1..\"", "\"0..\""])}" : Int("Period", "2"), 2);

    private string EmbeddingArgument() => chooser.Between(0, 5) switch
    {
        0 => Int("LearnedPositions", "64", "66"),
        1 => Int("PositionOffset", "2"),
        2 or 3 => Bool("Tied"),
        _ => Float("Scale", "12", "0.5f"),
    };

    private IEnumerable<AttributeText> LayerAttributes()
    {
        yield return Attribute("FeedForward", [Int("Hidden", "64"), Int("Intermediate", "96"), .. FeedForwardArguments()]);
        yield return Weights();
        foreach (AttributeText attribute in Shared(isModel: false))
        {
            yield return attribute;
        }
    }

    /// <summary>What models and layers have alike: a policy, a target.</summary>
    private IEnumerable<AttributeText> Shared(bool isModel)
    {
        if (chooser.In(30))
        {
            string[] layers = isModel && chooser.In(20) || IsOdd ? [$"Layers = {(IsOdd ? chooser.Of(Words.Ranges) : "\"0..\"")}"] : [];
            yield return chooser.Between(0, 6) switch
            {
                0 => Attribute("SignBitPredictor", [.. layers, .. Optional(() => Float("Alpha", "1.03f", "0.9f"), 1)]),
                1 => Attribute("ExactSparsity", layers),
                2 => (_isDense = !_isDense) || !isModel ? Attribute("Dense", layers) : Attribute("PromptNeurons", [.. layers, "Keep = 0.25f"]),
                3 => Attribute("LowRankPredictor", [.. layers, Int("Rank", "32", "40"), PredictorInput(), .. Optional(LowRankArgument, 2)]),
                4 => Attribute("SignMagnitudePredictor", [.. layers, .. Optional(() => Float(chooser.Of("Beta", "OutlierWeight", "OutlierSigmas"), "1.03f", "4"), 2)]),
                5 => Attribute("TruncatedSvdPredictor", [.. layers, Int("Rank", "32", "40"), .. Optional(() => Float("Threshold", "0", "-0.5f"), 1)]),
                _ => Attribute(
                    "ActivationThreshold",
                    [.. layers, chooser.In(70) ? Float("Threshold", "0.1f") : "PerNeuron = true", .. Optional(() => Float(chooser.Of("GateVote", "OutlierWeight"), "20", "265"), 1)]),
            };
        }

        if (isModel && chooser.In(10))
        {
            yield return Attribute("VocabularyPredictor", [Int("Rank", "32", "40"), .. Optional(() => Float("Threshold", "0", "-0.5f"), 1)]);
        }

        if (isModel && chooser.In(20))
        {
            string[] layers = chooser.In(30) ? [$"Layers = {(IsOdd ? chooser.Of(Words.Ranges) : "\"0\"")}"] : [];
            yield return Attribute(
                "InputThreshold",
                [
                    .. layers,
                    .. Optional(() => Float(chooser.Of("Heads", "Output", "FeedForward", "Down"), "0.1f", "0.25f"), 2),
                    .. Optional(() => Float(chooser.Of("HeadsCentre", "OutputCentre", "FeedForwardCentre", "DownCentre"), "0.01f", "-0.02f"), 1),
                    .. chooser.In(20) ? ["ColumnNorms = true"] : Array.Empty<string>(),
                ]);
        }

        if (isModel && chooser.In(20))
        {
            string[] layers = chooser.In(50) ? [$"Layers = {(IsOdd ? chooser.Of(Words.Ranges) : "\"1..\"")}"] : [];
            yield return Attribute("HeadSparsity", [.. layers, Float("Keep", "0.5f", "1f"), .. Optional(() => Bool("Router"), 1)]);
        }

        if (chooser.In(15))
        {
            yield return Attribute("Target", chooser.In(_odd) ? chooser.Of(Words.Targets) : "\"sm_87\"");
        }
    }

    /// <summary>What does not belong there: once more, of a user's own, of another kind of declaration.</summary>
    private IEnumerable<AttributeText> OddAttributes()
    {
        while (IsOdd)
        {
            yield return chooser.Between(0, 7) switch
            {
                0 => Attribute(chooser.Of(
                    "DecoderModel", "Attention", "RmsNorm", "LayerNorm", "Embedding", "Dense", "ExactSparsity", "FeedForward", "Experts", "SlidingWindow", "NoRope",
                    "Scales", "ParallelAttention", "SubNorms", "Observed", "YarnScaling", "Llama3Scaling", "FrequencyFactors")),
                1 => Attribute("SignBitPredictor", Float("Alpha", "1"), $"Layers = {chooser.Of(Words.Ranges)}"),
                2 => Weights(),
                3 => new AttributeText("System.Obsolete", chooser.In(50) ? [] : ["\"old\", true"]),
                4 => new AttributeText(chooser.Of("Audit", "Missing", "SparseInfer.Missing", "DecoderModel<int>", "System.Serializable"), []),
                5 => new AttributeText(chooser.Of("assembly: Dense", "field: Dense", "type: Dense", "property: Dense", "return: Dense", "method: Dense"), []),
                6 => new AttributeText("SparsityProfile", ["\"a.json\""]),
                _ => new AttributeText("System.Diagnostics.CodeAnalysis.Experimental", ["\"USER1\""]),
            };
        }
    }

    private string PredictorInput() => $"Input = {chooser.Of(IsOdd ? Words.PredictorInputs : Words.PredictorInputs[..2])}";

    private string LowRankArgument() => chooser.In(60) ? Bool(chooser.Of("Relu", "Bias"))
        : chooser.In(20) ? Int("Lookahead", "0", "1", "2")
        : chooser.In(50) ? Float("Threshold", "0", "-0.5f")
        : chooser.In(50) ? Float("Keep", "0.25f", "1f")
        : Int("Count", "1", "16");

    private string AttentionArgument() => chooser.Between(0, 6) switch
    {
        0 => Int("KeyValueHeads", "2", "1", "0"),
        1 => Int("HeadDimension", "16", "32", "0"),
        2 => Float("RopeTheta", "10000", "5e5f"),
        3 => Float("RopeScaling", "1", "4"),
        4 => Int("RopeDimensions", "8", "16", "0"),
        5 => $"RopePairing = {chooser.Of(IsOdd ? Words.Pairings : Words.Pairings[..2])}",
        _ => Bool(chooser.Of("QueryKeyValueBiases", "OutputBias", "QueryKeyNorms")),
    };

    /// <summary>Mostly none: each shape has kernels of its own, which take most of the time to compile.</summary>
    private string[] FeedForwardArguments() => chooser.In(15) || IsOdd ? Optional(FeedForwardArgument, 2) : [];

    private string FeedForwardArgument() => chooser.Between(0, 4) switch
    {
        0 => $"Activation = {chooser.Of(IsOdd ? Words.Activations : ["Activation.Relu", "Activation.SquaredRelu", "Activation.Silu"])}",
        1 => Bool("Gated"),
        2 => Bool("Biases"),
        3 => IsOdd ? Float("Sparsity", "0.95f") : "Activation = Activation.GaussianTopK, Sparsity = 0.95f",
        _ => IsOdd ? Float("Threshold", "0.01f") : "Activation = Activation.FatRelu, Threshold = 0.01f",
    };

    private string Epsilon() => Float("Epsilon", "1e-5f", "1e-6f");

    private AttributeText Weights() => Attribute("Weights", IsOdd
        ? [.. Enumerable.Range(0, chooser.Between(0, 3)).Select(_ => chooser.Of(Words.Weights))]
        : chooser.Of<string[]>(["WeightType.F16"], ["WeightType.F16"], ["WeightType.F32"], ["WeightType.F16", "WeightType.F32"], ["types: WeightType.F16"]));

    private string Int(string name, params string[] usual) => Argument(name, usual, Words.Ints);

    private string Float(string name, params string[] usual) => Argument(name, usual, Words.Floats);

    private string Bool(string name) => Argument(name, ["true", "false"], Words.Bools);

    private string Argument(string name, string[] usual, string[] odd) =>
        $"{(IsOdd && chooser.In(10) ? "Missing" : name)} {(IsOdd && chooser.In(10) ? ":" : "=")} {chooser.Of(IsOdd ? odd : usual)}";

    private string[] Optional(Func<string> argument, int max) =>
        [.. Enumerable.Range(0, chooser.Between(0, 2 * max)).Select(_ => argument()).DistinctBy(text => IsOdd ? text : text.Split(' ')[0]).Take(max)];

    private AttributeText Attribute(string name, params string[] arguments)
    {
        string written = !chooser.In(10) ? name : chooser.Of($"{name}Attribute", $"SparseInfer.{name}", $"global::SparseInfer.{name}Attribute", $"@{name}");
        return new AttributeText(written, [.. arguments.Where(_ => !chooser.In(_odd / 3))]);
    }

    /// <summary>Sometimes one less, or in another order.</summary>
    private ImmutableArray<AttributeText> Arrange(List<AttributeText> attributes)
    {
        if (IsOdd)
        {
            attributes.RemoveAt(chooser.Between(0, attributes.Count - 1));
        }

        if (chooser.In(10))
        {
            attributes.Reverse();
        }

        return [.. attributes];
    }
}
