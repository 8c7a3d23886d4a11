using System.Text;
using SparseInfer.Files;
using SparseInfer.Kernels.Cpu;
using SparseInfer.Runtime;
using SparseInfer.Text;

namespace SparseInfer.Extensions.AI.Tests;

/// <summary>A model that answers a prompt as a script has it, byte by byte: what a chat client does around a model shows.</summary>
internal sealed class ScriptedModel(LoadedModel loaded, ScriptedDecoder program) : LanguageModel(loaded)
{
    /// <summary>Prompts that were answered, as the template wrote them.</summary>
    public IReadOnlyList<string> Prompts => program.Prompts;

    /// <summary>The mode of the last token that was decoded.</summary>
    public SparsityMode? Mode => program.Mode;

    /// <param name="script">The answer to a prompt.</param>
    public static ScriptedModel Load(Func<string, string> script)
    {
        ScriptedDecoder? program = null;
        NativeBuffer embedding = NativeBuffer.Allocate(ByteTokenizer.Size * ScriptedDecoder.Columns * sizeof(float));
        LoadedModel loaded = ModelLoader.Load(
            ModelFile.FromMemory(
                "script",
                metadata: null,
                [new("token_embd.weight", TensorType.Of(WeightType.F32), [ByteTokenizer.Size, ScriptedDecoder.Columns], embedding)]),
            ScriptedDecoder.DeclaredShape,
            Device.Cpu(1),
            new LoadOptions { Tokenizer = new ByteTokenizer() },
            _ => program = new ScriptedDecoder(script));
        return new ScriptedModel(loaded, program!);
    }
}

/// <summary>A token a byte, one that ends, and Mistral's mark of calls, which is a control token: no text.</summary>
internal sealed class ByteTokenizer : Tokenizer
{
    public const int End = 256;
    public const int Mark = 257;
    public const int Size = 258;
    public const string MarkText = "[TOOL_CALLS]";

    private static readonly byte[] Bytes = [.. Enumerable.Range(0, 256).Select(value => (byte)value)];

    public override int VocabularySize => Size;

    public override int? BeginOfSequence => null;

    public override int? EndOfSequence => End;

    public override int[] Encode(string text, bool addBeginOfSequence, bool parseControlTokens = false, bool continuesText = false)
    {
        int mark = parseControlTokens ? text.IndexOf(MarkText, StringComparison.Ordinal) : -1;
        return mark < 0
            ? [.. Encoding.UTF8.GetBytes(text).Select(value => (int)value)]
            : [.. Encode(text[..mark], addBeginOfSequence), Mark, .. Encode(text[(mark + MarkText.Length)..], addBeginOfSequence)];
    }

    public override ReadOnlySpan<byte> GetBytes(int token) => token >= End ? [] : Bytes.AsSpan(token, 1);

    public override bool IsEndOfGeneration(int token) => token == End;
}

internal sealed class ScriptedDecoder(Func<string, string> script) : DecoderProgram
{
    public const int Columns = 32;

    private static readonly DeclaredMatrix Embedding = new(new("token_embd.weight", ""), ByteTokenizer.Size, Columns, [WeightType.F32]);

    public static ModelShape DeclaredShape { get; } = new()
    {
        Name = "Scripted",
        Hidden = Columns,
        Intermediate = 8,
        Layers = 1,
        Vocabulary = ByteTokenizer.Size,
        Context = 2000,
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

    public List<string> Prompts { get; } = [];

    public SparsityMode? Mode { get; private set; }

    public override IReadOnlyList<DeclaredTensor> Tensors => [Embedding];

    public override void Bind(WeightBinder bind) => bind.Matrix(Embedding);

    public override DecoderState CreateState(int capacity, KeyValueType cacheType) => new State(this, capacity);

    private int[] Answer(string prompt)
    {
        Prompts.Add(prompt);
        return new ByteTokenizer().Encode(script(prompt), addBeginOfSequence: false, parseControlTokens: true);
    }

    private sealed class State(ScriptedDecoder program, int capacity) : DecoderState
    {
        private readonly int[] _tokens = new int[capacity];
        private readonly float[] _logits = new float[ByteTokenizer.Size];
        private int[] _answer = [];
        private int _given;

        public override int Capacity => capacity;

        public override ReadOnlySpan<float> LastLogits => _logits;

        public override void Run(ReadOnlySpan<int> tokens, in StepOptions step, Span<float> allLogits)
        {
            tokens.CopyTo(_tokens.AsSpan(Position));
            Position += tokens.Length;
            if (step.IsPrompt)
            {
                (_answer, _given) = ([], 0);
                string prompt = Encoding.UTF8.GetString([.. _tokens.AsSpan(0, Position).ToArray().Select(token => (byte)token)]);
                if (prompt.EndsWith(ChatClientTests.OpensAnswer, StringComparison.Ordinal))
                {
                    _answer = program.Answer(prompt);
                }
            }
            else
            {
                _given++;
                program.Mode = step.Mode;
            }

            Array.Clear(_logits);
            _logits[_given < _answer.Length ? _answer[_given] : ByteTokenizer.End] = 100;
        }

        /// <summary>Of each token a vector that has a 1 at its id's place, modulo the width.</summary>
        public override void RunHidden(ReadOnlySpan<int> tokens, Span<float> hidden)
        {
            hidden.Clear();
            for (int i = 0; i < tokens.Length; i++)
            {
                hidden[(i * Columns) + (tokens[i] % Columns)] = 1;
            }

            tokens.CopyTo(_tokens.AsSpan(Position));
            Position += tokens.Length;
        }

        public override LayerTally ReadTally(int layer) => default;

        public override void ResetTallies()
        {
        }

        public override void Dispose()
        {
        }
    }
}
