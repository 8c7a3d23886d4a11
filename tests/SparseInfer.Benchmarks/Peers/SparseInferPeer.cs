using SparseInfer.Cli.Compilation;
using SparseInfer.Files;

namespace SparseInfer.Benchmarks;

/// <summary>A model that was generated for its file, on one number of threads. Its modes share sequences: each begins by rewinding them.</summary>
internal sealed class SparseInferEngine : IDisposable
{
    private readonly CpuDevice _device;
    private readonly LanguageModel _model;
    private readonly Session _session;
    private readonly Session[] _together;
    private readonly SessionBatch _batch;

    /// <param name="compiled">The program.</param>
    /// <param name="path">The file.</param>
    /// <param name="threads">Worker threads.</param>
    /// <param name="context">Tokens of the long sequence.</param>
    /// <param name="sequences">Most sequences that are decoded together.</param>
    public SparseInferEngine(CompiledModel compiled, string path, int threads, int context, int sequences)
    {
        _device = Device.Cpu(threads);
        _model = compiled.Load(ModelFile.Open(path, intoMemory: true), _device, new LoadOptions { NoTokenizer = true, ReadIntoMemory = true });
        _session = _model.CreateSession(new SessionOptions { Context = context });
        _together = [.. Enumerable.Range(0, sequences).Select(_ => _model.CreateSession(new SessionOptions { Context = Peer.TogetherContext }))];
        _batch = _model.CreateBatch(sequences);
    }

    public string Description => _device.Description;

    /// <summary>Its modes: Dense alone where the activation has no zeros.</summary>
    public IEnumerable<Peer> Modes(bool hasZeros) =>
        (hasZeros ? Enum.GetValues<SparsityMode>() : [SparsityMode.Dense]).Select(mode => new Mode(this, mode));

    public void Dispose()
    {
        _batch.Dispose();
        Array.ForEach(_together, session => session.Dispose());
        _session.Dispose();
        _model.Dispose();
        _device.Dispose();
    }

    private sealed class Mode(SparseInferEngine engine, SparsityMode mode) : Peer
    {
        public override string Name => mode.ToString();

        public override void Rewind(int position)
        {
            engine._session.Mode = mode;
            engine._session.Rewind(position);
        }

        public override void Prompt(ReadOnlySpan<int> tokens) => engine._session.Forward(tokens);

        public override void RewindTogether()
        {
            foreach (Session session in engine._together)
            {
                session.Mode = mode;
                session.Rewind(0);
            }
        }

        public override void Together(ReadOnlySpan<int> tokens) => engine._batch.Forward(engine._together.AsSpan(0, tokens.Length), tokens);
    }
}
