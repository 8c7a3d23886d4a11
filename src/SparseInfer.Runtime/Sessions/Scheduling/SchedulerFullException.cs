namespace SparseInfer;

/// <summary>
/// A <see cref="BatchScheduler"/> has as many generations as it takes. Nothing was done; the call can be made again when another has ended. A
/// server answers it with status 429.
/// </summary>
/// <param name="message">How many there are, and what to change.</param>
public sealed class SchedulerFullException(string message) : InvalidOperationException(message);
