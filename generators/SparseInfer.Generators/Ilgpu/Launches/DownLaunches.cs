using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>Where down of some tokens is launched, and where it reads and writes, as C#.</summary>
/// <param name="Program">What stands before the program's kernels: <c>_program.</c>, or nothing.</param>
/// <param name="Mode">What is skipped.</param>
/// <param name="Tokens">How many tokens.</param>
/// <param name="Activated">Their neurons, as floats.</param>
/// <param name="Partial">Where slices leave their sums.</param>
/// <param name="Squares">Where they leave sums of squares.</param>
/// <param name="Residual">What is added to.</param>
/// <param name="Kept">Where neurons are counted that are kept; null: none are left out by their size.</param>
/// <param name="Count">Writes how neurons are counted before any is left out; null: nobody counts.</param>
internal sealed record DownPlace(
    string Program, string Mode, string Tokens, string Activated, string Partial, string Squares, string Residual, string? Kept, Action? Count = null);

/// <summary>
/// Down where all of a token's neurons are there before it: what is left out of them by its size, rows of those that are left, and the sum over the slices.
/// </summary>
internal sealed class DownLaunches(CodeWriter code, IlgpuDecoderPlan plan) : LaunchCode(code, plan)
{
    private readonly ChannelPlan? _channels = plan.Channels.FirstOrDefault(channels => channels.IsDown);

    /// <summary>The norm of the neurons, where the sum does not have it.</summary>
    private readonly NormNeurons? _norm = plan.NormsNeurons ? null : ModelProgram.Of(plan.Spec).Layer.OfType<NormNeurons>().SingleOrDefault();

    public Launch[] Launches(Down down, SumSlices sum) =>
    [
        .. _norm is null ? Array.Empty<Launch>() : [Launch(_norm, "neurons' norm", [Norms.Neurons()])],
        .. _channels is null ? Array.Empty<Launch>() : [Launch(new SkipChannels(_channels.Channels, Slot.Activated) { Policy = _channels.Channels.Policy }, "neurons that down leaves out", [Skip])],
        Launch(down, "down", FeedForwards.Select(feedForward => new FeedForwardKernels(Spec, feedForward).DownTogether)),
        Launch(sum, "its sum", FeedForwards.Select(Join)),
    ];

    private NormKernels Norms => new(Code, Plan, PacksSigns);

    private DeviceKernel Skip => new ChannelKernels(Code, _channels!).Skip(FeedForwards[0].Shape.PaddedIntermediate);

    public void Emit(DownPlace place)
    {
        EmitChoice(place);
        if (MixesDown)
        {
            ForFeedForward("w.Down", (feedForward, weights) => EmitDown(feedForward, weights, place));
        }
        else
        {
            EmitDown(FeedForwards[0], $"w.FeedForward{FeedForwards[0].Weights}", place);
        }
    }

    /// <summary>Writes what becomes of the neurons before down.</summary>
    public void EmitChoice(DownPlace place)
    {
        if (_norm is not null)
        {
            DeviceKernel norm = Norms.Neurons();
            Code.Line($"{place.Program}{norm.Field}({Config(norm, place.Tokens)}, {place.Activated}.Cast<Float4>(), w.{_norm.Weight.Field}.Cast<Float4>());");
        }

        place.Count?.Invoke();
        if (_channels is null)
        {
            return;
        }

        LayerSet layers = _channels.Channels.Policy.Layers;
        using (Code.Block($"if ({place.Mode} == SparsityMode.Predicted{(layers.IsEveryLayer ? "" : $" && {layers.Condition}")})"))
        {
            Code.Line($"{place.Program}{Skip.Field}({Config(Skip, place.Tokens)}, {place.Activated}, {Measures(_channels)}, {place.Kept});");
        }

        Code.Line();
    }

    /// <summary>Writes down of one type, and its sum.</summary>
    public void EmitDown(IlgpuFeedForwardPlan feedForward, string weights, DownPlace place)
    {
        KernelName down = new FeedForwardKernels(Spec, feedForward).DownTogether;
        string config = Config(down, $"{feedForward.ClassName}.Slices", $"{new TogetherPlan(feedForward).DownTiles}");
        Code.Line($"{place.Program}_feedForward{feedForward.Weights}.{down.Name}({config}, {weights}, {place.Activated}, {place.Tokens}, {place.Partial}{Squares(place.Squares)});");
        DeviceKernel join = Join(feedForward);
        string groups = $"{JoinKernel.Groups(feedForward)}";
        Code.Line($"{place.Program}{join.Field}({(place.Tokens == "1" ? Config(join, groups) : Config(join, groups, place.Tokens))}, "
            + $"{place.Partial}{Squares(place.Squares)}, {CentreOfDown(place.Mode)}{JoinArguments}{place.Residual});");
    }

    private string CentreOfDown(string mode) => _channels is null ? "" : Centre(_channels, mode);
}
