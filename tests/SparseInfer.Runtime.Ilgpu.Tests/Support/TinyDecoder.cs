using ILGPU;
using SparseInfer.Files;
using SparseInfer.Kernels.Ilgpu;

namespace SparseInfer.Runtime.Ilgpu.Tests;

/// <summary>A program written by hand, the smallest that is a decoder: see <see cref="TinyKernels"/>.</summary>
internal sealed class TinyDecoder : IlgpuDecoderProgram
{
    public const int Batch = 3;
    public const int Hidden = 40;
    public const int Vocabulary = 37;
    public const int Intermediate = 16;

    private static readonly DeclaredMatrix Embedding = UploadProgram.Matrix("token_embd.weight", Vocabulary, Hidden, WeightType.F32);
    private static readonly DeclaredMatrix Head = UploadProgram.Matrix("output.weight", Vocabulary, Hidden, WeightType.F32);

    private readonly Action<KernelConfig, ArrayView<Words4>, ArrayView<Words4>, ArrayView<int>, ArrayView<float>, int, int, int> _logits;
    private readonly Action<KernelConfig, ArrayView<float>, int, ArrayView<int>> _argMax;
    private readonly Action<KernelConfig, ArrayView<int>> _count;
    private DeviceMatrix _embedding;
    private DeviceMatrix _head;

    public TinyDecoder(IlgpuDevice device)
        : base(device)
    {
        _logits = device.LoadKernel<ArrayView<Words4>, ArrayView<Words4>, ArrayView<int>, ArrayView<float>, int, int, int>(TinyKernels.Logits);
        _argMax = device.LoadKernel<ArrayView<float>, int, ArrayView<int>>(TinyKernels.ArgMax);
        _count = device.LoadKernel<ArrayView<int>>(TinyKernels.Count);
    }

    public static ModelShape DeclaredShape { get; } = new()
    {
        Name = "Tiny",
        Hidden = Hidden,
        Intermediate = Intermediate,
        Layers = 1,
        Vocabulary = Vocabulary,
        Context = 16,
        Heads = 1,
        KeyValueHeads = 1,
        HeadDimension = Hidden,
        RopeTheta = 10000,
        RopeScaling = 1,
        RopeDimensions = Hidden,
        RopePairing = RopePairing.Interleaved,
        LayerNorm = false,
        NormEpsilon = 1e-5f,
        Activation = Activation.Relu,
        Threshold = 0,
        Gated = true,
        TiedEmbedding = false,
        EmbeddingScale = 1,
        Policies = [new(0, 0, "exact")],
    };

    public static TinyModel Load(IlgpuDevice device, float[] embedding, float[] head, LoadOptions? options = null) => new(ModelLoader.Load(
        ModelFile.FromMemory(
            "tiny",
            metadata: null,
            [Tensor("token_embd.weight", embedding), Tensor("output.weight", head)]),
        DeclaredShape,
        device,
        options,
        on => new TinyDecoder((IlgpuDevice)on)));

    public override IReadOnlyList<DeclaredTensor> Tensors => [Embedding, Head];

    public override void Bind(WeightBinder bind)
    {
        IlgpuUpload upload = Upload(bind);
        _embedding = upload.Matrix(bind.Matrix(Embedding), Vocabulary, Hidden);
        _head = upload.Matrix(bind.Matrix(Head), Vocabulary, Hidden);
    }

    public override DecoderState CreateState(int capacity, KeyValueType cacheType) => new State(this, capacity);

    private static TensorInMemory Tensor(string name, float[] values) =>
        new(name, TensorType.Of(WeightType.F32), [Vocabulary, Hidden], Numbers.Native(Numbers.Encode(WeightType.F32, values)));

    private sealed class State(TinyDecoder program, int capacity) : IlgpuDecoderState(program, capacity, Batch, counts: 8)
    {
        protected override ArrayView<float> Normed => throw new NotSupportedException();

        protected override void Decode()
        {
            Enqueue(1);
            if (Metering)
            {
                program._count(new KernelConfig(1, 32), Counts(0));
                Count(0, rowBytes: 100, predictorBytes: 7);
            }
        }

        protected override void Prompt() => Enqueue(TokenCount);

        private void Enqueue(int tokens)
        {
            int rows = tokens - LogitsFrom;
            if (rows > 0)
            {
                program._logits(
                    new KernelConfig(new Index3D((Vocabulary + 31) / 32, rows, 1), new Index3D(32, 1, 1)),
                    program._embedding.Words,
                    program._head.Words,
                    Tokens,
                    Logits,
                    LogitsFrom,
                    Vocabulary,
                    program._embedding.RowWords);
                program._argMax(new KernelConfig(1, 32), Logits.SubView((rows - 1) * Vocabulary, Vocabulary), Vocabulary, Greedy);
            }
        }
    }
}

internal sealed class TinyModel(LoadedModel loaded) : LanguageModel(loaded)
{
    public LoadedModel Loaded { get; } = loaded;
}
