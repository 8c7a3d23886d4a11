using System.Diagnostics;
using System.Globalization;

namespace SparseInfer.Generators.Tests.RandomDeclarations;

/// <summary>
/// Thousands of declarations, legal and not, several in a project, with names that collide. The seeds are fixed.
/// <c>SPARSEINFER_FUZZ_SECONDS=600</c> goes on with further seeds for so long, <c>SPARSEINFER_FUZZ_SEED=1000</c> begins with another one.
/// </summary>
public sealed class RandomDeclarationTests
{
    /// <summary>So many take 25 to 40 seconds of one core, most of it to compile what was generated.</summary>
    private const int Projects = 130;

    private const int MaxFailures = 8;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(8);

    [Fact]
    public void Every_declaration_ends_in_a_diagnostic_or_in_code_that_compiles()
    {
        int first = Setting("SPARSEINFER_FUZZ_SEED") ?? 1;
        int seconds = Setting("SPARSEINFER_FUZZ_SECONDS") ?? 0;
        var watch = Stopwatch.StartNew();
        var failures = new Dictionary<string, string>();
        int declarations = 0, rejected = 0, diagnosed = 0, compiled = 0;
        for (int i = 0; (i < Projects || watch.Elapsed.TotalSeconds < seconds) && failures.Count < MaxFailures; i++)
        {
            RandomProject project = RandomProject.Of(new Chooser(first + i), ilgpu: i % 2 == 1);
            var check = ProjectCheck.Of(project);
            if (check.Failure is { } failure && !failures.ContainsKey(failure.Kind))
            {
                failures[failure.Kind] = $"Seed {first + i}: {Shrink(project, failure)}";
            }

            declarations += project.Pieces.OfType<RandomDeclaration>().Count();
            rejected += check.Outcomes.Rejected;
            diagnosed += check.Outcomes.Diagnosed;
            compiled += check.Outcomes.Compiled;
        }

        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{declarations} declarations in {watch.Elapsed.TotalSeconds:F1} s: {rejected} rejected, {diagnosed} diagnosed, {compiled} compiled");
        failures.Values.ShouldBeEmpty();

        // Each of the three happens often, or the test says nothing.
        new[] { rejected, diagnosed, compiled }.Min().ShouldBeGreaterThan(declarations / 12);
    }

    /// <summary>The smallest project that can be found, by taking away one thing after the other, that fails in the same way.</summary>
    private static string Shrink(RandomProject project, Failure failure)
    {
        var watch = Stopwatch.StartNew();
        bool isSmaller = true;
        while (isSmaller)
        {
            isSmaller = false;
            foreach (RandomProject smaller in project.Smaller().TakeWhile(_ => watch.Elapsed < Patience))
            {
                if (ProjectCheck.Of(smaller).Failure is { } same && same.Kind == failure.Kind)
                {
                    (project, failure, isSmaller) = (smaller, same, true);
                    break;
                }
            }
        }

        return $"{failure.Kind}\n{failure.Detail}\n\n{project}";
    }

    private static int? Setting(string name) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.None, CultureInfo.InvariantCulture, out int value) ? value : null;
}
