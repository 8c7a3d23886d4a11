using System.Runtime.InteropServices;

namespace SparseInfer.Cli;

/// <summary>
/// Ctrl-C, and whatever else asks a program to end: the first signal cancels; a second one, or two seconds later the first, ends the
/// process where it stands. What is half written is removed either way.
/// </summary>
internal sealed class TerminationSignals : IDisposable
{
    private readonly CancellationTokenSource _cancellation = new();
    private readonly List<PosixSignalRegistration> _registrations = [];
    private readonly Timer _timer;

    /// <summary>A prompt that is being computed, or a disk that is being waited for, is not waited for longer.</summary>
    private TimeSpan _patience = TimeSpan.FromSeconds(2);
    private int _exitCode;
    private Func<bool>? _interrupted;

    public TerminationSignals()
    {
        _timer = new Timer(_ => Environment.Exit(_exitCode));
        foreach ((PosixSignal signal, int number) in Signals())
        {
            _registrations.Add(PosixSignalRegistration.Create(signal, context =>
            {
                context.Cancel = true;
                if (signal != PosixSignal.SIGINT || _interrupted?.Invoke() != true)
                {
                    End(128 + number);
                }
            }));
        }
    }

    /// <summary>Canceled by the first signal.</summary>
    public CancellationToken Token => _cancellation.Token;

    /// <summary>The exit code of a program that the signal has ended: 130 after Ctrl-C.</summary>
    public int ExitCode => _exitCode;

    /// <summary>Lets a command that goes on after Ctrl-C have it.</summary>
    /// <param name="interrupted">Whether it ended something of the command; if not, the signal ends the program.</param>
    public void HandInterruptsTo(Func<bool> interrupted) => _interrupted = interrupted;

    /// <summary>Lets a command that ends what it has begun, as a server does, have more time for it.</summary>
    /// <param name="patience">From the first signal until the process ends where it stands.</param>
    public void WaitFor(TimeSpan patience) => _patience = patience;

    public void Dispose()
    {
        // The token source and the timer stay usable: a signal may be on its way.
        _registrations.ForEach(registration => registration.Dispose());
        _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Those that ask for an end. The runtime leaves one ignored that the process was started to ignore, as by <c>nohup</c>.</summary>
    private static IEnumerable<(PosixSignal Signal, int Number)> Signals()
    {
        yield return (PosixSignal.SIGHUP, 1);
        yield return (PosixSignal.SIGINT, 2);
        yield return (PosixSignal.SIGQUIT, 3);
        yield return (PosixSignal.SIGTERM, 15);
        if (!OperatingSystem.IsWindows())
        {
            // SIGXCPU: a batch system's limit on processor time.
            yield return ((PosixSignal)24, 24);
        }
    }

    private void End(int exitCode)
    {
        if (Interlocked.CompareExchange(ref _exitCode, exitCode, 0) != 0)
        {
            Environment.Exit(_exitCode);
        }

        _timer.Change(_patience, Timeout.InfiniteTimeSpan);
        _cancellation.Cancel();
    }
}
