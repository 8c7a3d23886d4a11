using System.Runtime.InteropServices;
using LLama;
using LLama.Common;
using LLama.Native;

namespace SparseInfer.Benchmarks;

/// <summary>llama.cpp in this process, as it comes: a cache of keys and values in half precision, its own choice of attention. Files are read, not mapped.</summary>
internal sealed class LlamaCppPeer : Peer, IDisposable
{
    private readonly LLamaWeights _weights;
    private readonly LLamaContext _single;
    private readonly LLamaContext _together;
    private readonly LLamaBatch _batch = new();
    private int _position;
    private int _togetherPosition;

    /// <param name="path">A GGUF file.</param>
    /// <param name="threads">Threads, for tokens and for prompts.</param>
    /// <param name="context">Tokens of the long sequence.</param>
    /// <param name="sequences">Most sequences that are decoded together.</param>
    public LlamaCppPeer(string path, int threads, int context, int sequences)
    {
        var parameters = new ModelParams(path)
        {
            ContextSize = (uint)context,
            BatchSize = LongestPrompt,
            UBatchSize = LongestPrompt,
            GpuLayerCount = 0,
            Threads = threads,
            BatchThreads = threads,
            LoadMode = LLamaLoadMode.None,
        };
        _weights = LLamaWeights.LoadFromFile(parameters);
        _single = _weights.CreateContext(parameters);
        parameters.SeqMax = (uint)sequences;
        parameters.ContextSize = (uint)(sequences * TogetherContext);
        parameters.KVUnified = false;
        _together = _weights.CreateContext(parameters);
    }

    /// <summary>What it takes of a prompt at once: its own default.</summary>
    public const int LongestPrompt = 512;

    public override string Name => "llama.cpp";

    /// <summary>The instruction sets that the library was built for, in its own words.</summary>
    public static string SystemInfo => Marshal.PtrToStringUTF8(NativeApi.llama_print_system_info())!.Trim();

    public void Dispose()
    {
        _together.Dispose();
        _single.Dispose();
        _weights.Dispose();
    }

    public override void Rewind(int position)
    {
        _single.NativeHandle.MemorySequenceRemove(LLamaSeqId.Zero, position, -1);
        _position = position;
    }

    public override void Prompt(ReadOnlySpan<int> tokens)
    {
        while (tokens.Length > 0)
        {
            ReadOnlySpan<int> part = tokens[..Math.Min(tokens.Length, LongestPrompt)];
            tokens = tokens[part.Length..];
            _batch.Clear();
            for (int i = 0; i < part.Length; i++)
            {
                _batch.Add(part[i], _position++, LLamaSeqId.Zero, logits: tokens.IsEmpty && i == part.Length - 1);
            }

            Decode(_single);
        }
    }

    public override void RewindTogether()
    {
        _together.NativeHandle.MemoryClear(false);
        _togetherPosition = 0;
    }

    public override void Together(ReadOnlySpan<int> tokens)
    {
        _batch.Clear();
        for (int i = 0; i < tokens.Length; i++)
        {
            _batch.Add(tokens[i], _togetherPosition, (LLamaSeqId)i, logits: true);
        }

        _togetherPosition++;
        Decode(_together);
    }

    private void Decode(LLamaContext context)
    {
        DecodeResult result = context.NativeHandle.Decode(_batch);
        if (result != DecodeResult.Ok)
        {
            throw new InvalidOperationException($"llama.cpp did not compute a batch of {_batch.TokenCount} tokens: {result}.");
        }

        context.NativeHandle.Synchronize();
    }
}
