using System.Globalization;
using ILGPU;
using SparseInfer.SoftwareCuda.Counting;

namespace SparseInfer.Ilgpu.Tests;

/// <summary>Counters of global memory by the fields of the structure of views that a kernel takes its weights in.</summary>
internal static class MemoryOfFields
{
    /// <summary>A view is a pointer and a length in a kernel's parameters.</summary>
    private const int ViewBytes = 16;

    /// <summary>The parameter that kernels take weights in.</summary>
    private const string Parameter = "w";

    /// <summary>The counters of each field that a launch used. Fields that lead to one buffer count as one of them.</summary>
    /// <param name="structure">The type of the parameter <c>w</c>: views and nothing else.</param>
    public static IReadOnlyDictionary<string, MemoryCounters> Of(LaunchCounters launch, Type structure)
    {
        string[] fields =
        [
            .. structure.GetFields().OrderBy(field => field.MetadataToken).Select(field =>
            {
                field.FieldType.GetGenericTypeDefinition().ShouldBe(typeof(ArrayView<>), $"{structure.Name}.{field.Name}");
                return field.Name;
            }),
        ];
        return launch.Memory.Where(part => part.Key == Parameter || part.Key.StartsWith(Parameter + "+", StringComparison.Ordinal))
            .ToDictionary(part => fields[Offset(part.Key) / ViewBytes], part => part.Value);
    }

    private static int Offset(string label) =>
        label == Parameter ? 0 : int.Parse(label.AsSpan(Parameter.Length + 1), CultureInfo.InvariantCulture);
}
