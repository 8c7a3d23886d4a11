using SparseInfer.Generators.Tests.Execution;
using SparseInfer.Generators.Tests.Generation;

namespace SparseInfer.Ilgpu.Tests;

/// <summary>The decoders of the CPU's tests with what is particular to GPUs, compiled for both.</summary>
internal static class GpuDecoders
{
    /// <summary>A context of more than one split of attention, as cheap as it can be.</summary>
    public static readonly DecoderCase Long = new("LongContext")
    {
        Hidden = 32,
        Layers = 1,
        Vocabulary = 11,
        Context = 600,
        Heads = 2,
        KeyValueHeads = 1,
        Intermediate = 16,
        Weights = [WeightType.F32],
    };

    /// <summary>Layers whose windows begin within the first split, within a later one, and nowhere.</summary>
    public static readonly DecoderCase LongWindows = Long with
    {
        Name = "LongContextInWindows",
        Layers = 3,
        Window = layer => layer switch { 0 => 100, 1 => 300, _ => null },
        Traits = ["[SlidingWindow(Window = 100, Layers = \"0\")]", "[SlidingWindow(Window = 300, Layers = \"1\")]"],
        HasArchitecture = false,
    };

    /// <summary>Signs of the input fill whole 16-byte words, so that a GPU's predictor reads the CPU's bytes.</summary>
    public static readonly DecoderCase Even = new("EvenSigns")
    {
        Hidden = 128,
        Layers = 3,
        Context = 32,
        Intermediate = 70,
        Alphas = [1m, null, 1.1m],
        Weights = [WeightType.F16],
    };

    /// <summary>The same, with a layer more that predicts.</summary>
    public static readonly DecoderCase EvenPredicted = new("EvenSignsInEveryLayer")
    {
        Hidden = 128,
        Layers = 3,
        Context = 32,
        Intermediate = 70,
        Alphas = [1m, 1m, 1.1m],
        Weights = [WeightType.F16],
    };

    public static readonly DecoderCase Fat = new("FatThreshold")
    {
        Hidden = 34,
        Heads = 1,
        KeyValueHeads = 1,
        Layers = 1,
        Intermediate = 45,
        Activation = Activation.FatRelu,
        Alphas = [1m],
        Weights = [WeightType.F16],
    };

    /// <summary>Heads of an odd size: the last element of each is rotated with none.</summary>
    public static readonly DecoderCase OddHead = new("OddHead")
    {
        Hidden = 66,
        Layers = 1,
        Heads = 2,
        KeyValueHeads = 1,
        DeclaredHeadDimension = 33,
        DeclaredRopeDimensions = 8,
        Activation = Activation.SquaredRelu,
        Weights = [WeightType.F32],
    };

    /// <summary>Two heads of queries to each of keys and values, in a context that prompts of hundreds of tokens fit in.</summary>
    public static readonly DecoderCase Grouped = new("GroupedHeads")
    {
        Hidden = 64,
        Layers = 2,
        Vocabulary = 61,
        Context = 640,
        Heads = 4,
        KeyValueHeads = 2,
        Intermediate = 64,
        Alphas = [1m, 1.05m],
        Weights = [WeightType.F16],
    };

    /// <summary>As little as a model of block formats can be.</summary>
    public static readonly DecoderCase LittleBytes = new("LittleBytes")
    {
        Hidden = 32,
        Layers = 1,
        Vocabulary = 32,
        Context = 16,
        Heads = 1,
        KeyValueHeads = 1,
        Intermediate = 32,
        Alphas = [1m],
        Weights = [WeightType.Q8_0],
    };

    public static readonly DecoderCase LittleNibbles = LittleBytes with { Name = "LittleNibbles", Weights = [WeightType.Q4_0] };

    /// <summary>Kernels of four types, which others have too: compiled for one comparison, not for every way to run.</summary>
    public static readonly DecoderCase TiedRoles = DecoderZoo.All.Single(model => model.Name == "TiedRoles");

    /// <summary>A cut without a gate, for those comparisons where that is another kernel.</summary>
    private static readonly DecoderCase OddCut = DecoderZoo.OfCuts.Single(model => model.Name == "CutOdd");

    /// <summary>Small enough for every token to be run in every mode.</summary>
    public static IReadOnlyList<DecoderCase> Short { get; } = [.. DecoderZoo.All.Where(model => model != TiedRoles).Select(OneOfFiveBits), .. DecoderZoo.Families, .. DecoderZoo.OfCuts.Where(model => model != OddCut), .. TraitZoo.All, Even, EvenPredicted, Fat, OddHead];

    /// <summary>Kernels of one of the two types are half as many to compile; layers are computed in both (<see cref="FeedForwardMatrixTests"/>).</summary>
    private static DecoderCase OneOfFiveBits(DecoderCase model) =>
        model.Name == "FiveBits" ? model with { Name = "FiveBitsWithMinima", Weights = [WeightType.Q5_1] } : model;

    private static IReadOnlyList<DecoderCase> All { get; } = [.. Short, .. DecoderZoo.OfExperts, TiedRoles, OddCut, TraitZoo.Together, Long, LongWindows, Grouped, LittleBytes, LittleNibbles, .. CacheDecoders.Shapes];

    private static readonly Lazy<GeneratedAssembly> Assembly = new(() => GeneratedAssembly.Load(
        GeneratedProject.Complete(GeneratedProject.Compilation([.. All.Select(model => model.Source)]).WithIlgpu()), unloads: false));

    public static DecoderCase Find(string name) => All.Single(model => model.Name == name);

    /// <summary>Loads a model's generated class.</summary>
    public static LanguageModel Load(DecoderCase declared, string path, Device device) =>
        Assembly.Value.LoadModel(declared.FullName, path, device);

    /// <summary>Runs something with a model on random weights, loaded for a device.</summary>
    public static T With<T>(DecoderCase declared, DecoderWeights weights, Device device, Func<LanguageModel, T> run)
    {
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName() + ".gguf");
        try
        {
            weights.Save(path);
            using LanguageModel model = Load(declared, path, device);
            return run(model);
        }
        finally
        {
            File.Delete(path);
        }
    }
}
