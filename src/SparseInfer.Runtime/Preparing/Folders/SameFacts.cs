using SparseInfer.Loading;

namespace SparseInfer.Preparing;

/// <summary>Makes sure that a GGUF file says what the folder says that it was made of: what its keys cannot say is refused, never dropped.</summary>
internal static class SameFacts
{
    /// <param name="folder">What the folder says.</param>
    /// <param name="file">What the file says.</param>
    /// <param name="problems">Gets what differs.</param>
    public static void Require(ModelFacts folder, ModelFacts file, List<string> problems)
    {
        problems.AddRange(file.Problems);
        string cannot = $"which GGUF files of architecture {file.Architecture?.Name} cannot say";
        foreach (StatedFact stated in folder.Stated.Where(stated => stated.Fact is not (Fact.RopeFraction or Fact.Window)))
        {
            if ((float?)file.First(stated.Fact) != (float)stated.Value)
            {
                problems.Add($"{stated.Text}, {cannot}");
            }
        }

        foreach (StatedTrait stated in folder.Traits)
        {
            if (!file.Traits.Any(other => other.Fact == stated.Fact && KeyRule.Near(other.Value, stated.Value)))
            {
                problems.Add($"{stated.Text}, {cannot}");
            }
        }

        if (folder.Scaling is { } scaling && !scaling.Equals(file.Scaling))
        {
            problems.Add($"{folder.ScalingText}, {cannot}");
        }

        int context = (int)Math.Clamp(folder.First(Fact.Context) ?? int.MaxValue, 0, int.MaxValue);
        for (int layer = 0; layer < folder.CountLayers(); layer++)
        {
            if (folder.WindowOf(layer, context) != file.WindowOf(layer, context))
            {
                problems.Add($"the attention of layer {layer} looks back otherwise than that of others, {cannot}");
                return;
            }

            if ((folder.IsUnrotated?.Invoke(layer) == true) != (file.IsUnrotated?.Invoke(layer) == true))
            {
                problems.Add($"{folder.UnrotatedText}, so layer {layer} is rotated otherwise than in other models of this architecture, {cannot}");
                return;
            }
        }
    }
}
