using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace SparseInfer.Kernels.Cpu.Tests;

/// <summary>
/// Checksums of computed bits, a line each, and the file beside the tests that has them: computed once, on one processor, and demanded of all.
/// UPDATE_SNAPSHOTS=1 writes the file anew, but never where CI=true.
/// </summary>
internal sealed class GoldenBits
{
    private readonly List<string> _lines = [];

    /// <summary>Adds the checksum of floats' bits: FNV-1a of 64 bits.</summary>
    /// <param name="what">What computed them, from what.</param>
    /// <param name="values">The floats.</param>
    public void Add(string what, ReadOnlySpan<float> values) => AddBytes(what, MemoryMarshal.AsBytes(values));

    /// <summary>The same of bytes.</summary>
    public void AddBytes(string what, ReadOnlySpan<byte> values)
    {
        ulong hash = 14695981039346656037;
        foreach (byte value in values)
        {
            hash = (hash ^ value) * 1099511628211;
        }

        _lines.Add($"{hash:x16} {what}");
    }

    /// <summary>Requires the lines to be those of a file, which is copied to where the tests run.</summary>
    /// <param name="name">The file, in the folder of the test's source.</param>
    /// <param name="source">The test's source.</param>
    public void ShouldBeThoseOf(string name, [CallerFilePath] string source = "")
    {
        if (Environment.GetEnvironmentVariable("UPDATE_SNAPSHOTS") == "1" && Environment.GetEnvironmentVariable("CI") != "true")
        {
            File.WriteAllText(Path.Combine(Path.GetDirectoryName(source)!, name), string.Join('\n', _lines) + "\n");
            return;
        }

        string[] expected = File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, name));
        string[] changes = [.. expected.Except(_lines).Select(line => "- " + line), .. _lines.Except(expected).Select(line => "+ " + line)];
        changes.ShouldBeEmpty($"the bits are not those of {name}, which UPDATE_SNAPSHOTS=1 writes anew");
        _lines.ShouldBe(expected);
    }
}
