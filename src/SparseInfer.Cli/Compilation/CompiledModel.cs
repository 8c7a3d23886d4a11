using System.Reflection;
using SparseInfer.Files;
using SparseInfer.Runtime;

namespace SparseInfer.Cli.Compilation;

/// <summary>A model's generated class, compiled and loaded into this process.</summary>
internal sealed class CompiledModel
{
    private const BindingFlags Static = BindingFlags.Static | BindingFlags.Public | BindingFlags.DoNotWrapExceptions;

    /// <summary>Where a generated program lists the tensors that it wants.</summary>
    private const string TensorTable = "InFile";

    private const string AllTensors = "All";

    private readonly MethodInfo _load;

    public CompiledModel(ModelDeclaration declaration, Assembly assembly, IReadOnlyList<(string Name, string Text)> generated)
    {
        Declaration = declaration;
        Assembly = assembly;
        Generated = generated;
        WantsTensors = assembly.GetTypes().Where(table => table is { IsNested: true, Name: TensorTable })
            .Any(table => ((DeclaredTensor[])table.GetField(AllTensors, Static)!.GetValue(null)!).Any(tensor => tensor.OfPolicy));
        Type type = assembly.GetType(declaration.ClassName, throwOnError: true)!;
        RemembersPrompts = assembly.GetTypes().Any(program => program.IsSubclassOf(typeof(DecoderProgram))
            && program.GetProperty(nameof(DecoderProgram.RemembersPrompts))!.DeclaringType == program);
        _load = type.GetMethod("Load", Static, [typeof(ModelFile), typeof(Device), typeof(LoadOptions)])
            ?? throw new InvalidOperationException($"{type.Name} has no Load that takes a model file.");
    }

    /// <summary>What it was compiled from.</summary>
    public ModelDeclaration Declaration { get; }

    /// <summary>What was compiled.</summary>
    public Assembly Assembly { get; }

    /// <summary>Whether a policy of the assembly chooses by prompts, so that a model of it has to be given some.</summary>
    public bool RemembersPrompts { get; }

    /// <summary>Whether a policy of the assembly wants tensors of a file, which may not have them.</summary>
    public bool WantsTensors { get; }

    /// <summary>The files that the generator wrote, by name.</summary>
    public IReadOnlyList<(string Name, string Text)> Generated { get; }

    /// <summary>The class's own <c>Load</c>.</summary>
    /// <exception cref="ModelFormatException">The file is not the declared model.</exception>
    /// <exception cref="CliException">There is a predictor's file, and no policy that could have it.</exception>
    public LanguageModel Load(ModelFile file, Device device, LoadOptions options)
    {
        if (options.PredictorFile is { } predictor && !WantsTensors)
        {
            file.Dispose();
            throw new CliException(
                $"--predictor {predictor}: no policy of the model wants tensors of a file; leave it out, or give one with {PolicyText.Option}, such as 'TruncatedSvdPredictor(Rank = 32)'.");
        }

        return (LanguageModel)_load.Invoke(null, Static, null, [file, device, options], null)!;
    }
}
