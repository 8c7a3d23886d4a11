using ILGPU;
using ILGPU.Runtime;
using SparseInfer.Files;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Runtime.Ilgpu.Tests;

/// <summary>A program written by hand that has a cache and decodes sequences together: see <see cref="RecallKernels"/>.</summary>
internal sealed class RecallDecoder : IlgpuDecoderProgram
{
    public const int Vocabulary = 21;
    public const int Context = 600;
    private const int Width = RecallKernels.Width;
    private const int Layers = 2; // the first alone is used
    private const int Threads = 32;

    private readonly Action<KernelConfig, ArrayView<float>, ArrayView<int>, int, int, ArrayView<float>, ArrayView<float>, int> _remember;
    private readonly Action<KernelConfig, ArrayView<float>, ArrayView<int>, ArrayView<int>, int, ArrayView<float>, ArrayView<float>, int> _rememberTogether;
    private readonly Action<KernelConfig, ArrayView<float>, int, int, ArrayView<float>, int, int, ArrayView<float>> _recall;
    private readonly Action<KernelConfig, ArrayView<float>, int, ArrayView<int>, int, ArrayView<float>, int, int, ArrayView<float>> _recallTogether;
    private readonly Action<KernelConfig, ArrayView<float>, int, ArrayView<int>> _argMax;
    private readonly RopeTable _rope = new(Context, 2, 2, 1);
    private DeviceMatrix _embedding;
    private DeviceMatrix _head;

    public RecallDecoder(IlgpuDevice device)
        : base(device)
    {
        _remember = device.LoadKernel<ArrayView<float>, ArrayView<int>, int, int, ArrayView<float>, ArrayView<float>, int>(RecallKernels.Remember);
        _rememberTogether = device.LoadKernel<ArrayView<float>, ArrayView<int>, ArrayView<int>, int, ArrayView<float>, ArrayView<float>, int>(
            RecallKernels.RememberTogether);
        _recall = device.LoadKernel<ArrayView<float>, int, int, ArrayView<float>, int, int, ArrayView<float>>(RecallKernels.Recall);
        _recallTogether = device.LoadKernel<ArrayView<float>, int, ArrayView<int>, int, ArrayView<float>, int, int, ArrayView<float>>(
            RecallKernels.RecallTogether);
        _argMax = device.LoadKernel<ArrayView<float>, int, ArrayView<int>>(TinyKernels.ArgMax);
    }

    /// <summary>Called in each run of several sequences, before anything is enqueued but their tokens; may throw. With tokens and positions, [16].</summary>
    public Action<int[], int[]>? InRun { get; set; }

    /// <summary>Runs of several sequences, and how many there were in each.</summary>
    public List<int> Runs { get; } = [];

    public static RecallModel Load(IlgpuDevice device)
    {
        RecallDecoder? program = null;
        LoadedModel loaded = ModelLoader.Load(
            ModelFile.FromMemory("recall", metadata: null, [Tensor("token_embd.weight", 51), Tensor("output.weight", 52)]),
            TinyDecoder.DeclaredShape with { Name = "Recall", Hidden = Width, Layers = Layers, Vocabulary = Vocabulary, Context = Context },
            device,
            options: null,
            on => program = new RecallDecoder((IlgpuDevice)on));
        return new RecallModel(loaded, program!);
    }

    private static readonly DeclaredMatrix Embedding = UploadProgram.Matrix("token_embd.weight", Vocabulary, Width, WeightType.F32);
    private static readonly DeclaredMatrix Head = UploadProgram.Matrix("output.weight", Vocabulary, Width, WeightType.F32);

    public override IReadOnlyList<DeclaredTensor> Tensors => [Embedding, Head];

    public override void Bind(WeightBinder bind)
    {
        IlgpuUpload upload = Upload(bind);
        _embedding = upload.Matrix(bind.Matrix(Embedding), Vocabulary, Width);
        _head = upload.Matrix(bind.Matrix(Head), Vocabulary, Width);
    }

    public override DecoderState CreateState(int capacity, KeyValueType cacheType) => new State(this, capacity, cacheType);

    public override DecoderBatch CreateBatch(int maxStates) => new Together(this);

    private static TensorInMemory Tensor(string name, int seed) => new(
        name,
        TensorType.Of(WeightType.F32),
        [Vocabulary, Width],
        Numbers.Native(Numbers.Encode(WeightType.F32, Numbers.Random(Vocabulary * Width, seed))));

    private sealed class State : IlgpuDecoderState
    {
        private readonly RecallDecoder _program;
        private readonly KeyValueCache _cache;
        private readonly ArrayView<float> _cos;

        public State(RecallDecoder program, int capacity, KeyValueType type)
            : base(program, capacity, batch: 64, counts: 4)
        {
            _program = program;
            _cache = Cache(type, 2 * Width); // room for floats in either type
            (_cos, _) = RotaryTables(program._rope, 1);
        }

        protected override ArrayView<float> Normed => throw new NotSupportedException();

        protected override void Reserve(int positions) => _cache.Reserve(positions, Position);

        protected override void Decode() => Prompt();

        protected override void Prompt()
        {
            ArrayView<float> cache = _cache.View(0).Cast<float>();
            int row = RowOf(_cache);
            for (int i = 0; i < TokenCount; i++)
            {
                _program._remember(
                    new KernelConfig(1, Threads), _program._embedding.Words.Cast<float>(), Tokens, i, Position + i, _cos, cache, row);
                if (i >= LogitsFrom)
                {
                    ArrayView<float> logits = Logits.SubView((i - LogitsFrom) * Vocabulary, Vocabulary);
                    _program._recall(
                        new KernelConfig(1, Threads), cache, row, Position + i, _program._head.Words.Cast<float>(), 4 * _program._head.RowWords, Vocabulary, logits);
                    _program._argMax(new KernelConfig(1, Threads), logits, Vocabulary, Greedy);
                }
            }
        }
    }

    private sealed class Together : IlgpuDecoderBatch
    {
        /// <summary>Nothing is in them: they are what does not fit after all caches did.</summary>
        private const long SplitFloats = 5000;

        private readonly RecallDecoder _program;
        private readonly GrowingBuffer<float> _splits;

        public Together(RecallDecoder program)
            : base(program)
        {
            _program = program;
            Buffer<float>(100, "activations");
            _splits = Growing<float>(SplitFloats, "splits of attention");
        }

        protected override void Reserve(int positions) => _splits.Grow(SplitFloats * ((positions + 255) / 256), 0, "splits of attention");

        protected override void Decode()
        {
            _program.Runs.Add(Count);
            if (_program.InRun is { } inRun)
            {
                int[] tokens = new int[MaxStates];
                int[] positions = new int[MaxStates];
                Tokens.CopyToCPU(tokens);
                Positions.CopyToCPU(positions);
                inRun(tokens, positions);
            }

            for (int i = 0; i < Count; i++)
            {
                ArrayView<float> cache = CacheOf(i).View(0).Cast<float>();
                int row = RowOf(CacheOf(i));
                _program._rememberTogether(
                    new KernelConfig(1, Threads), _program._embedding.Words.Cast<float>(), Tokens, Positions, i, Rotary.Cos, cache, row);
                _program._recallTogether(
                    new KernelConfig(1, Threads), cache, row, Positions, i, _program._head.Words.Cast<float>(), 4 * _program._head.RowWords, Vocabulary, Logits);
                _program._argMax(new KernelConfig(1, Threads), Logits.SubView(i * Vocabulary, Vocabulary), Vocabulary, Greedy.SubView(i, 1));
            }
        }
    }

    private static int RowOf(KeyValueCache cache) => cache.Type == KeyValueType.F16 ? Width : 2 * Width;
}

internal sealed class RecallModel(LoadedModel loaded, RecallDecoder program) : LanguageModel(loaded)
{
    public RecallDecoder Program { get; } = program;
}
