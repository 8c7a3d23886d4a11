using System.Globalization;
using System.Text.RegularExpressions;

namespace SparseInfer.SoftwareCuda.Driver;

/// <summary>What a driver asks of a module before it compiles it: a version that it knows, and an architecture that the device has.</summary>
internal static partial class PtxHeader
{
    /// <exception cref="PtxRefusedException">The driver is too old for the text, or the device.</exception>
    public static void Check(string text, SoftwareCudaOptions options, bool refuse)
    {
        if (text.StartsWith("\u007fELF", StringComparison.Ordinal) || Version().Match(text) is not { Success: true } version)
        {
            throw new PtxRefusedException(CuResult.InvalidImage, 0, "this is no PTX: there is no .version");
        }

        int has = Number(version.Groups[1]) * 10 + Number(version.Groups[2]);
        int knows = LatestVersion(options.DriverVersion);
        if (refuse || has > knows)
        {
            int current = refuse ? Math.Min(knows, has - 1) : knows;
            throw new PtxRefusedException(
                CuResult.UnsupportedPtxVersion,
                Line(text, version.Index),
                $"Unsupported .version {has / 10}.{has % 10}; current version is '{current / 10}.{current % 10}'");
        }

        if (Target().Match(text) is { Success: true } target && Number(target.Groups[1]) > options.Architecture)
        {
            throw new PtxRefusedException(
                CuResult.NoBinaryForGpu,
                Line(text, target.Index),
                $"SM version specified by .target is higher than default SM version assumed: sm_{target.Groups[1].Value}, the device is sm_{options.Architecture}");
        }
    }

    /// <summary>The latest version of PTX that a driver knows, from the release notes of the PTX ISA: 82 for 12020.</summary>
    private static int LatestVersion(int driver) => (driver / 1000, driver % 1000 / 10) switch
    {
        ( < 9, _) => 50,
        (9, var minor) => 60 + minor,
        (10, var minor) => 63 + minor,
        (11, var minor) => 70 + minor,
        (12, <= 5 and var minor) => 80 + minor,
        (12, var minor) => 79 + minor,
        _ => 90,
    };

    private static int Number(Group group) => int.Parse(group.ValueSpan, CultureInfo.InvariantCulture);

    private static int Line(string text, int index) => 1 + text.AsSpan(0, index).Count('\n');

    [GeneratedRegex(@"^\s*\.version\s+(\d+)\.(\d+)", RegexOptions.Multiline)]
    private static partial Regex Version();

    [GeneratedRegex(@"^\s*\.target\s+sm_(\d+)", RegexOptions.Multiline)]
    private static partial Regex Target();
}

/// <summary>A module that the driver does not even compile.</summary>
internal sealed class PtxRefusedException(CuResult result, int line, string message) : Exception(message)
{
    public CuResult Result { get; } = result;

    public int Line { get; } = line;
}
