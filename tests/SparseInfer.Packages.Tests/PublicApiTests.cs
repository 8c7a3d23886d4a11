using System.Reflection;
using System.Runtime.Loader;
using PublicApiGenerator;

namespace SparseInfer.Packages.Tests;

/// <summary>
/// What the packages promise: the public members of each assembly, as in <c>Api/*.verified.txt</c>. Whoever changes one sees here for whom.
/// UPDATE_SNAPSHOTS=1 accepts what there is, but never where CI=true.
/// </summary>
public sealed class PublicApiTests
{
    private static readonly bool Update =
        Environment.GetEnvironmentVariable("UPDATE_SNAPSHOTS") == "1" && Environment.GetEnvironmentVariable("CI") != "true";

    /// <summary>Without the compiler's own name for an iterator, which counts the members before it.</summary>
    private static readonly ApiGeneratorOptions MembersOnly = new()
    {
        IncludeAssemblyAttributes = false,
        ExcludeAttributes = ["System.Runtime.CompilerServices.AsyncIteratorStateMachineAttribute"],
    };

    [Theory]
    [InlineData("SparseInfer.Dsl")]
    [InlineData("SparseInfer.Extensions.AI")]
    [InlineData("SparseInfer.Kernels.Cpu")]
    [InlineData("SparseInfer.Kernels.Ilgpu")]
    [InlineData("SparseInfer.Runtime")]
    [InlineData("SparseInfer.Runtime.Ilgpu")]
    public void Public_members_are_those_that_were_accepted(string assembly)
    {
        string members = Load(assembly).GeneratePublicApi(MembersOnly).ReplaceLineEndings("\n").TrimEnd() + "\n";
        string folder = Path.Combine(PackedFeed.Repository, "tests", "SparseInfer.Packages.Tests", "Api");
        string verified = Path.Combine(folder, assembly + ".verified.txt");
        string received = Path.Combine(folder, assembly + ".received.txt");
        File.Delete(received);
        if (Update)
        {
            File.WriteAllText(verified, members);
        }

        string accepted = File.Exists(verified) ? File.ReadAllText(verified).ReplaceLineEndings("\n") : "";
        if (members != accepted)
        {
            File.WriteAllText(received, members);
        }

        string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        string[] changes =
        [
            .. Lines(accepted).Except(Lines(members)).Select(line => "- " + line.Trim()),
            .. Lines(members).Except(Lines(accepted)).Select(line => "+ " + line.Trim()),
        ];
        (members == accepted).ShouldBeTrue($"""
            The public members of {assembly} differ from {verified}:
            {string.Join('\n', changes)}
            If users are meant to see that, accept it with UPDATE_SNAPSHOTS=1, or copy {received} over it.
            """);
    }

    /// <summary>
    /// From the tool's folder, where all that it is made of lies, with the ILGPU they were built with; the chat client from the folder of its tests, with the interface that it has.
    /// </summary>
    private static Assembly Load(string name)
    {
        string[] project = name == "SparseInfer.Extensions.AI" ? ["tests", "SparseInfer.Extensions.AI.Tests"] : ["src", "SparseInfer.Cli"];
        string folder = Path.Combine([PackedFeed.Repository, .. project, "bin", PackedFeed.Configuration, Path.GetFileName(PackedFeed.Framework.FullName)]);
        var context = new AssemblyLoadContext(name);
        context.Resolving += (_, wanted) => Path.Combine(folder, wanted.Name + ".dll") is var path && File.Exists(path)
            ? context.LoadFromAssemblyPath(path)
            : null;
        return context.LoadFromAssemblyPath(Path.Combine(folder, name + ".dll"));
    }
}
