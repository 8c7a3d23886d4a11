using System.Collections.Concurrent;
using SparseInfer.Cli.Compilation;
using SparseInfer.Cli.Synthetic;
using SparseInfer.Files;

namespace SparseInfer.Cli.Tests;

/// <summary>Named shapes made small: everything but the sizes is theirs.</summary>
internal static class SmallShapes
{
    private static readonly ConcurrentDictionary<string, CompiledModel> Compiled = new();

    public static IEnumerable<string> Names => NamedShape.All.Select(shape => shape.Declaration.Name);

    public static ModelDeclaration Of(string name, WeightType weights = WeightType.F16)
    {
        ModelDeclaration published = NamedShape.Find(name).Declaration;
        return published with
        {
            Hidden = 1024,
            Intermediate = 1024,
            Layers = 2,
            Vocabulary = 128,
            Context = 128,
            Heads = 8,
            KeyValueHeads = published.KeyValueHeads == published.Heads ? 8 : 2,
            Experts = Math.Min(published.Experts, 4),
            ActiveExperts = Math.Min(published.ActiveExperts, 2),
            Weights = [weights],
        };
    }

    public static ModelFile Build(ModelDeclaration model, ActivityTarget target, ulong seed = 0) =>
        SyntheticModel.Build(model, target, seed, (_, _) => { }, TestContext.Current.CancellationToken);

    public static LanguageModel Load(ModelDeclaration model, ActivityTarget target, Device device) =>
        Compiled.GetOrAdd(model.ToText(), _ => ModelCompiler.Compile(model, TestContext.Current.CancellationToken))
            .Load(Build(model, target), device, new LoadOptions());
}
