using SparseInfer.Files;
using SparseInfer.Kernels.Cpu;
using SparseInfer.Loading;

namespace SparseInfer.Preparing;

/// <summary>
/// Says in a GGUF file's keys what a <c>config.json</c> says: every number that was read, what absent ones mean included, and the small files of
/// the folder as they are.
/// </summary>
internal static class FolderKeys
{
    /// <summary>The keys, as a file that has them would give them.</summary>
    /// <param name="facts">What the folder says.</param>
    /// <param name="files">The small files beside the weights.</param>
    /// <param name="problems">Gets what no key can say.</param>
    public static ModelMetadata Of(ModelFacts facts, CompanionFiles files, List<string> problems)
    {
        var writer = new GgufWriter();
        string name = facts.Architecture!.WrittenAs;
        writer.Add("general.architecture", name);
        foreach (Fact fact in Enum.GetValues<Fact>())
        {
            StatedFact[] stated = [.. facts.Stated.Where(one => one.Fact == fact)];
            if (stated.Length == 0 || Key(fact, facts) is not { } key)
            {
                continue;
            }

            if (Array.Find(stated, other => (float)other.Value != (float)stated[0].Value) is { Text: { } } different)
            {
                problems.Add($"{stated[0].Text}, but {different.Text}");
            }
            else if (!IsSize(fact))
            {
                writer.Add($"{name}.{key}", (float)stated[0].Value);
            }
            else if (stated[0].Value is >= 0 and <= int.MaxValue and { } size && size == Math.Floor(size))
            {
                writer.Add($"{name}.{key}", (uint)size);
            }
            else
            {
                problems.Add($"{stated[0].Text}, which is no size");
            }
        }

        AddScaling(writer, $"{name}.rope.scaling.", facts);
        foreach (TraitKeys trait in facts.Architecture.Traits)
        {
            foreach (StatedTrait stated in facts.Traits.Where(stated => trait.Written.ContainsKey(stated.Fact)).DistinctBy(stated => stated.Fact))
            {
                (string key, Func<double, double> value) = trait.Written[stated.Fact];
                writer.Add($"{name}.{key}", (float)value(stated.Value));
            }
        }

        if (facts.Activations is [(_, { } activation), ..])
        {
            writer.Add($"{name}.{GgufKeys.Activation}", activation);
        }

        foreach (string file in CompanionFiles.Names.Where(files.Has))
        {
            using FileRegion region = files.Open(file);
            if (region.Length > FileText.MaximumTextBytes)
            {
                problems.Add($"{file} has {region.Length} bytes; at most {FileText.MaximumTextBytes} are kept");
            }
            else
            {
                writer.Add(PreparedTensors.FileKey(file), region.Span(0, (int)region.Length));
            }
        }

        return writer.ToMetadata(facts.File.Path);
    }

    /// <summary>How the rotary frequencies are scaled, where not linearly. In full precision: a converter's single would print other digits.</summary>
    private static void AddScaling(GgufWriter writer, string prefix, ModelFacts facts)
    {
        (string Name, double Value)[] numbers = facts.Scaling switch
        {
            YarnScaling yarn =>
            [
                ("factor", yarn.Factor), ("original_context_length", yarn.OriginalContext), ("yarn_beta_fast", yarn.BetaFast),
                ("yarn_beta_slow", yarn.BetaSlow), ("yarn_attn_factor", yarn.AttentionFactor),
            ],
            Llama3Scaling llama =>
            [
                ("factor", llama.Factor), ("original_context_length", llama.OriginalContext), ("low_freq_factor", llama.LowFrequencyFactor),
                ("high_freq_factor", llama.HighFrequencyFactor),
            ],
            _ => [("factor", facts.First(Fact.RopeScaling) ?? 1)],
        };
        writer.Add($"{prefix}type", facts.Scaling switch { YarnScaling => "yarn", Llama3Scaling => "llama3", _ => "linear" });
        foreach ((string name, double value) in numbers)
        {
            writer.Add(prefix + name, value);
        }
    }

    /// <summary>What says a number; null: nothing does or need, or what is written of the scaling.</summary>
    private static string? Key(Fact fact, ModelFacts facts) => fact switch
    {
        Fact.RopeScaling => null,
        Fact.RopeTheta or Fact.RopeDimensions when facts.Architecture!.IsUnrotated => null,
        Fact.Window when !Enumerable.Range(0, facts.CountLayers()).Any(layer => facts.WindowOf(layer, int.MaxValue) > 0) => null,
        Fact.NormEpsilon => facts.Architecture!.EpsilonKey(gguf: true),
        _ => GgufKeys.Rules.Where(rule => rule.Value.Fact == fact).Select(rule => rule.Key).FirstOrDefault(),
    };

    private static bool IsSize(Fact fact) =>
        fact is not (Fact.NormEpsilon or Fact.RopeTheta or Fact.EmbeddingScale or Fact.Threshold);
}
