using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Program;

/// <summary>By what an operation can be divided among workers, or groups.</summary>
internal enum WorkUnit
{
    Token,

    /// <summary>Heads of queries, keys and values.</summary>
    Head,

    QueryHead,

    /// <summary>Columns of the residual stream.</summary>
    Column,

    /// <summary>Elements of what is written, where they are none of the others: rows of a matrix.</summary>
    Row,
    Neuron,

    /// <summary>Entries of the vocabulary.</summary>
    Word,
}

/// <summary>A part of a program with a name of its own: what comments and tables call it.</summary>
internal enum Stage
{
    Embedding,
    Heads,
    Attention,
    Output,

    /// <summary>The choice of experts, where it is no part of the feed-forward.</summary>
    Routing,
    FeedForward,

    /// <summary>What a layer made is shown.</summary>
    Observation,
    Logits,
}

/// <summary>A step of a program. Each kind has its own record; a backend has one function for each.</summary>
/// <param name="Stage">Where it belongs.</param>
/// <param name="Unit">By what it can be divided.</param>
/// <param name="Writes">What it writes.</param>
/// <param name="Reads">What it reads, what it adds to included.</param>
internal abstract record Operation(Stage Stage, WorkUnit Unit, Slot Writes, EquatableArray<Slot> Reads)
{
    protected Operation(Stage stage, WorkUnit unit, Slot writes, params Slot[] reads)
        : this(stage, unit, writes, reads.ToEquatableArray())
    {
    }

    /// <summary>The policy that asks for it, in some layers; null: it is part of every layer.</summary>
    public PolicyUse? Policy { get; init; }

    /// <summary>Whether a policy computes it before it chooses neurons.</summary>
    public bool IsOfPhase => Policy is not null && this is not KeepInput && !HeadChoice.IsOfHeads(this);

    /// <summary>Whether it is computed of each of a token's experts, for a policy that chooses inside them.</summary>
    public bool IsOfEachExpert => IsOfPhase && Reads.Contains(Slot.Routed);

    /// <summary>What kernels of policies that choose here read of the file, beside what was computed before.</summary>
    public EquatableArray<VectorUse> Vectors { get; init; }

    /// <summary>What policies choose among here; null: nothing.</summary>
    public virtual PolicySite? Site => null;

    /// <summary>Whether a unit reads what belongs to it only, and nothing that others made.</summary>
    public virtual bool IsElementwise => false;

    /// <summary>Whether a unit reads only what belongs to it of something.</summary>
    public virtual bool ReadsOwn(Slot slot) => IsElementwise;

    /// <summary>What it wants from a file.</summary>
    public virtual IEnumerable<Tensor> Tensors => [];
}

/// <summary>A token's embedding begins its residual stream.</summary>
/// <param name="Scale">What it is multiplied by.</param>
internal sealed record Embed(Tensor Table, float Scale) : Operation(Stage.Embedding, WorkUnit.Token, Slot.Residual)
{
    public override IEnumerable<Tensor> Tensors => [Table];
}

/// <summary>Adds what was learned for a token's position.</summary>
/// <param name="Offset">The row of position 0.</param>
internal sealed record AddPosition(Tensor Table, int Offset) : Operation(Stage.Embedding, WorkUnit.Token, Slot.Residual, Slot.Residual)
{
    public override IEnumerable<Tensor> Tensors => [Table];
}

/// <summary>The residual stream, normalised.</summary>
/// <param name="Bias">What is added; null: nothing.</param>
internal sealed record Norm(Stage Stage, NormSpec Spec, Tensor Weight, Tensor? Bias)
    : Operation(Stage, WorkUnit.Token, Slot.Normed, Slot.Residual)
{
    public override IEnumerable<Tensor> Tensors => Bias is null ? [Weight] : [Weight, Bias];
}

/// <summary>What attention made, normalised before its output projection.</summary>
internal sealed record NormAttended(Tensor Weight) : Operation(Stage.Output, WorkUnit.Token, Slot.Normed, Slot.Attended)
{
    public override IEnumerable<Tensor> Tensors => [Weight];
}

/// <summary>A matrix times what is read.</summary>
internal sealed record Project(Stage Stage, WorkUnit Unit, Tensor Matrix, Slot From, Slot To) : Operation(Stage, Unit, To, From)
{
    /// <summary>How channels of the input are chosen; null: all are read.</summary>
    public InputChannels? Channels { get; init; }

    public override IEnumerable<Tensor> Tensors => [Matrix];
}

/// <summary>Channels of the input that matrices leave out become zero: for who reads every row.</summary>
internal sealed record SkipChannels(InputChannels Channels, Slot From) : Operation(Channels.Stage, WorkUnit.Row, From, From)
{
    public override bool IsElementwise => true;
}

/// <summary>
/// Channels of the input that matrices read, times their rows: a sum a slice. Then those who want the products have only the slices to add up.
/// </summary>
/// <param name="Channels">How they are chosen.</param>
/// <param name="Matrices">All that read the input.</param>
/// <param name="From">The input.</param>
internal sealed record SumChannels(InputChannels Channels, IReadOnlyList<Tensor> Matrices, Slot From)
    : Operation(Channels.Stage, WorkUnit.Row, Channels.Sums, From);

/// <summary>What is left of the neurons, without those that down leaves out of its input.</summary>
/// <param name="Channels">How they are chosen.</param>
internal sealed record KeepLarger(InputChannels Channels) : Operation(Stage.FeedForward, WorkUnit.Neuron, Slot.Activated, Slot.Activated)
{
    public override bool IsElementwise => true;
}

/// <summary>Adds what the centre of a matrix's input makes of the matrix, in layers and modes that multiplied it with distances from there.</summary>
/// <param name="Matrix">The matrix.</param>
/// <param name="Channels">How channels of its input are chosen.</param>
/// <param name="To">What the matrix made.</param>
internal sealed record AddCentre(Stage Stage, WorkUnit Unit, Tensor Matrix, InputChannels Channels, Slot To) : Operation(Stage, Unit, To, To)
{
    public override bool IsElementwise => true;
}

/// <summary>Adds a bias to what a projection made.</summary>
internal sealed record AddBias(Stage Stage, WorkUnit Unit, Tensor Bias, Slot To) : Operation(Stage, Unit, To, To)
{
    public override bool IsElementwise => true;

    public override IEnumerable<Tensor> Tensors => [Bias];
}

/// <summary>What is below zero becomes zero.</summary>
internal sealed record Rectify(Stage Stage, WorkUnit Unit, Slot To) : Operation(Stage, Unit, To, To)
{
    public override bool IsElementwise => true;
}

/// <summary>Says of each element whether it is among the largest: 0 if it is, -1 if not. Of equals the first are taken. How many, the phase says.</summary>
internal sealed record KeepLargest(Stage Stage, WorkUnit Unit, Slot From, Slot To) : Operation(Stage, Unit, To, From);

/// <summary>
/// Keeps what policies of later layers read of this one, in the layers before theirs: as <see cref="Slot.Kept"/>. They read it as <see cref="Slot.Before"/>, a layer and
/// so at least a barrier later.
/// </summary>
/// <param name="From">What is kept.</param>
/// <param name="Rows">How many layers' rows there are: one more than the furthest looks back.</param>
internal sealed record KeepInput(Slot From, int Rows) : Operation(Stage.FeedForward, WorkUnit.Column, From.Kept, From)
{
    public override bool IsElementwise => true;
}

/// <summary>Heads of queries or keys, each normalised.</summary>
internal sealed record NormHeads(Slot Heads, Tensor Weight) : Operation(Stage.Heads, WorkUnit.Head, Heads, Heads)
{
    public override bool IsElementwise => true;

    public override IEnumerable<Tensor> Tensors => [Weight];
}

/// <summary>Rotates heads by their position.</summary>
/// <param name="Except">Layers that do not; null: all do.</param>
internal sealed record Rotate(Slot Heads, LayerPattern? Except = null) : Operation(Stage.Heads, WorkUnit.Head, Heads, Heads)
{
    public override bool IsElementwise => true;
}

/// <summary>Each query against all keys so far, or those of a window, and the values so weighted.</summary>
/// <param name="Windows">Layers that look back so far; the others look back to the first position.</param>
internal sealed record Attend(EquatableArray<AttentionWindow> Windows = default) : Operation(Stage.Attention, WorkUnit.QueryHead, Slot.Attended, Slot.Queries, Slot.Keys, Slot.Values)
{
    /// <summary>Whether policies choose, in any layer, which heads are attended to: the output of the others is zero.</summary>
    public bool IsChosen { get; init; }
}

/// <summary>Squares of queries, added up for each key-value head over the query heads that share it.</summary>
internal sealed record ScoreQueries(Slot To) : Operation(Stage.Attention, WorkUnit.Row, To, Slot.Queries);

/// <summary>Adds what a block made to the residual stream.</summary>
internal sealed record AddResidual(Stage Stage) : Operation(Stage, WorkUnit.Column, Slot.Residual, Slot.Residual, Slot.Projected)
{
    public override bool IsElementwise => true;
}

/// <summary>
/// What all neurons' activation is applied to, before any is activated: the first of the neurons' matrices, which these want from a file.
/// </summary>
internal sealed record Gates() : Operation(Stage.FeedForward, WorkUnit.Neuron, Slot.Gates, Slot.Normed);

/// <summary>Mean and squared deviations of the gates: a pair a slice.</summary>
internal sealed record MeasureGates() : Operation(Stage.FeedForward, WorkUnit.Neuron, Slot.Moments, Slot.Gates)
{
    public override bool IsElementwise => true;
}

/// <summary>Gate, activation and up of the neurons that a policy selects and the activation leaves.</summary>
/// <param name="Matrices">Gate and up, or up alone.</param>
/// <param name="Biases">Their biases, or none.</param>
internal sealed record Neurons(FeedForwardSpec Spec, IReadOnlyList<Tensor> Matrices, IReadOnlyList<Tensor> Biases)
    : Operation(Stage.FeedForward, WorkUnit.Neuron, Slot.Activated, Slot.Normed)
{
    /// <summary>How channels of the input are chosen; null: all are read.</summary>
    public InputChannels? Channels { get; init; }

    public override PolicySite? Site => PolicySite.Neurons;

    // A neuron is dotted with the whole input; what a policy made of neurons is each one's own.
    public override bool ReadsOwn(Slot slot) => slot == Slot.Gates || slot.Width == Matrices[0].Rows;

    public override IEnumerable<Tensor> Tensors => Matrices.Concat(Biases);
}

/// <summary>Squares of what is left of the neurons: a sum a slice.</summary>
internal sealed record SumSquares() : Operation(Stage.FeedForward, WorkUnit.Neuron, Slot.Squares, Slot.Activated)
{
    public override bool IsElementwise => true;
}

/// <summary>What is left of the neurons, normalised over all of them: one that was left out counts as zero.</summary>
internal sealed record NormNeurons(Tensor Weight) : Operation(Stage.FeedForward, WorkUnit.Neuron, Slot.Activated, Slot.Activated, Slot.Squares)
{
    public override bool ReadsOwn(Slot slot) => slot == Slot.Activated;

    public override IEnumerable<Tensor> Tensors => [Weight];
}

/// <summary>What is left of the neurons, times their rows of down: a sum a slice.</summary>
internal sealed record Down(Tensor Matrix) : Operation(Stage.FeedForward, WorkUnit.Neuron, Slot.Sums, Slot.Activated)
{
    /// <summary>How neurons are chosen of those that are left; null: all are.</summary>
    public InputChannels? Channels { get; init; }

    public override bool IsElementwise => true;

    public override IEnumerable<Tensor> Tensors => [Matrix];
}

/// <summary>The slices' sums, added in order.</summary>
/// <param name="Bias">What is added to them; null: nothing.</param>
internal sealed record SumSlices(Tensor? Bias) : Operation(Stage.FeedForward, WorkUnit.Column, Slot.Projected, Slot.Sums)
{
    public override IEnumerable<Tensor> Tensors => Bias is null ? [] : [Bias];
}

/// <summary>
/// Shows a vector to whoever observes the session. It stands where the vector is complete, and before anybody writes it again: no worker waits for it.
/// </summary>
/// <param name="What">Which vector.</param>
/// <param name="From">Where it is.</param>
internal sealed record Observe(Stage Stage, ObservedActivation What, Slot From) : Operation(Stage, WorkUnit.Token, Slot.Observed, From);

/// <summary>Chooses the experts that compute a token.</summary>
/// <param name="Matrix">A row an expert.</param>
/// <param name="From">What it reads.</param>
internal sealed record Route(Stage Stage, ExpertsSpec Spec, Tensor Matrix, Slot From) : Operation(Stage, WorkUnit.Token, Slot.Routed, From)
{
    public override bool ReadsOwn(Slot slot) => true;

    public override IEnumerable<Tensor> Tensors => [Matrix];
}

/// <summary>A prompt's tokens, brought into the order of their experts.</summary>
internal sealed record GroupTokens() : Operation(Stage.FeedForward, WorkUnit.Token, Slot.Grouped, Slot.Normed, Slot.Routed);

/// <summary>The chosen experts' outputs, slices and all, multiplied by their weights and added in ascending order of the experts.</summary>
internal sealed record SumExperts() : Operation(Stage.FeedForward, WorkUnit.Column, Slot.Projected, Slot.Sums, Slot.Routed)
{
    public override bool ReadsOwn(Slot slot) => slot != Slot.Routed;
}
