using System.Globalization;
using System.Runtime.InteropServices;
using SparseInfer.Files;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Loading;

/// <summary>Compares how a file scales rotary frequencies with the declaration.</summary>
internal static class ScalingCheck
{
    /// <summary>Each pair's divisor, in GGUF files of Llama 3.</summary>
    public const string FactorsTensor = "rope_freqs.weight";

    /// <summary>A converter works the factors out in single precision.</summary>
    private const double Tolerance = 1e-5;

    /// <param name="facts">What the file says.</param>
    /// <param name="shape">What is declared.</param>
    /// <param name="wantsFactors">Whether the declaration binds the tensor of factors itself.</param>
    /// <param name="problems">Gets what is wrong.</param>
    public static void Run(ModelFacts facts, ModelShape shape, bool wantsFactors, List<string> problems)
    {
        bool hasFactors = facts.File.TryGetTensor(FactorsTensor, out TensorInfo? factors);
        if (facts.Scaling is { } stated)
        {
            Compare(stated, facts.ScalingText, shape.FrequencyScaling, problems);
        }
        else if (shape.FrequencyScaling is { } declared && facts.Architecture is not null && !(hasFactors && declared is Llama3Scaling))
        {
            problems.Add($"the file has no such rotary scaling as {Text(declared)}, which is declared");
        }

        if (hasFactors && !wantsFactors)
        {
            CompareFactors(factors!, shape, problems);
        }
        else if (hasFactors && factors!.Weight is WeightType.F32 && MemoryMarshal.Cast<byte, float>(factors.Bytes).ContainsAnyExceptInRange(float.Epsilon, float.MaxValue))
        {
            problems.Add($"tensor '{FactorsTensor}' divides a rotary frequency by a number that is not finite and positive. {FileText.Mend}");
        }
    }

    /// <summary>A scaling as it is declared: <c>[YarnScaling(Factor = 20, OriginalContext = 4096)]</c>.</summary>
    public static string Text(RopeScaling scaling) =>
        $"[{scaling.GetType().Name}({string.Join(", ", Properties(scaling).Select(property => $"{property.Name} = {MetadataValue.Show(property.Value)}"))})]";

    /// <summary>A scaling's numbers, by the names of the attribute's properties.</summary>
    public static IReadOnlyList<(string Name, double Value)> Properties(RopeScaling scaling) => scaling switch
    {
        YarnScaling yarn =>
        [
            ("Factor", yarn.Factor), ("OriginalContext", yarn.OriginalContext), ("BetaFast", yarn.BetaFast), ("BetaSlow", yarn.BetaSlow),
            ("AttentionFactor", yarn.AttentionFactor),
        ],
        Llama3Scaling llama =>
        [
            ("Factor", llama.Factor), ("OriginalContext", llama.OriginalContext), ("LowFrequencyFactor", llama.LowFrequencyFactor),
            ("HighFrequencyFactor", llama.HighFrequencyFactor),
        ],
        _ => [],
    };

    private static void Compare(RopeScaling stated, string text, RopeScaling? declared, List<string> problems)
    {
        if (declared?.GetType() != stated.GetType())
        {
            problems.Add($"{text}: declare {Text(stated)}");
            return;
        }

        foreach (((string name, double value), (_, double other)) in Properties(stated).Zip(Properties(declared)))
        {
            if (!KeyRule.Near(value, other))
            {
                problems.Add($"{text} with {name} = {MetadataValue.Show(value)}, but [{stated.GetType().Name}] {name} = {MetadataValue.Show(other)} is declared");
            }
        }
    }

    private static void CompareFactors(TensorInfo factors, ModelShape shape, List<string> problems)
    {
        string tensor = $"tensor '{FactorsTensor}' scales the rotary frequencies one by one (Llama 3.1)";
        if (shape.FrequencyScaling is not Llama3Scaling scaling)
        {
            problems.Add($"{tensor}: declare [FrequencyFactors], or [Llama3Scaling] with the model's numbers");
            return;
        }

        int pairs = shape.RopeDimensions / 2;
        if (factors.Weight is not WeightType.F32 || factors.Shape.Aggregate(1L, (product, size) => product * size) != pairs)
        {
            problems.Add($"{tensor}, but is not {pairs} numbers in single precision, half of [Attention] RopeDimensions = {shape.RopeDimensions}");
            return;
        }

        double[] plain = new LinearScaling(1).Frequencies(shape.RopeDimensions, shape.RopeTheta);
        double[] scaled = scaling.Frequencies(shape.RopeDimensions, shape.RopeTheta);
        for (int pair = 0; pair < pairs; pair++)
        {
            float stated = BitConverter.ToSingle(factors.Bytes[(pair * sizeof(float))..]);
            double expected = plain[pair] / scaled[pair];
            if (!(Math.Abs(stated - expected) <= Tolerance * expected))
            {
                problems.Add(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{tensor}, pair {pair} by {MetadataValue.Show(stated)}, but {Text(scaling)} makes that {MetadataValue.Show(expected)}: declare [FrequencyFactors], or the model's numbers"));
                return;
            }
        }
    }
}
