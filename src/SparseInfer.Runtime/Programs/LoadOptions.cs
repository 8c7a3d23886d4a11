using SparseInfer.Files;
using SparseInfer.Loading;
using SparseInfer.Text;

namespace SparseInfer;

/// <summary>How a model is loaded.</summary>
public sealed record LoadOptions
{
    /// <summary>
    /// Convert weights whose stored type the model does not declare, for their role where roles have types of their own, to the first that is declared there,
    /// with loss where that type holds less. Widening to a declared F32 loses nothing and needs no permission.
    /// </summary>
    public bool ConvertWeights { get; init; }

    /// <summary>Load although the file has tensors that the declaration gives no place to.</summary>
    public bool AllowUnusedTensors { get; init; }

    /// <summary>
    /// Load although the last matrices of a file are zero to its end, as they are when a download was broken off whose file had its full
    /// size from the start.
    /// </summary>
    public bool AllowZeroTail { get; init; }

    /// <summary>
    /// Read the model file into memory instead of mapping it. It costs its size in memory, and the time to read it. A mapped file takes its
    /// process with it when another program shortens it or its disk goes away. A file that is open already must have been opened so.
    /// </summary>
    public bool ReadIntoMemory { get; init; }

    /// <summary>
    /// What to take the tokenizer from in place of the model's own: a GGUF file, a <c>tokenizer.json</c>, a SentencePiece
    /// <c>tokenizer.model</c>, or a folder with one.
    /// </summary>
    public string? TokenizerPath { get; init; }

    /// <summary>
    /// A tokenizer of one's own, in place of the file's: for kinds that are not read, derive from <see cref="Text.Tokenizer"/>. It has no more
    /// tokens than the model, and stays the caller's.
    /// </summary>
    public Tokenizer? Tokenizer { get; init; }

    /// <summary>Leave the file's tokenizer alone: for programs that work with token ids.</summary>
    public bool NoTokenizer { get; init; }

    /// <summary>
    /// What the file is read as, in place of what it says: the name of an architecture in GGUF files (<c>llama</c>). For a file whose
    /// architecture is not known though its graph is. The load report has a note of it.
    /// </summary>
    public string? Architecture { get; init; }

    /// <summary>
    /// Keys of the file's metadata that are neither compared with the declaration nor refused: <c>llama.foo</c>, or <c>foo</c> of a
    /// <c>config.json</c>. For keys that are not known and change nothing, or that are wrong. A name that the file does not have is an
    /// error; what was ignored is a note in the load report.
    /// </summary>
    public IReadOnlyList<string> IgnoreMetadata { get; init; } = [];

    /// <summary>What messages call <see cref="Architecture"/> and <see cref="IgnoreMetadata"/>, where a tool sets them.</summary>
    internal OverrideNames OverrideNames { get; init; } = OverrideNames.Library;

    /// <summary>
    /// Another file that has what sparsity policies want of files, such as the matrices of a predictor: GGUF or safetensors, with the names that
    /// the policy's page has. What it has goes before what the model's file has; types that the model does not declare are converted, with a note.
    /// It is checked as the model's file is. Null: the model's file has all that is wanted.
    /// </summary>
    public string? PredictorFile { get; init; }

    /// <summary>Told after each tensor.</summary>
    public IProgress<LoadProgress>? Progress { get; init; }

    /// <summary>Every property, in the invariant culture.</summary>
    public override string ToString() => RecordText.Of(
        nameof(LoadOptions),
        (nameof(ConvertWeights), ConvertWeights),
        (nameof(AllowUnusedTensors), AllowUnusedTensors),
        (nameof(AllowZeroTail), AllowZeroTail),
        (nameof(ReadIntoMemory), ReadIntoMemory),
        (nameof(TokenizerPath), TokenizerPath),
        (nameof(Tokenizer), Tokenizer?.GetType().Name),
        (nameof(NoTokenizer), NoTokenizer),
        (nameof(Architecture), Architecture),
        (nameof(IgnoreMetadata), IgnoreMetadata.Count > 0 ? IgnoreMetadata : null),
        (nameof(PredictorFile), PredictorFile),
        (nameof(Progress), Progress is not null));
}

/// <summary>How far loading a model is, or preparing a model file.</summary>
/// <param name="Tensor">The tensor just loaded, or being prepared.</param>
/// <param name="BytesDone">Bytes done so far: of the file that is loaded, or of the one that is written.</param>
/// <param name="BytesTotal">Bytes there are.</param>
public readonly record struct LoadProgress(string Tensor, long BytesDone, long BytesTotal)
{
    /// <summary>How far, in one line and the invariant culture.</summary>
    public override string ToString() => FormattableString.Invariant($"{FileText.Show(Tensor)}: {BytesDone} of {BytesTotal} bytes");
}

/// <summary>What loading found.</summary>
/// <param name="File">The model file.</param>
/// <param name="Tensors">Number of tensors bound.</param>
/// <param name="WeightBytes">Their size in the file.</param>
/// <param name="Notes">What a careful reader may want to know; each one sentence.</param>
public sealed record LoadReport(string File, int Tensors, long WeightBytes, IReadOnlyList<string> Notes)
{
    /// <summary>What was loaded, then the notes, one a line; in the invariant culture.</summary>
    public override string ToString() => string.Join(
        '\n', [FormattableString.Invariant($"{File}: {Tensors} tensors, {WeightBytes} bytes of weights"), .. Notes]);
}
