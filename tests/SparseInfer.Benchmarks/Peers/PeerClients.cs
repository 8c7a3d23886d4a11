using System.Diagnostics;
using System.Text;
using System.Text.Json;
using LLama;
using LLama.Batched;
using LLama.Common;
using LLama.Native;
using SparseInfer.Cli.Compilation;
using SparseInfer.Cli.Serve;
using SparseInfer.Files;
using SparseInfer.Serving;

namespace SparseInfer.Benchmarks;

/// <summary>
/// Clients that all ask at once, each with a prompt of its own: tokens generated a second by all of them, from the first request to the last answer's end.
/// llama.cpp is served by LLamaSharp's batched executor, called in this process; ours by the server of <c>sparseinfer serve</c>, also in this process, over HTTP and as streams.
/// Nothing is kept from one round to the next.
/// </summary>
internal static class PeerClients
{
    private const int PromptTokens = 64;
    private const int GeneratedTokens = 48;

    /// <summary>Measures, and writes the table.</summary>
    /// <param name="file">The model.</param>
    /// <param name="threads">Threads of either engine.</param>
    /// <param name="clients">Numbers of clients.</param>
    /// <param name="rounds">Turns that each gets.</param>
    /// <param name="output">Where to.</param>
    /// <param name="cancellationToken">Ends it between two turns.</param>
    public static async Task Run(PeerFile file, int threads, IReadOnlyList<int> clients, int rounds, TextWriter output, CancellationToken cancellationToken)
    {
        CompiledModel compiled = ModelCompiler.Compile(file.Declaration, cancellationToken);
        int most = clients.Max();
        var random = new Random(1);
        int[][] prompts = [.. Enumerable.Range(0, most).Select(_ => Enumerable.Range(0, PromptTokens).Select(_ => random.Next(3, file.Declaration.Vocabulary)).ToArray())];
        using CpuDevice device = Device.Cpu(threads);
        using LanguageModel model = compiled.Load(ModelFile.Open(file.Path, intoMemory: true), device, new LoadOptions { ReadIntoMemory = true });
        await using var service = new ModelService(model, new ModelServiceOptions { Context = PromptTokens + GeneratedTokens, MaxQueued = most, KeptSessions = 0 });
        await using ApiServer server = await ApiServer.StartAsync(
            new ServeOptions { Model = new() { File = null!, Device = "cpu" }, Generation = new GenerationOptions() }, new RequestLog(TextWriter.Null, isJson: false));
        server.Open(new ServedModel(file.Declaration.Name, 0, "", service));
        using var http = new HttpClient { BaseAddress = server.Address, Timeout = Timeout.InfiniteTimeSpan };
        using var theirs = new LlamaCppExecutor(file.Path, threads, most);
        IReadOnlyList<SparsityMode> modes = file.Declaration.HasZeros ? Enum.GetValues<SparsityMode>() : [SparsityMode.Dense];
        (string Name, Func<int[][], Task> Answer)[] servers =
        [
            ("llama.cpp", theirs.Answer),
            .. modes.Select(mode => (mode.ToString(), new Func<int[][], Task>(asked => Task.WhenAll(asked.Select(prompt => Answer(http, prompt, mode)))))),
        ];
        PeerTable.PrintHead(output);
        foreach (int count in clients)
        {
            double[][] rates = [.. servers.Select(_ => new double[rounds])];
            for (int round = -1; round < rounds; round++) // the first compiles
            {
                foreach (int i in Alternation.Turns(round + 1, servers.Length))
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    long start = Stopwatch.GetTimestamp();
                    await servers[i].Answer(prompts[..count]);
                    if (round >= 0)
                    {
                        rates[i][round] = count * GeneratedTokens / Stopwatch.GetElapsedTime(start).TotalSeconds;
                    }
                }
            }

            PeerTable.PrintRow(output, count == 1 ? "1 client" : $"{count} clients", threads, servers.Zip(rates).ToDictionary(pair => pair.First.Name, pair => pair.Second));
        }
    }

    private static async Task Answer(HttpClient http, int[] prompt, SparsityMode mode)
    {
        string body = JsonSerializer.Serialize(new
        {
            prompt,
            max_tokens = GeneratedTokens,
            temperature = 0,
            ignore_eos = true,
            sparsity_mode = mode.ToString().ToLowerInvariant(),
            stream = true,
            stream_options = new { include_usage = true },
        });
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/completions") { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        using HttpResponseMessage response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        string text = await response.Content.ReadAsStringAsync();
        if (!text.Contains($"\"completion_tokens\":{GeneratedTokens}", StringComparison.Ordinal) || !text.EndsWith("data: [DONE]\n\n", StringComparison.Ordinal))
        {
            throw new InvalidOperationException($"An answer has not {GeneratedTokens} tokens: {text[..Math.Min(text.Length, 500)]}");
        }
    }

    /// <summary>llama.cpp's continuous batching, as LLamaSharp offers it. Greedy, as ours.</summary>
    private sealed class LlamaCppExecutor : IDisposable
    {
        private readonly LLamaWeights _weights;
        private readonly BatchedExecutor _executor;

        public LlamaCppExecutor(string path, int threads, int sequences)
        {
            var parameters = new ModelParams(path)
            {
                ContextSize = (uint)(sequences * (PromptTokens + GeneratedTokens)),
                BatchSize = LlamaCppPeer.LongestPrompt,
                UBatchSize = LlamaCppPeer.LongestPrompt,
                SeqMax = (uint)sequences,
                KVUnified = false,
                GpuLayerCount = 0,
                Threads = threads,
                BatchThreads = threads,
                LoadMode = LLamaLoadMode.None,
            };
            _weights = LLamaWeights.LoadFromFile(parameters);
            _executor = new BatchedExecutor(_weights, parameters);
        }

        public async Task Answer(int[][] prompts)
        {
            Conversation[] conversations = [.. prompts.Select(prompt =>
            {
                Conversation conversation = _executor.Create();
                conversation.Prompt(prompt.Select(token => (LLamaToken)token).ToArray().AsSpan());
                return conversation;
            })];
            try
            {
                int[] tokens = new int[conversations.Length];
                while (tokens.Any(count => count < GeneratedTokens))
                {
                    DecodeResult result = await _executor.Infer();
                    if (result != DecodeResult.Ok)
                    {
                        throw new InvalidOperationException($"llama.cpp did not compute a batch: {result}.");
                    }

                    for (int i = 0; i < conversations.Length; i++)
                    {
                        if (conversations[i].RequiresSampling)
                        {
                            int next = System.Numerics.Tensors.TensorPrimitives.IndexOfMax<float>(conversations[i].Sample());
                            if (++tokens[i] < GeneratedTokens)
                            {
                                conversations[i].Prompt((LLamaToken)next);
                            }
                        }
                    }
                }
            }
            finally
            {
                Array.ForEach(conversations, conversation => conversation.Dispose());
            }
        }

        public void Dispose()
        {
            _executor.Dispose();
            _weights.Dispose();
        }
    }
}
