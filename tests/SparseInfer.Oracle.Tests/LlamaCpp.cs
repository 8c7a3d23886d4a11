using LLama;
using LLama.Common;
using LLama.Native;
using SparseInfer.LlamaCpp;

namespace SparseInfer.Oracle.Tests;

/// <summary>llama.cpp in this process, on one thread, with a cache of keys and values in single precision.</summary>
internal sealed class LlamaCpp : IDisposable
{
    private readonly LLamaWeights _weights;
    private readonly LLamaContext _context;
    private int _position;

    /// <param name="path">A GGUF file.</param>
    /// <param name="context">Most tokens.</param>
    /// <param name="pooling">How it pools what it embeds; null: it computes logits.</param>
    public LlamaCpp(string path, int context = 256, LLamaPoolingType? pooling = null)
    {
        var parameters = new ModelParams(path)
        {
            ContextSize = (uint)context,
            GpuLayerCount = 0,
            Threads = 1,
            BatchThreads = 1,
            TypeK = GGMLType.GGML_TYPE_F32,
            TypeV = GGMLType.GGML_TYPE_F32,
            FlashAttention = false,
            Embeddings = pooling is not null,
            PoolingType = pooling ?? LLamaPoolingType.Unspecified,

            // Negative: what the file says. LLamaSharp's own defaults would override it.
            YarnExtrapolationFactor = -1,
            YarnAttentionFactor = -1,
            YarnBetaFast = -1,
            YarnBetaSlow = -1,
        };
        _weights = LLamaWeights.LoadFromFile(parameters);
        _context = _weights.CreateContext(parameters);
    }

    /// <summary>Why this machine cannot run it; null: it can.</summary>
    public static string? WhyNot { get; } = LlamaCppLibrary.Load(message => TestContext.Current.TestOutputHelper?.Write(message));

    public void Dispose()
    {
        _context.Dispose();
        _weights.Dispose();
    }

    /// <summary>The logits after each of some more tokens, [tokens x vocabulary].</summary>
    public float[] Forward(ReadOnlySpan<int> tokens)
    {
        Decode(tokens);
        var logits = new List<float>();
        for (int i = 0; i < tokens.Length; i++)
        {
            logits.AddRange(_context.NativeHandle.GetLogitsIth(i));
        }

        return [.. logits];
    }

    /// <summary>The vector of a text, as it was pooled.</summary>
    public float[] Embed(ReadOnlySpan<int> tokens)
    {
        Decode(tokens);
        return _context.NativeHandle.GetEmbeddingsSeq(LLamaSeqId.Zero).ToArray();
    }

    private void Decode(ReadOnlySpan<int> tokens)
    {
        var batch = new LLamaBatch();
        foreach (int token in tokens)
        {
            batch.Add(token, _position++, LLamaSeqId.Zero, logits: true);
        }

        _context.NativeHandle.Decode(batch).ShouldBe(DecodeResult.Ok);
    }
}
