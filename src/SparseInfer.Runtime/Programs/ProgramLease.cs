namespace SparseInfer.Runtime;

/// <summary>A session's share of its model's weights: given back once, by <see cref="Dispose"/>, or when it is collected with its session.</summary>
/// <param name="program">The program that counts its users; this one is counted already.</param>
internal sealed class ProgramLease(DecoderProgram program) : IDisposable
{
    private bool _ended;

    /// <summary>A session that nobody disposed: its program must not wait for it.</summary>
    ~ProgramLease() => program.ReleaseDropped();

    /// <summary>Gives it back, and frees the weights if it was the last.</summary>
    public void Dispose()
    {
        if (!Interlocked.Exchange(ref _ended, true))
        {
            GC.SuppressFinalize(this);
            program.Release();
        }
    }
}
