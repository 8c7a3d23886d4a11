namespace SparseInfer.Serving;

/// <summary>
/// The places of one request, for all its answers: taken once, before the first of them, so that none is refused when others are computed already. They are given up as
/// answers end. Safe for several threads.
/// </summary>
internal sealed class ServicePlaces : IDisposable
{
    private readonly Admission _admission;
    private readonly object _gate = new();

    /// <summary>Answers that have not ended, those that have not begun included.</summary>
    private int _left;
    private int _held;

    /// <summary>Takes as many places as there are, one at least.</summary>
    /// <param name="admission">Whose.</param>
    /// <param name="answers">Answers of the request.</param>
    /// <param name="atATime">Most that it asks for at a time.</param>
    /// <exception cref="ServiceBusyException">There is no place.</exception>
    /// <exception cref="ServiceStoppedException">The service was stopped.</exception>
    public ServicePlaces(Admission admission, int answers, int atATime)
    {
        _admission = admission;
        _left = answers;
        AtATime = _held = admission.TakePlaces(Math.Min(answers, atATime));
    }

    /// <summary>How many answers may be asked for at a time: each has a place, and waits for nothing but its turn.</summary>
    public int AtATime { get; }

    /// <summary>An answer has ended, well or not.</summary>
    public void EndAnswer()
    {
        lock (_gate)
        {
            GiveUpTo(--_left);
        }
    }

    /// <summary>No further answer begins, and none runs.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            GiveUpTo(0);
        }
    }

    private void GiveUpTo(int needed)
    {
        if (_held > needed)
        {
            _admission.GiveUpPlaces(_held - needed);
            _held = needed;
        }
    }
}
