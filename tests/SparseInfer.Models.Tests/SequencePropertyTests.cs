using System.Text;
using Models;
using SparseInfer.Sampling;
using SparseInfer.Text;

namespace SparseInfer.Models.Tests;

/// <summary>
/// Any way of cutting a conversation into calls, with breaks and cancellations at any point, gives the text, logits, metrics and position of
/// one call over the same tokens.
/// </summary>
public sealed class SequencePropertyTests : IDisposable
{
    private const int Conversations = 6;

    private readonly TemporaryFolder _folder = new();
    private readonly CpuDevice _device = Device.Cpu(1);
    private readonly Random _random = new(20260730);

    public static TheoryData<SparsityMode, bool, bool> All
    {
        get
        {
            var data = new TheoryData<SparsityMode, bool, bool>();
            foreach (SparsityMode mode in Enum.GetValues<SparsityMode>())
            {
                foreach (bool sampled in new[] { false, true })
                {
                    data.Add(mode, sampled, false);
                    data.Add(mode, sampled, true);
                }
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task A_cut_conversation_is_the_conversation(SparsityMode mode, bool sampled, bool multiByte)
    {
        var load = new LoadOptions { TokenizerPath = multiByte ? ByteVocabulary.Write(_folder.At("bytes.gguf")) : BundledFiles.ReluGguf };
        using ReluF16 model = ReluF16.Load(BundledFiles.ReluSafetensors, _device, load);
        int cuts = 0;
        var reasons = new HashSet<StopReason>();
        for (int conversation = 0; conversation < Conversations; conversation++)
        {
            using Session session = model.CreateSession(new SessionOptions { Mode = mode, Metering = true });
            var reference = new Conversation(model, mode);
            for (int turn = 0; turn < 3; turn++)
            {
                string prompt = turn == 0 ? "Once upon a time" : _random.GetItems([" Then", " é she said", "\nThe", "."], 1)[0];
                GenerationOptions options = Options(sampled, multiByte);
                string where = $"conversation {conversation}, turn {turn}: {options}";
                string expected = reference.Turn(prompt, options);
                (string text, int calls, StopReason reason) = await CutAsync(session, prompt, options);
                text.ShouldBe(expected, where);
                session.Tokens.ToArray().ShouldBe(reference.Tokens, where);
                session.Position.ShouldBe(reference.Tokens.Length, where);
                reason.ShouldBe(reference.Reason, where);
                cuts += calls;
                reasons.Add(reference.Reason);
            }

            (float[] logits, LayerMetrics[] metrics) = reference.Continue(300);
            Logits.ShouldBeBitIdentical(session.Forward([300]), logits, $"conversation {conversation}");
            session.ReadMetrics().SequenceEqual(metrics).ShouldBeTrue($"{session.ReadMetrics()[0]}, not {metrics[0]}");
        }

        cuts.ShouldBeGreaterThan(5 * Conversations);
        reasons.ShouldContain(StopReason.StopString);
        reasons.ShouldContain(StopReason.MaxTokens);
    }

    public void Dispose()
    {
        _device.Dispose();
        _folder.Dispose();
    }

    private GenerationOptions Options(bool sampled, bool multiByte) => new()
    {
        MaxTokens = _random.Next(5, 45),
        Temperature = sampled ? 1.1 : 0,
        Seed = (ulong)_random.Next(),
        RepetitionPenalty = _random.Next(2) == 0 ? 1 : 1.3,
        RepetitionWindow = _random.Next(1, 40),
        StopStrings = (_random.Next(4), multiByte) switch
        {
            (0, _) => [],
            (1, _) => ["no such text", "ed to", "n and t"],
            (2, _) => ["the w", " was so ", "he "],
            (_, true) => ["é", "\uFFFD\uFFFD", "t\uFFFD"],
            (_, false) => [".", "ee", ", "],
        },
    };

    /// <summary>Generates by calls that end in every way, until as many tokens were generated as in one call, or the text has ended.</summary>
    private async Task<(string Text, int Calls, StopReason Reason)> CutAsync(Session session, string prompt, GenerationOptions options)
    {
        string text = "";
        int left = options.MaxTokens;
        for (int calls = 1; ; calls++)
        {
            using var cancel = new CancellationTokenSource();
            int most = _random.Next(5);
            Ending ending = _random.GetItems(Enum.GetValues<Ending>(), 1)[0];
            if (ending == Ending.CanceledBefore && calls > 1)
            {
                await cancel.CancelAsync();
            }

            GenerationOptions part = options with { MaxTokens = Math.Min(left, _random.Next(1, 12)) };
            IAsyncEnumerator<string> reader =
                session.GenerateAsync(calls == 1 ? prompt : "", part, cancel.Token).GetAsyncEnumerator();
            try
            {
                for (int read = 0; ending != Ending.Broken || read <= most; read++)
                {
                    ValueTask<bool> next = reader.MoveNextAsync();
                    if (ending == Ending.CanceledMeanwhile && read > most)
                    {
                        // At any moment of the computation, or after it.
                        await cancel.CancelAsync();
                    }

                    if (!await next)
                    {
                        break;
                    }

                    text += reader.Current;
                }
            }
            catch (OperationCanceledException)
            {
                cancel.IsCancellationRequested.ShouldBeTrue();
            }

            await reader.DisposeAsync();
            GenerationReport report = session.LastGeneration!;
            left -= report.GeneratedTokens;
            if (report.Reason is not (StopReason.MaxTokens or StopReason.Canceled))
            {
                return (text, calls, report.Reason);
            }

            if (left == 0)
            {
                return (text, calls, StopReason.MaxTokens);
            }
        }
    }

    private enum Ending
    {
        Whole,
        Broken,
        CanceledBefore,
        CanceledMeanwhile,
    }

    /// <summary>One call a turn, by hand: each turn computes the tokens before it anew.</summary>
    private sealed class Conversation(LanguageModel model, SparsityMode mode)
    {
        private readonly List<(int[] Tokens, bool Decoded)> _parts = [];

        public int[] Tokens => [.. _parts.SelectMany(part => part.Tokens)];

        public StopReason Reason { get; private set; }

        private Tokenizer Tokenizer => model.Tokenizer;

        public string Turn(string prompt, GenerationOptions options)
        {
            bool continues = _parts.Count > 0;
            _parts.Add((Tokenizer.Encode(prompt, addBeginOfSequence: !continues, continuesText: continues), false));
            using Session session = Replay(out float[] logits);
            var sampler = new Sampler(options, Tokenizer.VocabularySize);
            Array.ForEach(Tokens, sampler.Accept);
            var written = new List<int>();
            Reason = StopReason.MaxTokens;
            while (written.Count < options.MaxTokens)
            {
                int token = sampler.Sample(logits.AsSpan(0, Tokenizer.VocabularySize));
                if (Tokenizer.IsEndOfGeneration(token))
                {
                    Reason = StopReason.EndOfSequence;
                    _parts.Add(([.. written], true));
                    return Text(written, flush: true);
                }

                written.Add(token);
                string text = Text(written);
                if (FindStop(text, options.StopStrings) is { } stop)
                {
                    Reason = StopReason.StopString;
                    string shown = Keep(written, stop);
                    int[] rest = Tokenizer.Encode(text[shown.Length..stop], addBeginOfSequence: false, continuesText: true);
                    _parts.Add((rest, false));
                    return text[..stop];
                }

                logits = session.Forward([token]).ToArray();
            }

            string all = Text(written);
            int held = options.StopStrings.Max(stop => (int?)Enumerable.Range(0, stop.Length)
                .Last(count => all.EndsWith(stop[..count], StringComparison.Ordinal))) ?? 0;
            return Keep(written, all.Length - held);
        }

        /// <summary>Logits after one more token, and what was metered until then.</summary>
        public (float[] Logits, LayerMetrics[] Metrics) Continue(int token)
        {
            using Session session = Replay(out _);
            float[] logits = session.Forward([token]).ToArray();
            return (logits, [.. session.ReadMetrics()]);
        }

        private Session Replay(out float[] logits)
        {
            Session session = model.CreateSession(new SessionOptions { Mode = mode, Metering = true });
            logits = [];
            foreach ((int[] tokens, bool decoded) in _parts.Where(part => part.Tokens.Length > 0))
            {
                logits = decoded ? Logits.OneByOne(session, tokens) : Logits.Batched(session, tokens);
            }

            logits = logits[^Logits.Vocabulary..];
            return session;
        }

        /// <summary>Keeps the tokens whose text ends, with a whole character, at a place or before it. Returns their text.</summary>
        private string Keep(List<int> written, int end)
        {
            int count = Enumerable.Range(0, written.Count + 1).Last(n =>
                Text(written[..n]) is { } text && text.Length <= end && text == Text(written[..n], flush: true));
            _parts.Add(([.. written[..count]], true));
            return Text(written[..count]);
        }

        private string Text(List<int> tokens, bool flush = false)
        {
            byte[] bytes = [.. tokens.SelectMany(token => Tokenizer.GetBytes(token).ToArray())];
            Decoder decoder = Encoding.UTF8.GetDecoder();
            char[] characters = new char[bytes.Length + 1];
            return new string(characters, 0, decoder.GetChars(bytes, characters, flush));
        }

        private static int? FindStop(string text, IReadOnlyList<string> stops) => stops
            .Select(stop => (Start: text.IndexOf(stop, StringComparison.Ordinal), stop.Length))
            .Where(found => found.Start >= 0)
            .OrderBy(found => found.Start + found.Length).ThenByDescending(found => found.Length)
            .Select(found => (int?)found.Start)
            .FirstOrDefault();
    }
}
