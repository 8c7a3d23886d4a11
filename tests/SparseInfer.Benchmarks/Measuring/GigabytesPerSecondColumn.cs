using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Parameters;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;

namespace SparseInfer.Benchmarks;

/// <summary>A benchmark class that knows what its methods read.</summary>
internal interface IReadsWeights
{
    /// <summary>Bytes of weights that one call reads. Depends on the parameters alone: nothing has been set up.</summary>
    /// <param name="method">The benchmark method.</param>
    double BytesRead(string method);
}

/// <summary>Bytes of weights over the mean time.</summary>
internal sealed class GigabytesPerSecondColumn : IColumn
{
    public string Id => nameof(GigabytesPerSecondColumn);

    public string ColumnName => "GB/s";

    public string Legend => "10^9 bytes of weights a second";

    public bool AlwaysShow => true;

    public ColumnCategory Category => ColumnCategory.Custom;

    public int PriorityInCategory => 0;

    public bool IsNumeric => true;

    public UnitType UnitType => UnitType.Dimensionless;

    public bool IsAvailable(Summary summary) => true;

    public bool IsDefault(Summary summary, BenchmarkCase benchmarkCase) => false;

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase, SummaryStyle style) => GetValue(summary, benchmarkCase);

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase)
    {
        if (summary[benchmarkCase]?.ResultStatistics is not { } statistics)
        {
            return "-";
        }

        Type type = benchmarkCase.Descriptor.Type;
        var benchmark = (IReadsWeights)Activator.CreateInstance(type)!;
        foreach (ParameterInstance parameter in benchmarkCase.Parameters.Items)
        {
            type.GetProperty(parameter.Name)!.SetValue(benchmark, parameter.Value);
        }

        // Bytes a nanosecond are gigabytes a second.
        return FormattableString.Invariant($"{benchmark.BytesRead(benchmarkCase.Descriptor.WorkloadMethod.Name) / statistics.Mean:f1}");
    }
}

/// <summary>Adds the column to a benchmark class.</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class GigabytesPerSecondAttribute : Attribute, IConfigSource
{
    public IConfig Config { get; } = ManualConfig.CreateEmpty().AddColumn(new GigabytesPerSecondColumn());
}
