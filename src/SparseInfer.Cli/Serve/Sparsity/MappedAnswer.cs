using System.Runtime.CompilerServices;
using SparseInfer.Cli.Serve.Protocol;

namespace SparseInfer.Cli.Serve.Sparsity;

/// <summary>An answer of which every token is looked at: which neurons of which layer were computed for it.</summary>
/// <param name="model">The model, on a CPU, its class declared with <c>[Observed]</c>.</param>
/// <param name="running">How many answers the server computes beside this one.</param>
internal sealed class MappedAnswer(LanguageModel model, Func<int> running)
{
    /// <summary>Computes the answer.</summary>
    /// <param name="session">A session that has computed nothing yet.</param>
    /// <param name="mode">Its mode.</param>
    /// <param name="cancellationToken">Ends it after the current token.</param>
    /// <returns>The tokens; the last piece, and no other, has a reason. The first token came from the prompt, which is computed dense and shows nothing.</returns>
    public async IAsyncEnumerable<MapPiece> RunAsync(AloneSession session, SparsityMode mode, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var blocks = NeuronBlocks.Of(model.Shape);
        var counts = new BlockCounts(model.Shape.Layers, blocks);
        var pace = new Pace(running);
        string text = await session.ReadPromptAsync(pace, cancellationToken);
        yield return Piece(text, null);
        session.Session.Observer = counts;
        session.Session.Metering = true;
        while (session.Report is null)
        {
            (text, IReadOnlyList<LayerMap> layers) = await pace.RunAsync(() => Decode(session, counts), cancellationToken);
            yield return Piece(text, [.. layers.Select(layer => Of(layer, mode, blocks))]);
        }

        MapPiece Piece(string text, IReadOnlyList<MappedLayer>? layers) => new(text, layers, session.Report is { } report ? FinishWords.Of(report.Reason) : null);
    }

    private static (string Text, IReadOnlyList<LayerMap> Layers) Decode(AloneSession session, BlockCounts counts)
    {
        session.Session.ResetMetrics();
        string text = session.Decode();
        return (text, [.. session.ReadStep().Select((metrics, layer) => counts.Read(layer, metrics))]);
    }

    private static MappedLayer Of(LayerMap layer, SparsityMode mode, NeuronBlocks blocks)
    {
        int active = layer.Active.Sum();
        return new(layer.Active, mode == SparsityMode.Dense ? blocks.Neurons : active, layer.Unread, layer.Missed, layer.Experts);
    }
}

/// <summary>A token of an answer. Properties' names, in snake case, are those of the output.</summary>
/// <param name="Text">What it adds; empty inside a character, and where it may begin a stop string.</param>
/// <param name="Layers">What was computed to choose it; null: the prompt.</param>
/// <param name="FinishReason">Why it is the last one; null: more follows.</param>
internal sealed record MapPiece(string Text, IReadOnlyList<MappedLayer>? Layers, string? FinishReason);

/// <summary>A layer of the map.</summary>
/// <param name="Active">Of each block, the neurons that add something to the output.</param>
/// <param name="Computed">Neurons all of whose rows were read: every one in Dense, else the active ones.</param>
/// <param name="Unread">Neurons that a predictor skipped before any of their rows was read. Of the rest, up to <paramref name="Computed"/>, the gate's row alone was read.</param>
/// <param name="Missed">Of the unread ones, those that would have added something.</param>
/// <param name="Experts">The experts that were chosen, in the order of their blocks; null: there are none.</param>
internal sealed record MappedLayer(IReadOnlyList<int> Active, int Computed, int Unread, int Missed, IReadOnlyList<int>? Experts);
