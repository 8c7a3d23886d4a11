using SparseInfer.Generators.Emit;
using SparseInfer.Generators.Program;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>Matrices that have a row for each channel of their input, and what is derived of them.</summary>
internal sealed partial class IlgpuDecoderClass
{
    /// <summary>Matrices that are laid out so for channels: down is, whatever is declared.</summary>
    private IEnumerable<ChannelPlan> ByChannel => _plan.Channels.Where(plan => !plan.IsDown);

    /// <summary>Whether query, key and value are such: a matrix each, since their outputs stand side by side.</summary>
    private bool HeadsByChannel => Heads.Any(tensor => _plan.ByChannel(tensor) is not null);

    /// <summary>What a layer calls what an input's centre adds to the outputs.</summary>
    public static string OfCentre(ChannelPlan plan) => $"{plan.Channels.Use}OfCentre";

    /// <summary>What a layer calls the norms of the channels' weights.</summary>
    public static string ColumnNorms(ChannelPlan plan) => $"{plan.Channels.Use}ColumnNorms";

    /// <summary>Vectors of a layer that are made of such matrices.</summary>
    private IEnumerable<string> ChannelVectors => _plan.Channels.Where(plan => plan.Channels.HasCentres).Select(OfCentre)
        .Concat(_plan.Channels.Where(plan => plan.Channels.NormLayers is not null).Select(ColumnNorms));

    private void EmitBindChannels(ChannelPlan plan)
    {
        foreach (Tensor matrix in plan.Matrices)
        {
            _code.Line($"StoredChannels {matrix.Variable} = {TensorCalls.BindChannels(matrix)};");
        }

        string all = string.Join(", ", plan.Matrices.Select(matrix => matrix.Variable));
        EmitBindCentre(plan, all);
        if (plan.Channels.NormLayers is { } layers)
        {
            string norms = $"upload.ColumnNorms([{all}])";
            _code.Line($"w.{ColumnNorms(plan)} = {(layers.Length == 0 ? norms : $"{layers} ? {norms} : upload.Ones({plan.Matrices[0].Columns!.Name})")};");
        }

        EmitBinds(plan.Matrices.Select(matrix => (matrix, $"upload.Channels({matrix.Variable}, {matrix.Rows.Name}, {matrix.Columns!.Name})")));
    }

    private void EmitBindCentre(ChannelPlan plan, string matrices)
    {
        if (plan.Channels.HasCentres)
        {
            _code.Line($"w.{OfCentre(plan)} = upload.OfCentre({ThresholdTable.Centres(plan.Channels)}[layer], [{matrices}]);");
        }
    }

    /// <summary>Four outputs each of the sums that slices of channels leave of a token; 0: there are none.</summary>
    private int ChannelQuads => ByChannel.Select(plan => plan.Slices * plan.Quads).DefaultIfEmpty().Max();

    private const string SumsOfChannels = "sums of channels";

    /// <summary>What a batch of sequences has for them, or nothing.</summary>
    private DeviceBuffer[] ChannelBuffers(string tokens) =>
    [
        .. ChannelQuads == 0 ? Array.Empty<DeviceBuffer>() : [new("Float4", LaunchCode.ChannelSumsBuffer, $"{tokens} * {ChannelQuads}L", SumsOfChannels)],
        .. _plan.Channels.Count == 0 ? Array.Empty<DeviceBuffer>() : [new("long", LaunchCode.KeptChannelsBuffer, tokens, SumsOfChannels)],
    ];

    /// <summary>Numbers that kernels count for each token of a layer: channels that are kept of each input, and neurons that are there before down.</summary>
    private int CountedInputs => _plan.Channels.Count + (_plan.SeparatesDown ? 1 : 0);
}
