extern alias generators;

using System.Text;
using System.Text.Json;
using generators::SparseInfer.Generators.Declare;
using generators::SparseInfer.Generators.Ilgpu;
using SparseInfer.Cli.Compilation;
using SparseInfer.Runtime;
using PlannedMode = generators::SparseInfer.SparsityMode;

namespace SparseInfer.Cli.Inspect;

/// <summary>
/// Plan, memory and modelled cost of one token, as text for people or JSON for programs. Numbers look alike everywhere: the tool is built
/// without cultures.
/// </summary>
/// <param name="declaration">The model.</param>
/// <param name="plan">Its plan, and the device planned for.</param>
/// <param name="sparsity">Share of neurons that are inactive.</param>
/// <param name="channels">Share of channels that are left out of inputs with a threshold.</param>
/// <param name="position">The token's.</param>
internal sealed class CostReport(ModelDeclaration declaration, IlgpuDecoderPlan plan, double sparsity, double channels, int position)
{
    private static readonly JsonSerializerOptions Options = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private readonly DeviceTarget _device = plan.Target;

    private readonly IlgpuFeedForwardPlan _feedForward = plan.FeedForwards.First();

    private readonly DeviceFootprint _footprint = DeviceFootprint.First(plan);

    private readonly DeviceCost[] _costs = [.. Modes.Select(mode => DeviceCost.Of(plan, new TokenCase(mode, sparsity, position, channels)))];

    private static PlannedMode[] Modes => Enum.GetValues<PlannedMode>();

    public string Text()
    {
        var text = new StringBuilder();
        string shared = _device.Integrated ? " shared with the CPU" : "";
        Line($"{declaration.Name}, weights {declaration.Weights[0]}, on {_device.Name} ({_device.Architecture}): {_device.Multiprocessors} "
            + $"multiprocessors, {_device.GigabytesPerSecond:0.#} GB/s, {_device.MemoryGigabytes:0.#} GB{shared}");
        Line($"MODELLED, NOT MEASURED: bytes / ({_device.GigabytesPerSecond:0.#} GB/s x {KernelTime.BandwidthEfficiency}) "
            + $"+ launches x {KernelTime.LaunchMicroseconds:0.00} us, and docs/gpu-cost-model.md");
        Line("");
        Line("plan");
        Line($"  feed-forward   {_feedForward.Slices} groups of {_feedForward.Threads} threads, {_feedForward.SliceNeurons} neurons each, "
            + $"{_feedForward.SharedBytes:N0} bytes of shared memory");
        Line($"  {"",-14} {_feedForward.Resident} at a time on a multiprocessor; the busiest takes {_feedForward.Imbalance:0.00} of an equal share");
        Line($"  its sum        {_feedForward.JoinGroups} groups of {RowPlan.Lanes * _feedForward.JoinWarps} threads");
        Line($"  rows           {IlgpuDecoderPlan.RowThreads} threads a group, {IlgpuDecoderPlan.RowWarps * IlgpuDecoderPlan.RowsPerWarp} "
            + $"rows; {_feedForward.Row.Steps} loads of 16 bytes a lane for {plan.Spec.Hidden} weights");
        Line($"  attention      a group for each head and {IlgpuDecoderPlan.SplitPositions} positions");
        Line($"  norms          {plan.NormThreads} threads");
        Line("");
        Line("memory");
        Line($"  weights        {Gib(_footprint.WeightBytes),7} GiB, predictors' signs among them");
        Line($"  cache          {Gib(_footprint.CacheBytes(declaration.Context)),7} GiB a session of {declaration.Context} positions in F16, "
            + $"taken by {KeyValueCache.PagePositions} as it grows");
        if (_footprint.RememberedBytes > 0)
        {
            Line($"  prompts        {Gib(_footprint.RememberedBytes),7} GiB a session, what policies remember of them");
        }

        Line($"  device         {Gib(_device.MemoryBytes),7} GiB: {Fit()}");
        Line("");
        Line($"a token at position {position}, {sparsity:0.##%} of the neurons inactive{(channels > 0 ? $", {channels:0.##%} of the channels of inputs with a threshold left out" : "")}");
        Line($"  {"",-22}{"",8}{string.Concat(Modes.Select(mode => $"{mode.ToString().ToLowerInvariant(),18}"))}");
        Line($"  {"part",-22}{"launches",8}{string.Concat(Modes.Select(_ => $"{"MB",9}{"ms",9}"))}");
        for (int i = 0; i < _costs[0].Parts.Count; i++)
        {
            CostPart part = _costs[0].Parts[i];
            Line($"  {part.Name,-22}{part.Launches,8}{string.Concat(_costs.Select(cost => Cell(cost.Parts[i])))}");
        }

        string all = string.Concat(_costs.Select(cost => $"{cost.Bytes / 1e6,9:N1}{cost.Microseconds / 1e3,9:N3}"));
        Line($"  {"all",-22}{_costs[0].Launches,8}{all}");
        Line($"  {"tokens/s, modelled",-30}{string.Concat(_costs.Select(cost => $"{1e6 / cost.Microseconds,18:N1}"))}");
        return text.ToString();

        void Line(string line) => text.Append(line).Append('\n');
    }

    public string Json() => JsonSerializer.Serialize(
        new
        {
            Modelled = true,
            Note = "modelled, not measured",
            Model = declaration.Name,
            WeightType = declaration.Weights[0].ToString(),
            Device = new
            {
                _device.Name,
                _device.Architecture,
                _device.Multiprocessors,
                _device.GigabytesPerSecond,
                _device.MemoryBytes,
                _device.Integrated,
            },
            Constants = new { KernelTime.BandwidthEfficiency, KernelTime.LaunchMicroseconds, KernelTime.BytesPerCycle },
            Plan = new
            {
                FeedForwardGroups = _feedForward.Slices,
                FeedForwardThreads = _feedForward.Threads,
                NeuronsPerGroup = _feedForward.SliceNeurons,
                FeedForwardSharedBytes = _feedForward.SharedBytes,
                IlgpuDecoderPlan.RowThreads,
                IlgpuDecoderPlan.AttentionThreads,
                IlgpuDecoderPlan.SplitPositions,
                plan.NormThreads,
            },
            Memory = new
            {
                _footprint.WeightBytes,
                CacheBytes = _footprint.CacheBytes(declaration.Context),
                _footprint.RememberedBytes,
                CacheType = KeyValueType.F16.ToString(),
                CachePagePositions = KeyValueCache.PagePositions,
                Fits = _footprint.Bytes(declaration.Context) <= _device.MemoryBytes,
            },
            Sparsity = sparsity,
            Channels = channels,
            Position = position,
            Modes = Modes.Zip(_costs, (mode, cost) => new
            {
                Mode = mode.ToString().ToLowerInvariant(),
                cost.Bytes,
                cost.Launches,
                cost.Microseconds,
                TokensPerSecond = 1e6 / cost.Microseconds,
                Parts = cost.Parts.Select(part => new { part.Name, part.Bytes, part.Launches, part.Microseconds }),
            }),
        },
        Options) + "\n";

    private static string Cell(CostPart part) => $"{part.Bytes / 1e6,9:N1}{part.Microseconds / 1e3,9:N3}";

    private static string Gib(long bytes) => (bytes / (double)(1L << 30)).ToString("N2");

    private string Fit()
    {
        if (_footprint.Bytes(declaration.Context) <= _device.MemoryBytes)
        {
            return _device.Integrated ? "fits, beside what the CPU and the system take" : "fits";
        }

        return _footprint.LongestContext(_device.MemoryBytes) is > 0 and var context
            ? $"does not fit; a context of {context} does"
            : "does not fit, whatever the context: take a smaller weight type";
    }
}
