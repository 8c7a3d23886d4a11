namespace SparseInfer.Generators.Declare;

/// <summary>What a policy's kernels take because it differs between layers.</summary>
internal readonly record struct PolicyParameter(string Type, string Name);

/// <summary>Where a policy chooses what is computed. A layer has one policy a site, and so has the model where a site is no layer's.</summary>
internal enum PolicySite
{
    /// <summary>Neurons of the feed-forward.</summary>
    Neurons,

    /// <summary>Input channels of attention's projections.</summary>
    InputChannels,

    /// <summary>Heads of attention.</summary>
    Heads,

    /// <summary>Words that the head computes. Of the model, not of a layer.</summary>
    Vocabulary,
}

/// <summary>
/// What one policy attribute says, without its layers. Each policy has its own record in its own folder; a backend asks the record for the
/// kernel that it has for it.
/// </summary>
internal abstract record PolicySpec
{
    /// <summary>Where it acts.</summary>
    internal abstract PolicySite Site { get; }

    /// <summary>Its name and parameter in a word or two, for a table's cell: <c>sign-bit 1.03</c>.</summary>
    public abstract string Label();

    /// <summary>One line on what the policy does, for the layer table in the head comment.</summary>
    public abstract string Describe();

    /// <summary>Values of its kernels' parameters, as C#, in their order.</summary>
    public virtual IReadOnlyList<string> Arguments(FeedForwardSpec shape) => [];
}

/// <summary>A policy and the layers it acts in, both ends included. A model's list is sorted and covers every layer exactly once.</summary>
internal sealed record LayerPolicy(int First, int Last, PolicySpec Policy)
{
    /// <summary>The layers and what they do, for a head comment.</summary>
    public string Describe() => $"  {(First == Last ? $"{First}" : $"{First}..{Last}"),-12} {Policy.Describe()}";
}
