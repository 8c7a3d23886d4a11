namespace SparseInfer.SoftwareCuda.Driver;

/// <summary>
/// What was enqueued on a context's streams and is not done yet. That is nothing, as long as work is not deferred. A stream that waits for the
/// default one has its place in the default one's order; others (CU_STREAM_NON_BLOCKING) have their own.
/// </summary>
internal sealed class WorkQueues(DriverContext context)
{
    private readonly LinkedList<(DriverStream? Stream, Action Work)> _pending = new();

    /// <summary>Does something when its turn comes: at once, unless work is deferred.</summary>
    /// <param name="stream">Null: the default stream.</param>
    /// <param name="work">What; its exceptions are the context's failure.</param>
    public void Enqueue(DriverStream? stream, Action work)
    {
        if (context.Settings.Faults.DeferWork)
        {
            _pending.AddLast((stream, work));
            return;
        }

        Finish(stream);
        Do(work);
    }

    /// <summary>Does what was enqueued on a stream.</summary>
    /// <param name="stream">Null: the default stream.</param>
    /// <param name="until">No more than what makes this true.</param>
    public void Finish(DriverStream? stream, Func<bool>? until = null) => Finish(item => Order(item) == Order(stream), until);

    /// <summary>Does everything, in the order in which it was enqueued.</summary>
    public void FinishAll() => Finish(static _ => true, null);

    /// <summary>Does something now, in a context that is well.</summary>
    /// <param name="work">What; its exceptions are the context's failure.</param>
    public void Do(Action work)
    {
        if (context.Failure != CuResult.Success)
        {
            return;
        }

        try
        {
            work();
        }
        catch (KernelFaultException fault)
        {
            context.Fail(fault);
        }
        catch (Exception exception)
        {
            context.Fail(CuResult.LaunchFailed, $"The software device itself failed: {exception}");
        }
    }

    /// <summary>Forgets what is not done.</summary>
    public void Clear() => _pending.Clear();

    private static DriverStream? Order(DriverStream? stream) => stream is { IsNonBlocking: true } ? stream : null;

    private void Finish(Predicate<DriverStream?> belongs, Func<bool>? until)
    {
        for (LinkedListNode<(DriverStream? Stream, Action Work)>? node = _pending.First, next; node is not null; node = next)
        {
            next = node.Next;
            if (until?.Invoke() == true)
            {
                return;
            }

            if (belongs(node.Value.Stream))
            {
                _pending.Remove(node);
                Do(node.Value.Work);
            }
        }
    }
}

/// <summary>A stream; the default one has no object.</summary>
internal sealed class DriverStream(DriverContext context, bool isNonBlocking)
{
    public DriverContext Context => context;

    /// <summary>Whether it goes its own way beside the default stream.</summary>
    public bool IsNonBlocking => isNonBlocking;
}
