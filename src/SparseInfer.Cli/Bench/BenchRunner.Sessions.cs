using System.Diagnostics;

namespace SparseInfer.Cli.Bench;

/// <content>Several sessions that generate together.</content>
internal sealed partial class BenchRunner
{
    private void RunTogether(Loaded load, int count, int depth, int generated, List<BenchRun> runs)
    {
        using SessionBatch batch = load.Model.CreateBatch(count);
        Session[] sessions = new Session[count];
        try
        {
            for (int i = 0; i < count; i++)
            {
                sessions[i] = load.Model.CreateSession(new SessionOptions { Context = depth + generated, CacheType = options.CacheType });
            }

            foreach (Session session in sessions)
            {
                Fill(session, depth);
            }

            DateTime start = DateTime.UtcNow;
            (Samples[] samples, Probed probed) = Repeat(
                load, $"tg{generated}{(count > 1 ? $" x{count}" : "")}", depth, options.Modes,
                mode => Execute(batch, sessions, mode, depth, Math.Min(generated, ShortRun)),
                (mode, taken) => Sample(batch, sessions, mode, depth, generated, taken));
            Samples? dense = options.Modes.Zip(samples).Where(pair => pair.First == SparsityMode.Dense).Select(pair => pair.Second).FirstOrDefault();
            for (int i = 0; i < samples.Length; i++)
            {
                samples[i].UnionShare = UnionShare(batch, sessions, options.Modes[i], depth, generated);
                runs.Add(Report(load, start, depth, options.Modes[i], prompt: 0, generated, count, samples[i], dense, probed));
            }
        }
        finally
        {
            Array.ForEach(sessions, session => session?.Dispose());
        }
    }

    private void Sample(SessionBatch batch, Session[] sessions, SparsityMode mode, int depth, int generated, Samples samples)
    {
        (long nanoseconds, long allocated) = Execute(batch, sessions, mode, depth, generated);
        samples.Nanoseconds.Add(nanoseconds);
        samples.MinAllocated = Math.Min(samples.MinAllocated, allocated);
    }

    /// <summary>What the sessions' tokens need together, counted in a few steps: all of it where nothing is skipped; of one session its meters tell.</summary>
    private double? UnionShare(SessionBatch batch, Session[] sessions, SparsityMode mode, int depth, int generated)
    {
        if (sessions.Length == 1)
        {
            return null;
        }

        if (mode == SparsityMode.Dense)
        {
            return 1;
        }

        batch.Metering = true;
        Execute(batch, sessions, mode, depth, Math.Min(generated, Math.Max(2, 2 * MeteredTokens / sessions.Length)));
        batch.Metering = false;
        return batch.ReadUnionShare();
    }

    /// <summary>Generates tokens, each step one of each session; other sessions have other tokens.</summary>
    private (long Nanoseconds, long Allocated) Execute(SessionBatch batch, Session[] sessions, SparsityMode mode, int depth, int generated)
    {
        foreach (Session session in sessions)
        {
            session.Rewind(depth);
            session.Mode = mode;
        }

        Span<int> tokens = stackalloc int[sessions.Length];
        long allocated = GC.GetTotalAllocatedBytes(precise: true);
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < generated; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            for (int k = 0; k < tokens.Length; k++)
            {
                tokens[k] = _tokens[((i * tokens.Length) + k) % _tokens.Length];
            }

            batch.Forward(sessions, tokens);
        }

        long nanoseconds = (long)Stopwatch.GetElapsedTime(start).TotalNanoseconds;
        return (nanoseconds, GC.GetTotalAllocatedBytes(precise: true) - allocated);
    }
}
