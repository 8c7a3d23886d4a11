using System.Runtime.CompilerServices;
using Microsoft.CodeAnalysis;

namespace SparseInfer.Generators.Tests.Generation;

/// <summary>
/// Compares generated files with those in Snapshots/, under the names that Verify gives them: <c>Class.Method#Hint.g.verified.cs</c>, and
/// <c>.received.cs</c> beside where they differ. UPDATE_SNAPSHOTS=1 accepts what is generated, but never where CI=true.
/// </summary>
internal static class Snapshot
{
    private const string Verified = ".verified.cs";

    private static readonly bool Update =
        Environment.GetEnvironmentVariable("UPDATE_SNAPSHOTS") == "1" && Environment.GetEnvironmentVariable("CI") != "true";

    public static void Match(
        IEnumerable<GeneratedSourceResult> sources, [CallerFilePath] string testFile = "", [CallerMemberName] string method = "")
    {
        string folder = Path.Combine(Path.GetDirectoryName(testFile)!, "..", "Snapshots");
        string prefix = $"{Path.GetFileNameWithoutExtension(testFile)}.{method}#";
        HashSet<string> left = [.. Directory.GetFiles(folder, prefix + "*" + Verified).Select(path => Path.GetFileName(path))];
        List<string> wrong = [];
        foreach (GeneratedSourceResult source in sources)
        {
            string name = prefix + Path.GetFileNameWithoutExtension(source.HintName);
            left.Remove(name + Verified);
            if (!Matches(Path.Combine(folder, name), source.SourceText.ToString()))
            {
                wrong.Add(name);
            }
        }

        if (Update)
        {
            left.ToList().ForEach(name => File.Delete(Path.Combine(folder, name)));
            return;
        }

        wrong.ShouldBeEmpty("what is generated differs: compare *.received.cs with *.verified.cs, and accept it by UPDATE_SNAPSHOTS=1");
        left.ShouldBeEmpty("these files are no longer generated: delete them, or run with UPDATE_SNAPSHOTS=1");
    }

    private static bool Matches(string path, string text)
    {
        string received = path + ".received.cs";
        File.Delete(received);
        if (File.Exists(path + Verified) && File.ReadAllText(path + Verified) == text)
        {
            return true;
        }

        File.WriteAllText(Update ? path + Verified : received, text);
        return Update;
    }
}
