using System.Collections.Immutable;
using Microsoft.CodeAnalysis;

namespace SparseInfer.Generators.Tests.RandomDeclarations;

/// <summary>Pieces that share a type, or of which one's type is the other's namespace: they can break each other by the rules of C#.</summary>
internal sealed class PieceCluster
{
    private readonly HashSet<SyntaxTree> _trees = [];

    /// <summary>Whether the compiler rejects the user's own text.</summary>
    public bool IsRejected { get; set; }

    /// <summary>Whether the generator reported an error.</summary>
    public bool IsDiagnosed { get; set; }

    /// <summary>Whether a diagnostic is in a file of these pieces.</summary>
    public bool Has(Diagnostic diagnostic) => diagnostic.Location.SourceTree is { } tree && _trees.Contains(tree);

    public static List<PieceCluster> Of(List<(RandomPiece Piece, SyntaxTree[] Files, SyntaxTree[] Uses)> pieces)
    {
        var clusters = new List<(PieceCluster Cluster, List<ImmutableArray<string>> Paths)>();
        foreach (var (piece, files, uses) in pieces)
        {
            var joined = (Cluster: new PieceCluster(), Paths: new List<ImmutableArray<string>> { piece.Path });
            joined.Cluster._trees.UnionWith([.. files, .. uses]);
            foreach (var other in clusters.Where(other => other.Paths.Any(path => Clash(path, piece.Path))).ToList())
            {
                clusters.Remove(other);
                joined.Cluster._trees.UnionWith(other.Cluster._trees);
                joined.Paths.AddRange(other.Paths);
            }

            clusters.Add(joined);
        }

        return [.. clusters.Select(cluster => cluster.Cluster)];
    }

    private static bool Clash(ImmutableArray<string> one, ImmutableArray<string> other) =>
        !one.IsEmpty && !other.IsEmpty && one.Zip(other).All(pair => pair.First == pair.Second);
}
