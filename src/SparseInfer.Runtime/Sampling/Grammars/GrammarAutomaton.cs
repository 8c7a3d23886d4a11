using System.Runtime.InteropServices;

namespace SparseInfer.Sampling;

/// <summary>
/// Follows a text through a grammar, byte by byte, in all ways at once. Calls of one rule at one place of the text share what follows it (Tomita's
/// graph-structured stack), so that an ambiguous grammar costs a polynomial, not an exponential. States are found once: a grammar is a finite automaton as far as texts went. For
/// several threads, one at a time.
/// </summary>
/// <param name="program">The grammar.</param>
internal sealed class GrammarAutomaton(GrammarProgram program)
{
    /// <summary>Most ways to be followed at one place of a text.</summary>
    private const int MaxWork = 20_000;

    /// <summary>How much is kept, in the places, callers and bytes of states and stacks: some tens of megabytes. Then it begins anew: those in use stay.</summary>
    private const long MaxKept = 2_000_000;

    /// <summary>What a state or stack takes besides.</summary>
    private const int KeptEach = 8;

    /// <summary>States of which it is kept which tokens may follow: 10 MB with 160,000 tokens.</summary>
    private const int MaxMasks = 512;

    private readonly HashSet<GrammarState> _states = [];
    private readonly HashSet<GrammarStack> _stacks = [];
    private readonly List<GrammarCaller>?[] _callers = new List<GrammarCaller>?[program.RuleCount];
    private readonly PriorityQueue<int, int> _called = new();
    private readonly HashSet<GrammarPlace> _seen = [];
    private readonly Stack<GrammarPlace> _pending = [];
    private readonly List<GrammarPlace> _places = [];
    private readonly Queue<GrammarState> _masked = [];
    private GrammarState? _start;
    private long _stackCount;
    private long _kept;
    private int _work;
    private bool _mayEnd;

    /// <summary>What to hold while it is used.</summary>
    public Lock Gate { get; } = new();

    /// <summary>Where no text of the grammar goes.</summary>
    public GrammarState Dead { get; } = new([], mayEnd: false);

    /// <summary>Where texts begin.</summary>
    public GrammarState Start => _start ??= FindStart();

    /// <summary>Where a byte leads: to a dead state, where no text of the grammar goes on so.</summary>
    /// <exception cref="GrammarException">The text can be read in more ways than are followed.</exception>
    public GrammarState Next(GrammarState state, byte value)
    {
        int kind = program.ClassOf[value];
        state.Next ??= new GrammarState?[program.Representatives.Length];
        return state.Next[kind] ??= Find(state, program.Representatives[kind]);
    }

    /// <summary>Where bytes lead.</summary>
    /// <exception cref="GrammarException">The text can be read in more ways than are followed.</exception>
    public GrammarState Next(GrammarState state, ReadOnlySpan<byte> bytes)
    {
        foreach (byte value in bytes)
        {
            if (state.IsLast)
            {
                return Dead;
            }

            state = Next(state, value);
        }

        return state;
    }

    /// <summary>Keeps which tokens may follow a state.</summary>
    public void Keep(GrammarState state, ulong[] allowed)
    {
        state.Allowed = allowed;
        _masked.Enqueue(state);
        if (_masked.Count > MaxMasks)
        {
            _masked.Dequeue().Allowed = null;
        }
    }

    private GrammarState FindStart()
    {
        Begin();
        Call(program.Root, [new(-1, null)]);
        _mayEnd = program.IsEmptyAllowed;
        return Finish();
    }

    private GrammarState Find(GrammarState state, byte value)
    {
        Begin();
        foreach (GrammarPlace place in state.Places)
        {
            foreach (GrammarEdge edge in program.EdgesOf(place.Node))
            {
                if (edge.First <= value && value <= edge.Last && program.IsProductive(edge.Target))
                {
                    Reach(new(edge.Target, place.Stack));
                }
            }
        }

        return Finish();
    }

    private void Begin()
    {
        _work = 0;
        _mayEnd = false;
        _seen.Clear();
        _pending.Clear();
        _places.Clear();
        _called.Clear();
        Array.Clear(_callers);
    }

    private GrammarState Finish()
    {
        // What goes on behind rules that end here.
        while (_pending.TryPop(out GrammarPlace place))
        {
            GrammarClosure closure = program.ClosureOf(place.Node);
            Take(closure, place.Stack);
            foreach (GrammarCaller caller in closure.MayEnd ? place.Stack.Callers : [])
            {
                if (caller.Stack is null)
                {
                    _mayEnd = true;
                }
                else
                {
                    Reach(new(caller.Return, caller.Stack));
                }
            }
        }

        // Then the rules that begin here, each when all its callers are known.
        while (_called.TryDequeue(out int rule, out _))
        {
            Take(program.EntryOf(rule), StackOf(_callers[rule]!));
        }

        return StateOf();
    }

    private void Reach(GrammarPlace place)
    {
        Work();
        if (_seen.Add(place))
        {
            _pending.Push(place);
        }
    }

    private void Take(GrammarClosure closure, GrammarStack stack)
    {
        foreach (int node in closure.Bytes)
        {
            Work();
            _places.Add(new(node, stack));
        }

        foreach (GrammarCall call in closure.Calls)
        {
            Call(call.Rule, call.IsTail ? stack.Callers : [new(call.Return, stack)]);
        }
    }

    private void Call(int rule, ReadOnlySpan<GrammarCaller> callers)
    {
        ref List<GrammarCaller>? known = ref _callers[rule];
        if (known is null)
        {
            known = [];
            _called.Enqueue(rule, program.Order[rule]);
        }

        foreach (GrammarCaller caller in callers)
        {
            Work();
            known.Add(caller);
        }
    }

    private void Work()
    {
        if (++_work > MaxWork)
        {
            throw new GrammarException($"The text so far can be read in more than {MaxWork} ways: the grammar is too ambiguous. Write it so that the next characters tell which alternative it is.");
        }
    }

    private GrammarStack StackOf(List<GrammarCaller> callers)
    {
        callers.Sort();
        int count = Unique(CollectionsMarshal.AsSpan(callers));
        var stack = new GrammarStack([.. CollectionsMarshal.AsSpan(callers)[..count]]);
        if (_stacks.TryGetValue(stack, out GrammarStack? known))
        {
            return known;
        }

        stack.Id = ++_stackCount;
        _stacks.Add(stack);
        _kept += KeptEach + stack.Callers.Length;
        return stack;
    }

    private GrammarState StateOf()
    {
        _places.Sort(static (a, b) => a.Node != b.Node ? a.Node.CompareTo(b.Node) : a.Stack.Id.CompareTo(b.Stack.Id));
        int count = Unique(CollectionsMarshal.AsSpan(_places));
        var state = new GrammarState([.. CollectionsMarshal.AsSpan(_places)[..count]], _mayEnd) { Cost = _work + 1 };
        if (_states.TryGetValue(state, out GrammarState? known))
        {
            return known;
        }

        if (_kept > MaxKept)
        {
            // A state that is in use would hold all that were found from it.
            foreach (GrammarState each in _states)
            {
                each.Next = null;
            }

            _start = null;
            _kept = 0;
            _states.Clear();
            _stacks.Clear();
        }

        _states.Add(state);
        _kept += KeptEach + state.Places.Length + program.Representatives.Length;
        return state;
    }

    /// <summary>Moves what differs from the one before to the beginning.</summary>
    /// <returns>How many.</returns>
    private static int Unique<T>(Span<T> sorted)
        where T : IEquatable<T>
    {
        int count = 0;
        for (int i = 0; i < sorted.Length; i++)
        {
            if (count == 0 || !sorted[i].Equals(sorted[count - 1]))
            {
                sorted[count++] = sorted[i];
            }
        }

        return count;
    }
}
