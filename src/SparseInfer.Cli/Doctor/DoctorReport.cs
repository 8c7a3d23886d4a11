using System.Globalization;
using System.Text;
using System.Text.Json;

namespace SparseInfer.Cli.Doctor;

/// <summary>Findings as text for people, or JSON for programs.</summary>
internal static class DoctorReport
{
    private static readonly JsonSerializerOptions Options = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static string Json(IReadOnlyList<Finding> findings) => JsonSerializer.Serialize(findings, Options) + "\n";

    /// <summary>A line for each device, and one more for what would help.</summary>
    public static string Text(IReadOnlyList<Finding> findings)
    {
        var text = new StringBuilder();
        int width = findings.Max(finding => finding.Name.Length) + 2;
        string indent = new(' ', width + 10);
        foreach (Finding finding in findings)
        {
            string state = finding.Usable ? finding.IsBest ? "best" : "usable" : "no";
            string what = finding.Usable ? Describe(finding) : $"{finding.Description}{(finding.Description is null ? "" : ": ")}{finding.WhyNot}";
            text.Append(finding.Name.PadRight(width)).Append(state.PadRight(10)).Append(what).Append('\n');
            if (finding.Fix is { } fix)
            {
                text.Append(indent).Append(fix).Append('\n');
            }
        }

        return text.ToString();
    }

    private static string Describe(Finding finding)
    {
        string[] parts =
        [
            finding.Description!,
            .. finding.Architecture is { } architecture ? (string[])[architecture] : [],
            .. finding.MemoryBytes is { } bytes ? (string[])[string.Create(CultureInfo.InvariantCulture, $"{bytes / (1024.0 * 1024 * 1024):0.#} GiB")] : [],
        ];
        return string.Join(", ", parts);
    }
}
