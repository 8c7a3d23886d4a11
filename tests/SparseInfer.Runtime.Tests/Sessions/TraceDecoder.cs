using SparseInfer.Files;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Runtime.Tests.Sessions;

/// <summary>
/// A program without weights worth mentioning that decodes states together: logits tell all tokens of a sequence and how each was computed, and
/// what runs is written down.
/// </summary>
internal sealed class TraceDecoder(bool decodesTogether) : DecoderProgram
{
    public const int Vocabulary = 24;
    private const int Columns = 32;

    private int _states;

    public static ModelShape DeclaredShape { get; } = new()
    {
        Name = "Trace",
        Hidden = Columns,
        Intermediate = 8,
        Layers = 1,
        Vocabulary = Vocabulary,
        Context = 64,
        Heads = 1,
        KeyValueHeads = 1,
        HeadDimension = Columns,
        RopeTheta = 10000,
        RopeScaling = 1,
        RopeDimensions = Columns,
        RopePairing = RopePairing.Interleaved,
        LayerNorm = false,
        NormEpsilon = 1e-5f,
        Activation = Activation.Relu,
        Threshold = 0,
        Gated = true,
        TiedEmbedding = true,
        EmbeddingScale = 1,
        Policies = [new(0, 0, "exact")],
    };

    /// <summary>What ran: <c>2</c>, a token of the third state alone; <c>0+2</c>, one of each together; <c>2:5</c>, a prompt of five.</summary>
    public List<string> Ran { get; } = [];

    /// <summary>Called before anything of a run is done; may throw.</summary>
    public Action<string>? Before { get; set; }

    /// <summary>Called when what was asked for is made; may throw.</summary>
    public Action? Making { get; set; }

    /// <summary>Batches that were made, and not freed.</summary>
    public int Batches { get; private set; }

    public override IReadOnlyList<KeyValueType> CacheTypes { get; } = [KeyValueType.F32, KeyValueType.F16];

    /// <param name="decodesTogether">Whether it has kernels for several sequences.</param>
    /// <param name="context">Most tokens of a session.</param>
    public static TraceModel Load(bool decodesTogether = true, int context = 64)
    {
        TraceDecoder? program = null;
        NativeBuffer embedding = NativeBuffer.Allocate(Vocabulary * Columns * sizeof(float));
        embedding.AsSpan<float>().Fill(1);
        LoadedModel loaded = ModelLoader.Load(
            ModelFile.FromMemory(
                "trace",
                metadata: null,
                [new("token_embd.weight", TensorType.Of(WeightType.F32), [Vocabulary, Columns], embedding)]),
            DeclaredShape with { Context = context },
            Device.Cpu(1),
            new LoadOptions { Tokenizer = new LetterTokenizer() },
            _ => program = new TraceDecoder(decodesTogether));
        return new TraceModel(loaded, program!);
    }

    private static readonly DeclaredMatrix Embedding = new(new("token_embd.weight", ""), Vocabulary, Columns, [WeightType.F32]);

    public override IReadOnlyList<DeclaredTensor> Tensors => [Embedding];

    public override void Bind(WeightBinder bind) => bind.Matrix(Embedding);

    public override DecoderState CreateState(int capacity, KeyValueType cacheType) => new State(this, _states++, capacity, cacheType);

    public override DecoderBatch? CreateBatch(int maxStates)
    {
        Making?.Invoke();
        return decodesTogether ? new Batch(this, maxStates) : null;
    }

    private void Start(string what)
    {
        Before?.Invoke(what);
        Ran.Add(what);
    }

    private sealed class State(TraceDecoder program, int index, int capacity, KeyValueType cacheType) : DecoderState
    {
        private readonly (int Token, SparsityMode? Mode)[] _tokens = new (int, SparsityMode?)[capacity];
        private readonly float[] _logits = new float[Vocabulary];
        private LayerTally _tally;
        private bool _disposed;

        public int Index => index;

        public override int Capacity => capacity;

        public override ReadOnlySpan<float> LastLogits => _logits;

        public override void Run(ReadOnlySpan<int> tokens, in StepOptions step, Span<float> allLogits)
        {
            program.Start(step.IsPrompt ? $"{index}:{tokens.Length}" : $"{index}");
            foreach (int token in tokens)
            {
                Append(token, step);
            }
        }

        public override void RunHidden(ReadOnlySpan<int> tokens, Span<float> hidden)
        {
            program.Start($"{index}:{tokens.Length} hidden");
            for (int i = 0; i < tokens.Length; i++)
            {
                Append(tokens[i], StepOptions.Hidden);
                _logits.AsSpan(0, DeclaredShape.Hidden).CopyTo(hidden[(i * DeclaredShape.Hidden)..]);
            }
        }

        public void Append(int token, in StepOptions step)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            _tokens[Position++] = (token, step.IsPrompt ? null : step.Mode);
            for (int i = 0; i < Vocabulary; i++)
            {
                var hash = default(HashCode);
                hash.Add(i);
                hash.Add(cacheType);
                foreach ((int Token, SparsityMode? Mode) each in _tokens.AsSpan(0, Position))
                {
                    hash.Add(each);
                }

                _logits[i] = hash.ToHashCode() & 0xffff;
            }

            _tally.Neurons += step.Metering ? DeclaredShape.Intermediate : 0;
        }

        public override LayerTally ReadTally(int layer) => _tally;

        public override void ResetTallies() => _tally = default;

        public override void Dispose() => _disposed = true;
    }

    private sealed class Batch : DecoderBatch
    {
        private readonly TraceDecoder _program;
        private readonly int _maxStates;

        public Batch(TraceDecoder program, int maxStates)
        {
            _program = program;
            _maxStates = maxStates;
            program.Batches++;
        }

        public override void Run(ReadOnlySpan<DecoderState> states, ReadOnlySpan<int> tokens, in StepOptions step)
        {
            states.Length.ShouldBeInRange(2, _maxStates);
            tokens.Length.ShouldBe(states.Length);
            (step.IsPrompt || step.Metering || step.Timing).ShouldBeFalse();
            _program.Start(string.Join('+', states.ToArray().Select(state => ((State)state).Index)));
            for (int i = 0; i < states.Length; i++)
            {
                ((State)states[i]).Append(tokens[i], step);
            }
        }

        public override void Dispose() => _program.Batches--;
    }
}

internal sealed class TraceModel(LoadedModel loaded, TraceDecoder program) : LanguageModel(loaded)
{
    public TraceDecoder Program { get; } = program;
}
