using SparseInfer.Cli.Bench.Probes;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Cli.Bench;

/// <summary>Runs all tests: for each number of threads and each depth the prompts, then the generations.</summary>
/// <remarks>
/// A machine drifts by more than what is to be told apart, so what is compared is interleaved: within a repetition every mode has its
/// turn, and then the memory is probed once more.
/// </remarks>
internal sealed partial class BenchRunner(BenchOptions options, BenchModel tested, ProgressLine progress, CancellationToken cancellationToken)
{
    /// <summary>Tokens of a run that is timed from inside, or that only warms up: means over tokens settle sooner than rates.</summary>
    private const int ShortRun = 32;

    /// <summary>Tokens that are metered: with synthetic weights, whose 8 groups of tokens are alike, plenty.</summary>
    private const int MeteredTokens = 16;

    /// <summary>Prompt tokens between two looks at the cancellation token.</summary>
    private const int CancelablePrompt = 256;

    private readonly Dictionary<SparsityMode, Activity> _activities = [];
    private readonly int[] _tokens = RandomTokens(options, tested.Declaration.Vocabulary);
    private ReadBandwidthProbe? _probe;

    /// <summary>Runs everything.</summary>
    /// <exception cref="OperationCanceledException">It was canceled: there are no results.</exception>
    public IReadOnlyList<BenchRun> Run()
    {
        var runs = new List<BenchRun>();
        try
        {
            foreach (int threads in options.Threads)
            {
                CpuDevice device = Device.Cpu(threads);
                LanguageModel model;
                double loadSeconds;
                try
                {
                    model = tested.Load(device, progress, cancellationToken, out loadSeconds);
                }
                catch
                {
                    device.Dispose();
                    throw;
                }

                try
                {
                    long resident = ResidentMemory();
                    _probe ??= new ReadBandwidthProbe(options.ProbeBytes);
                    var load = new Loaded(device, model, loadSeconds, resident);
                    foreach (int depth in options.Depths)
                    {
                        RunDepth(load, depth, runs);
                    }
                }
                finally
                {
                    tested.Return(model, device);
                }
            }
        }
        finally
        {
            _probe?.Dispose();
        }

        return runs;
    }

    private sealed record Loaded(CpuDevice Device, LanguageModel Model, double Seconds, long ResidentBytes)
    {
        public WorkerGroup Workers => Device.Workers;
    }

    /// <summary>What the machine reached while a test was repeated: 10^9 bytes, and 10^9 operations, a second.</summary>
    private readonly record struct Probed(double Bandwidth, double FmaPeak);

    /// <summary>What repeating a test gave, for one mode.</summary>
    private sealed class Samples
    {
        public List<long> Nanoseconds { get; } = [];

        public double[] Times => [.. Nanoseconds.Select(nanoseconds => (double)nanoseconds)];

        public List<double> FeedForward { get; } = [];

        public List<double> Predictor { get; } = [];

        public double? UnionShare { get; set; }

        public long MinAllocated { get; set; } = long.MaxValue;
    }

    private long ResidentMemory()
    {
        // What the compiler left behind is no part of the model.
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        return Machine.ResidentMemory - (_probe is null ? 0 : options.ProbeBytes);
    }

    private void RunDepth(Loaded load, int depth, List<BenchRun> runs)
    {
        int capacity = depth + Math.Max(options.Prompts.Max(), options.Generations.Max());
        using Session session = load.Model.CreateSession(new SessionOptions { Context = capacity, CacheType = options.CacheType });
        if (depth > 0)
        {
            progress.Show($"{load.Workers.Count} threads: a context of {depth} tokens");
            Fill(session, depth);
        }

        foreach (int prompt in options.Prompts.Where(prompt => prompt > 0))
        {
            // Prompts are computed dense in every mode: once is enough.
            runs.AddRange(RunTest(load, session, depth, [SparsityMode.Dense], prompt, generated: 0));
        }

        foreach (int generated in options.Generations.Where(generated => generated > 0))
        {
            Meter(session, depth, generated);
            if (options.Sessions.Count == 0)
            {
                runs.AddRange(RunTest(load, session, depth, options.Modes, prompt: 0, generated));
            }

            foreach (int sessions in options.Sessions)
            {
                RunTogether(load, sessions, depth, generated, runs);
            }
        }
    }

    private IEnumerable<BenchRun> RunTest(
        Loaded load, Session session, int depth, IReadOnlyList<SparsityMode> modes, int prompt, int generated)
    {
        string test = prompt > 0 ? $"pp{prompt}" : $"tg{generated}";
        DateTime start = DateTime.UtcNow;
        (Samples[] samples, Probed probed) = Repeat(
            load, test, depth, modes,
            mode => Execute(session, mode, depth, prompt, Math.Min(generated, ShortRun), timed: false),
            (mode, taken) => Sample(session, mode, depth, prompt, generated, taken));
        Samples? dense = modes.Zip(samples).Where(pair => pair.First == SparsityMode.Dense).Select(pair => pair.Second).FirstOrDefault();
        for (int i = 0; i < modes.Count; i++)
        {
            yield return Report(load, start, depth, modes[i], prompt, generated, sessions: 1, samples[i], dense, probed);
        }
    }

    /// <summary>Every mode once to warm up, and then in turns, with probes between the repetitions.</summary>
    private (Samples[] Samples, Probed Probed) Repeat(
        Loaded load, string test, int depth, IReadOnlyList<SparsityMode> modes, Action<SparsityMode> warmUp, Action<SparsityMode, Samples> sample)
    {
        string stage = $"{load.Workers.Count} threads: {test}{(depth > 0 ? $" @ d{depth}" : "")}";
        progress.Show(stage, 0);
        Samples[] samples = [.. modes.Select(_ => new Samples())];
        List<double> bandwidth = [];
        List<double> peak = [];
        foreach (SparsityMode mode in modes)
        {
            warmUp(mode);
        }

        Probe(load, bandwidth, peak);
        for (int repetition = 0; repetition < options.Repetitions; repetition++)
        {
            for (int i = 0; i < modes.Count; i++)
            {
                progress.Show(stage, (repetition + ((double)i / modes.Count)) / options.Repetitions);
                sample(modes[i], samples[i]);
            }

            Probe(load, bandwidth, peak);
        }

        return (samples, new Probed(Statistics.Median(bandwidth), Statistics.Median(peak)));
    }

    private void Probe(Loaded load, List<double> bandwidth, List<double> peak)
    {
        cancellationToken.ThrowIfCancellationRequested();
        bandwidth.Add(_probe!.Measure(load.Workers));
        peak.Add(FmaPeakProbe.Measure(load.Workers));
    }

    private void Sample(Session session, SparsityMode mode, int depth, int prompt, int generated, Samples samples)
    {
        (long nanoseconds, long allocated) = Execute(session, mode, depth, prompt, generated, timed: false);
        samples.Nanoseconds.Add(nanoseconds);
        samples.MinAllocated = Math.Min(samples.MinAllocated, allocated);
        if (generated == 0)
        {
            return;
        }

        // Once more with time stamps inside: no sample above has any.
        session.ResetMetrics();
        Execute(session, mode, depth, prompt, Math.Min(generated, ShortRun), timed: true);
        IReadOnlyList<LayerMetrics> layers = session.ReadMetrics();
        samples.FeedForward.Add(layers.Sum(layer => layer.FeedForwardNanoseconds));
        samples.Predictor.Add(layers.Sum(layer => layer.PredictorNanoseconds));
    }

    /// <summary>Runs a prompt, or generates tokens, after so many that are there; tells the time, and the bytes allocated.</summary>
    private (long Nanoseconds, long Allocated) Execute(Session session, SparsityMode mode, int depth, int prompt, int generated, bool timed)
    {
        session.Mode = mode;
        session.Timing = timed;
        return Decoding.Time(session, depth, _tokens.AsSpan(0, prompt), _tokens.AsSpan(0, generated), cancellationToken);
    }

    /// <summary>Fills the key-value cache.</summary>
    private void Fill(Session session, int tokens)
    {
        session.Mode = SparsityMode.Dense;
        for (int done = 0; done < tokens; done += CancelablePrompt)
        {
            cancellationToken.ThrowIfCancellationRequested();
            session.Forward(_tokens.AsSpan(done, Math.Min(CancelablePrompt, tokens - done)));
        }
    }

    /// <summary>Counts once what each mode does: it depends neither on the depth nor on the threads, whatever the bits are.</summary>
    private void Meter(Session session, int depth, int generated)
    {
        foreach (SparsityMode mode in options.Modes.Where(mode => !_activities.ContainsKey(mode)))
        {
            progress.Show($"counting what {mode.ToString().ToLowerInvariant()} skips");
            session.Metering = true;
            session.ResetMetrics();
            Execute(session, mode, depth, prompt: 0, Math.Min(generated, MeteredTokens), timed: false);
            session.Metering = false;
            _activities[mode] = Activity.Of(session);
        }
    }

    private BenchRun Report(
        Loaded load, DateTime start, int depth, SparsityMode mode, int prompt, int generated, int sessions, Samples samples,
        Samples? dense, Probed probed)
    {
        int tokens = (prompt + generated) * sessions;
        double[] rates = [.. samples.Nanoseconds.Select(nanoseconds => tokens * 1e9 / nanoseconds)];
        double[] times = samples.Times;
        double median = Statistics.Median(times);
        bool decodes = generated > 0;
        Activity? activity = decodes ? _activities[mode] : null;
        double cacheBytes = tested.Cost.CacheBytes(options.CacheType, depth, generated);
        double? bytes = decodes && sessions == 1 ? tested.Cost.BytesPerToken(activity!) + ((1 - activity!.SkippedHeads) * cacheBytes) : null;
        double? rate = bytes * tokens / median;
        return new BenchRun
        {
            CpuInfo = Machine.CpuInfo,
            ModelFilename = tested.FileName,
            ModelType = tested.Description,
            ModelSize = tested.Cost.Size,
            ModelNParams = tested.Cost.Parameters,
            TypeK = options.CacheType.ToString().ToLowerInvariant(),
            NThreads = load.Workers.Count,
            NPrompt = prompt,
            NGen = generated,
            NDepth = depth,
            NSessions = sessions,
            TestTime = start,
            Mode = mode.ToString().ToLowerInvariant(),
            Policy = string.Join(", ", tested.Declaration.PolicyAttributes),
            WeightType = tested.WeightTypes,
            Synthetic = tested.Synthetic,
            Differs = options.Synthetic?.Differs,
            AvgNs = (long)times.Average(),
            StddevNs = (long)Statistics.StandardDeviation(times),
            MedianNs = (long)median,
            AvgTs = rates.Average(),
            StddevTs = Statistics.StandardDeviation(rates),
            MedianTs = Statistics.Median(rates),
            SessionTs = Statistics.Median(rates) / sessions,
            UnionShare = samples.UnionShare,
            OfDense = decodes && dense is not null ? Statistics.Median(dense.Times) / median : null,
            OfDenseBound = sessions == 1 && activity?.SparsityTrue is not null ? tested.Cost.Bound(mode, activity, cacheBytes) : null,
            SamplesNs = samples.Nanoseconds,
            SamplesTs = rates,
            SparsityTrue = activity?.SparsityTrue,
            SparsityPredicted = activity?.SparsityPredicted,
            Precision = activity?.Precision,
            Recall = activity?.Recall,
            BytesPerToken = bytes,
            GbPerS = rate,
            ProbeGbPerS = probed.Bandwidth,
            BandwidthShare = rate / probed.Bandwidth,
            FmaPeakGflops = probed.FmaPeak,
            FlopsShare = decodes ? null : tested.Cost.PromptOperations(prompt) / median / probed.FmaPeak,
            FfnNsPerToken = decodes && samples.FeedForward.Count > 0 ? Statistics.Median(samples.FeedForward) : null,
            PredictorNsPerToken = activity?.SparsityPredicted is null || samples.Predictor.Count == 0 ? null : Statistics.Median(samples.Predictor),
            AllocatedBytesPerToken = (double)samples.MinAllocated / tokens,
            LoadSeconds = load.Seconds,
            ResidentBytes = load.ResidentBytes,
        };
    }

    private static int[] RandomTokens(BenchOptions options, int vocabulary)
    {
        // As many as any test needs, the same ones each time.
        var random = new Random(42);
        int[] tokens = new int[Math.Max(options.Depths.Max(), Math.Max(options.Prompts.Max(), options.Generations.Max() * options.Sessions.Append(1).Max()))];
        for (int i = 0; i < tokens.Length; i++)
        {
            tokens[i] = random.Next(vocabulary);
        }

        return tokens;
    }
}
