using SparseInfer.Cli.Compilation;
using SparseInfer.Cli.Tests.Metadata;
using SparseInfer.Files;

[assembly: AssemblyFixture(typeof(SparseInfer.Oracle.Tests.Zoo))]

namespace SparseInfer.Oracle.Tests;

/// <summary>
/// Files of all architectures that both can run, and our programs for them: declared from the files alone, generated and compiled, all in one
/// assembly. An architecture is an entry of <see cref="TinyModels"/>.
/// </summary>
public sealed class Zoo : IDisposable
{
    /// <summary>What llama.cpp has no graph for.</summary>
    private static readonly string[] Unknown = ["bamboo", "opt"];

    private readonly string _folder = Directory.CreateTempSubdirectory("sparseinfer-tests").FullName;
    private readonly Dictionary<string, (TinyModel Tiny, string Path, CompiledModel Compiled)> _models;

    public Zoo()
    {
        (string Name, TinyModel Tiny, string Path)[] files = [.. Models.Concat(Long).Select(pair => (pair.Name, pair.Tiny, Save(pair.Tiny, Path.Combine(_folder, $"{pair.Name}.gguf"))))];
        IReadOnlyList<CompiledModel> compiled = ModelCompiler.Compile(
            [.. files.Select(file => TinyDeclaration.Of(file.Tiny, file.Path))], TestContext.Current.CancellationToken);
        _models = files.Zip(compiled).ToDictionary(pair => pair.First.Name, pair => (pair.First.Tiny, pair.First.Path, pair.Second));
    }

    /// <summary>The models' names: the architecture, and what their matrices are.</summary>
    public static IEnumerable<string> Names => Models.Select(pair => pair.Name);

    private static IEnumerable<(string Name, TinyModel Tiny)> Models =>
    [
        .. from name in TinyModels.OfGguf.Except(Unknown)
           from type in (WeightType[])[WeightType.F32, WeightType.F16]
           select ($"{name} {type}", AsLlamaCppHasIt(TinyModels.Of(name)) with { Matrices = type }),
        .. from name in TinyExperts.Names
           from type in (WeightType[])[WeightType.F32, WeightType.F16]
           let tiny = AsLlamaCppHasIt(TinyExperts.Of(name))
           select ($"{name} ({tiny.Architecture}) {type}", tiny with { Matrices = type }),
        .. from name in TinyScalings.OfGguf
           let tiny = AsLlamaCppHasIt(TinyScalings.Gguf(name))
           select ($"{name} ({tiny.Architecture}) F32", tiny),
    ];

    /// <summary>A layer of each of SmallThinker's kinds, with a context in which the window bounds something.</summary>
    private static IEnumerable<(string Name, TinyModel Tiny)> Long =>
        ((int[])[4096, 4200]).Select(window => ($"window {window}", TinyExperts.SmallThinker(window) with { Depth = 2, Length = 4352 }));

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    internal TinyModel Tiny(string name) => _models[name].Tiny;

    /// <summary>llama.cpp's vector of a text.</summary>
    internal float[] Embed(string name, LLama.Native.LLamaPoolingType pooling, int[] tokens)
    {
        using LlamaCpp llama = LlamaCpp(name, pooling: pooling);
        return llama.Embed(tokens);
    }

    internal LlamaCpp LlamaCpp(string name, int context = 256, LLama.Native.LLamaPoolingType? pooling = null)
    {
        Assert.SkipWhen(Tests.LlamaCpp.WhyNot is not null && Environment.GetEnvironmentVariable("CI") != "true", Tests.LlamaCpp.WhyNot ?? "");
        return new LlamaCpp(_models[name].Path, context, pooling);
    }

    internal LanguageModel Ours(string name, int threads = 1)
    {
        (_, string path, CompiledModel compiled) = _models[name];
        return compiled.Load(ModelFile.Open(path), Device.Cpu(threads), new LoadOptions());
    }

    /// <summary>Its graphs have one activation each, whatever the weights were trained with.</summary>
    private static TinyModel AsLlamaCppHasIt(TinyModel tiny) => tiny.Architecture switch
    {
        "llama" or "bitnet" => tiny with { Activation = Activation.Silu },
        "falcon" => tiny with { Activation = Activation.Gelu },
        "smallthinker" when tiny.Depth > TinyModel.Layers => TinyExperts.SmallThinker(window: 4096), // whatever window a file says
        _ => tiny,
    };

    /// <summary>With a vocabulary, which llama.cpp does not load a model without.</summary>
    private static string Save(TinyModel tiny, string path)
    {
        string[] tokens = ["<unk>", "<s>", "</s>", "▁", .. Enumerable.Range(0, TinyModel.Vocabulary - 4).Select(i => $"t{i}")];
        return tiny.SaveGguf(
            path,
            ("tokenizer.ggml.model", "llama"),
            ("tokenizer.ggml.tokens", tokens),
            ("tokenizer.ggml.scores", tokens.Select((_, i) => (float)-i).ToArray()),
            ("tokenizer.ggml.token_type", tokens.Select((_, i) => i == 0 ? 2 : i < 3 ? 3 : 1).ToArray()),
            ("tokenizer.ggml.bos_token_id", 1u),
            ("tokenizer.ggml.eos_token_id", 2u),
            ("tokenizer.ggml.unknown_token_id", 0u));
    }
}
