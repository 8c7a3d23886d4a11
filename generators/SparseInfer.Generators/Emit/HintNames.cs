using System.Globalization;
using System.Text;
using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Emit;

/// <summary>
/// Names of the files that declarations become: <c>Zoo.Llama.Cpu</c> for the program of <c>Zoo.Llama</c>. The compiler compares them without
/// regard to case, so names that two declarations want, and those of shared files, get a number behind a hyphen, which no identifier has.
/// </summary>
/// <param name="Renamed">Files that cannot have the name they want, sorted; mostly none.</param>
internal sealed record HintNames(EquatableArray<KeyValuePair<string, string>> Renamed)
{
    /// <summary>The part of the user's own type.</summary>
    public const string Part = "";

    /// <summary>The program for CPUs.</summary>
    public const string Cpu = ".Cpu";

    /// <summary>The program for what ILGPU reaches.</summary>
    public const string Ilgpu = ".Ilgpu";

    /// <summary>What an assembly with GPU programs needs once.</summary>
    public const string Assembly = "SparseInfer.Ilgpu";

    /// <summary>With folder and ending, a file's name stays below what file systems take.</summary>
    private const int MaxNameLength = 160;

    public static HintNames Of(IEnumerable<TargetSpec> targets) => new(
        (from target in targets
         from part in new[] { Part, Cpu, Ilgpu }
         select (Key: target.Identity + part, Wanted: Wanted(target, part)))
            .Distinct()
            .GroupBy(file => file.Wanted, StringComparer.OrdinalIgnoreCase)
            .Where(group => group.Count() > 1 || IsShared(group.Key))
            .SelectMany(group => group
                .OrderBy(file => file.Key, StringComparer.Ordinal)
                .Select((file, i) => new KeyValuePair<string, string>(
                    file.Key, file.Wanted + "-" + (i + 1).ToString(CultureInfo.InvariantCulture))))
            .OrderBy(file => file.Key, StringComparer.Ordinal)
            .ToEquatableArray());

    public string Of(TargetSpec target, string part)
    {
        string key = target.Identity + part;
        foreach (KeyValuePair<string, string> file in Renamed)
        {
            if (file.Key == key)
            {
                return file.Value;
            }
        }

        return Wanted(target, part);
    }

    /// <summary>Whether a name is one of the files that belong to no declaration: kernels of a shape, and the assembly's part.</summary>
    private static bool IsShared(string name)
    {
        const string Kernels = "FeedForward_";
        return name.Equals(Assembly, StringComparison.OrdinalIgnoreCase)
            || (name.Length > Kernels.Length && char.IsDigit(name[Kernels.Length]) && name.StartsWith(Kernels, StringComparison.OrdinalIgnoreCase));
    }

    private static string Wanted(TargetSpec target, string part)
    {
        var name = new StringBuilder();
        int bytes = 0;
        foreach (char letter in target.FullName)
        {
            // Identifiers have letters that names of files may not have, such as combining marks.
            string text = char.IsLetterOrDigit(letter) || letter is '.' or '_'
                ? letter.ToString()
                : "(" + ((int)letter).ToString("x4", CultureInfo.InvariantCulture) + ")";
            bytes += Encoding.UTF8.GetByteCount(text);
            if (bytes > MaxNameLength)
            {
                break;
            }

            name.Append(text);
        }

        return name.Append(part).ToString();
    }
}
