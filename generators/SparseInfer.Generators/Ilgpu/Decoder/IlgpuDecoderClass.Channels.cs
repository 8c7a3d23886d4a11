using SparseInfer.Generators.Emit;
using SparseInfer.Generators.Program;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>Matrices that have a row for each channel of their input, and what is derived of them.</summary>
internal sealed partial class IlgpuDecoderClass
{
    /// <summary>Whether query, key and value are such: a matrix each, since their outputs stand side by side.</summary>
    private bool HeadsByChannel => Heads.Any(tensor => _plan.ByChannel(tensor) is not null);

    /// <summary>What a layer calls what an input's centre adds to the outputs.</summary>
    public static string OfCentre(ChannelPlan plan) => $"{plan.Channels.Use}OfCentre";

    /// <summary>Vectors of a layer that are made of such matrices.</summary>
    private IEnumerable<string> ChannelVectors => _plan.Channels.Where(plan => plan.Channels.HasCentres).Select(OfCentre);

    private void EmitBindChannels(ChannelPlan plan)
    {
        foreach (Tensor matrix in plan.Matrices)
        {
            _code.Line($"StoredChannels {matrix.Variable} = {TensorCalls.BindChannels(matrix)};");
        }

        string all = string.Join(", ", plan.Matrices.Select(matrix => matrix.Variable));
        if (plan.Channels.HasCentres)
        {
            _code.Line($"w.{OfCentre(plan)} = upload.OfCentre({ThresholdTable.Centres(plan.Channels)}[layer], [{all}]);");
        }

        EmitBinds(plan.Matrices.Select(matrix => (matrix, $"upload.Channels({matrix.Variable}, {matrix.Rows.Name}, {matrix.Columns!.Name})")));
    }

    /// <summary>Four outputs each of the sums that slices of channels leave of a token; 0: there are none.</summary>
    private int ChannelQuads => _plan.Channels.Select(plan => plan.Slices * plan.Quads).DefaultIfEmpty().Max();

    private const string SumsOfChannels = "sums of channels";

    /// <summary>What a batch of sequences has for them, or nothing.</summary>
    private DeviceBuffer[] ChannelBuffers(string tokens) => ChannelQuads == 0 ? [] :
    [
        new("Float4", LaunchCode.ChannelSumsBuffer, $"{tokens} * {ChannelQuads}L", SumsOfChannels),
        new("long", LaunchCode.KeptChannelsBuffer, tokens, SumsOfChannels),
    ];
}
