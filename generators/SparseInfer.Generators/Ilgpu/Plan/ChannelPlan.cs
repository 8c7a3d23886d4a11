using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Formats;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>
/// How projections of one input are computed on a GPU that have a row for each of its channels, so that rows of channels which are left out are not read. As
/// down of several tokens is: a group has a slice of the channels and a strip of a matrix's outputs; the slices' sums stand side by side, and are added in
/// order. A pure function of the declaration.
/// </summary>
/// <param name="Channels">How they are chosen.</param>
/// <param name="Matrices">What reads the input.</param>
internal sealed record ChannelPlan(InputChannels Channels, EquatableArray<Tensor> Matrices, DeviceTarget Target)
{
    /// <summary>Threads that add up slices, four outputs each.</summary>
    public const int SumThreads = FeedForwardIlgpuClass.BatchThreads;

    /// <summary>Groups that a multiprocessor shall have at least, where slices can be made smaller for it.</summary>
    private const int Groups = 2;

    /// <summary>Channels of a slice, the most first: few make many sums, which are written and read again.</summary>
    private static readonly int[] Sizes = [256, 128, 64];

    /// <summary>Channels of the input.</summary>
    public int Width => Matrices[0].Columns!.Size;

    /// <summary>Four outputs each, of all matrices: each padded to whole vectors.</summary>
    public int Quads => FirstQuad(Matrices.Count);

    /// <summary>Outputs of all matrices, without padding.</summary>
    public int Outputs => FirstOutput(Matrices.Count);

    /// <summary>Where a matrix's outputs begin among a slice's sums, in quads.</summary>
    public int FirstQuad(int matrix) => Matrices.Take(matrix).Sum(before => WeightLayout.Pad(before.Rows.Size)) / 4;

    /// <summary>Where they begin where there is no padding between them.</summary>
    public int FirstOutput(int matrix) => Matrices.Take(matrix).Sum(before => before.Rows.Size);

    /// <summary>Channels of a group.</summary>
    public int Slice => Sizes.FirstOrDefault(size => Sliced(size) * ((Quads + 127) / 128) >= Groups * Target.Multiprocessors) is var slice and > 0 ? slice : Sizes[Sizes.Length - 1];

    /// <summary>Groups that have other channels.</summary>
    public int Slices => Sliced(Slice);

    private int Sliced(int slice) => (Width + slice - 1) / slice;

    /// <summary>A matrix in a weight type: as a down whose neurons are the channels, and whose columns are the outputs.</summary>
    public IlgpuFeedForwardPlan Rows(Tensor matrix, WeightType type) => new(
        new(new(matrix.Rows.Size, Width, Activation.Relu, "0", Gated: false, Biases: false), type), Target, Slice, RowPlan.Lanes);

    /// <summary>Whether it is down, whose channels are neurons: it has a row for each in every model, and launches of its own.</summary>
    public bool IsDown => Channels.Use == ChannelUse.Down;

    /// <summary>Where a model has them: query, key and value; attention's output; gate and up; down.</summary>
    public static IEnumerable<ChannelPlan> Of(ModelSpec spec, DeviceTarget target) => ModelProgram.Of(spec).Layer
        .SelectMany(operation => operation switch
        {
            Project { Channels: { HasThreshold: true } channels } project => [(channels, project.Matrix)],
            Neurons { Channels: { } channels } neurons => neurons.Matrices.Select(matrix => (channels, matrix)),
            Down { Channels: { } channels } down => [(channels, down.Matrix)],
            _ => Array.Empty<(InputChannels Channels, Tensor Matrix)>(),
        })
        .GroupBy(pair => pair.Item1)
        .Select(group => new ChannelPlan(group.Key, group.Select(pair => pair.Item2).ToEquatableArray(), target));
}
