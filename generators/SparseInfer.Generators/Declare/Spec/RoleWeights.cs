using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Declare;

/// <summary>The weight types of one role's matrices, in the order declared.</summary>
internal sealed record RoleWeights(WeightRole Role, EquatableArray<WeightType> Types)
{
    /// <summary>Every role, apart.</summary>
    public static readonly WeightRole[] Roles = [WeightRole.Embedding, WeightRole.Attention, WeightRole.FeedForward, WeightRole.Head];

    /// <summary>What a role is called in prose.</summary>
    public static string Name(WeightRole role) => role == WeightRole.FeedForward ? "feed-forward" : role.ToString().ToLowerInvariant();
}
