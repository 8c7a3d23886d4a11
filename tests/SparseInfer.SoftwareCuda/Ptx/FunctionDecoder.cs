using System.Runtime.InteropServices;
using SparseInfer.SoftwareCuda.Counting;
using SparseInfer.SoftwareCuda.Execution;
using SparseInfer.SoftwareCuda.Memory;

namespace SparseInfer.SoftwareCuda.Ptx;

/// <summary>Decodes an entry: registers get places, labels are resolved, calls are inlined.</summary>
internal sealed unsafe partial class FunctionDecoder(
    FunctionText entry,
    IReadOnlyList<PtxParameter> parameters,
    IReadOnlyDictionary<string, FunctionText> functions,
    IReadOnlyDictionary<string, Allocation> variables,
    IReadOnlyDictionary<string, Declaration> moduleShared)
{
    private const int MaxDepth = 64;

    private readonly List<Instruction> _code = [];
    private readonly List<string> _texts = [];
    private readonly List<string?> _sources = [];
    private readonly List<int[]> _reads = [];
    private readonly List<int[]> _writes = [];
    private readonly List<RegisterSlot> _registers = [];
    private readonly List<ConstantSlot> _constants = [];
    private readonly Dictionary<(ulong Value, bool Wide), int> _constantPlaces = [];
    private readonly Dictionary<string, int> _specials = new(StringComparer.Ordinal);
    private readonly List<(int Instruction, string Label, Frame Frame, int Line)> _branches = [];
    private readonly List<(int Instruction, string Label, Frame Frame, int Line)> _tables = [];
    private readonly Dictionary<string, int> _shared = new(StringComparer.Ordinal);
    private readonly List<Scope> _scopes = [];
    private readonly List<(int Offset, bool Wide, int Extra)> _dynamic = [];
    private int _registerBytes;
    private int _sharedBytes;
    private int _localBytes;
    private int _sink = -1;
    private int _depth;
    private bool _globalAtomics;
    private int _sharedShift = 2;
    private int _globalShift = 2;

    // Of the instruction that is being decoded.
    private readonly List<int> _reading = [];
    private readonly List<int> _writing = [];
    private Statement _statement = null!;
    private Frame _frame = null!;

    public DecodedProgram Decode()
    {
        foreach (Declaration variable in moduleShared.Values.Where(variable => variable.Bytes > 0))
        {
            DeclareShared(variable);
        }

        _frame = new Frame();
        Body(entry);
        _statement = new Statement(StatementKind.Instruction, "ret", entry.Line, null);
        _reading.Clear();
        _writing.Clear();
        Emit(new Instruction { Kind = InstructionKind.Exit, Class = InstructionClass.Branch, Predicate = -1 });
        foreach ((int instruction, string label, Frame frame, int line) in _branches)
        {
            CollectionsMarshal.AsSpan(_code)[instruction].Target = Resolve(label, frame, line);
        }

        var targets = new List<int[]>();
        foreach ((int instruction, string label, Frame frame, int line) in _tables)
        {
            if (!frame.Tables.TryGetValue(label, out string[]? labels))
            {
                throw new PtxException($"line {line}: no .branchtargets at label {label}", line);
            }

            CollectionsMarshal.AsSpan(_code)[instruction].Aux = targets.Count;
            targets.Add([.. labels.Select(each => Resolve(each, frame, line))]);
        }

        // Dynamic shared memory begins behind what is declared.
        int dynamicStart = (_sharedBytes + 15) / 16 * 16;
        for (int c = 0; c < _dynamic.Count; c++)
        {
            _constants.Add(new ConstantSlot(_dynamic[c].Offset, (ulong)(dynamicStart + _dynamic[c].Extra), _dynamic[c].Wide));
        }

        if (_dynamic.Count > 0)
        {
            _sharedBytes = dynamicStart;
        }

        var code = (Instruction*)NativeMemory.AlignedAlloc((nuint)(_code.Count * sizeof(Instruction)), 64);
        CollectionsMarshal.AsSpan(_code).CopyTo(new Span<Instruction>(code, _code.Count));
        var program = new DecodedProgram
        {
            Code = code,
            Count = _code.Count,
            Texts = [.. _texts],
            Sources = [.. _sources],
            Reads = [.. _reads],
            Writes = [.. _writes],
            IndexedTargets = [.. targets],
            Registers = _registers,
            Constants = _constants,
            Specials = _specials,
            RegisterBytes = Math.Max(_registerBytes, 256),
            SharedBytes = _sharedBytes,
            LocalBytes = (_localBytes + 15) / 16 * 16,
            Variables = [.. variables.Values],
            HasGlobalAtomics = _globalAtomics,
            SharedShift = _sharedShift,
            GlobalShift = _globalShift,
        };
        var blocks = new BasicBlocks(program);
        ExecutionOrder.Set(program, blocks);
        Liveness.MarkWatched(program, blocks);
        program.StoredParameters = StoreAnalysis.StoredParameters(program);
        return program;
    }

    private static int Resolve(string label, Frame frame, int line) =>
        frame.Labels.TryGetValue(label, out int target) ? target : throw new PtxException($"line {line}: there is no label {label}", line);

    private void Body(FunctionText function)
    {
        int scopes = _scopes.Count;
        _scopes.Add(new Scope());
        foreach (Statement statement in function.Body)
        {
            _statement = statement;
            switch (statement.Kind)
            {
                case StatementKind.Open:
                    _scopes.Add(new Scope());
                    break;
                case StatementKind.Close:
                    _scopes.RemoveAt(_scopes.Count - 1);
                    break;
                case StatementKind.Label:
                    _frame.Labels[statement.Text] = _code.Count;
                    _frame.LastLabel = statement.Text;
                    break;
                default:
                    if (statement.Text[0] == '.')
                    {
                        Declare(statement.Text);
                    }
                    else
                    {
                        DecodeInstruction(statement.Text);
                    }

                    break;
            }
        }

        _scopes.RemoveRange(scopes, _scopes.Count - scopes);
    }

    private void Declare(string text)
    {
        Scope scope = _scopes[^1];
        string first = text.Split([' ', '\t', '\n'], 2)[0];
        switch (first)
        {
            case ".reg":
                string[] words = text.Split([' ', '\t', '\n', ','], StringSplitOptions.RemoveEmptyEntries);
                int bytes = Declaration.TypeBytes(words[1].TrimStart('.'), _statement.Line);
                foreach (string name in words[2..])
                {
                    int range = name.IndexOf('<');
                    if (range >= 0)
                    {
                        scope.Ranges[name[..range]] = (Math.Max(bytes, words[1] == ".pred" ? 0 : 2), int.Parse(name[(range + 1)..^1]));
                    }
                    else
                    {
                        scope.Registers[name] = NewRegister(name, words[1] == ".pred" ? 0 : Math.Max(bytes, 2));
                    }
                }

                break;
            case ".branchtargets":
                string[] labels = text[first.Length..].Split(',', StringSplitOptions.TrimEntries);
                _frame.Tables[_frame.LastLabel] = labels;
                break;
            case ".shared":
                DeclareShared(Declaration.Parse(text, _statement.Line));
                break;
            case ".local" or ".param":
                Declaration variable = Declaration.Parse(text, _statement.Line);
                scope.Locals[variable.Name] = AllocateLocal(variable);
                break;
            case ".pragma":
                break;
            default:
                throw Unknown();
        }
    }

    private void DeclareShared(Declaration variable)
    {
        _sharedBytes = (_sharedBytes + variable.Alignment - 1) / variable.Alignment * variable.Alignment;
        _shared[variable.Name] = _sharedBytes;
        _sharedBytes += variable.Bytes;
    }

    private int AllocateLocal(Declaration variable)
    {
        _localBytes = (_localBytes + variable.Alignment - 1) / variable.Alignment * variable.Alignment;
        int offset = _localBytes;
        _localBytes += variable.Bytes;
        return offset;
    }

    private RegisterSlot NewRegister(string name, int bytes)
    {
        var slot = new RegisterSlot(_registers.Count, Row(bytes == 8 ? 256 : bytes == 0 ? 32 : 128), bytes, name);
        _registers.Add(slot);
        return slot;
    }

    private int Row(int bytes)
    {
        int offset = _registerBytes;
        _registerBytes += bytes;
        return offset;
    }

    private RegisterSlot? FindRegister(string name)
    {
        for (int s = _scopes.Count - 1; s >= 0; s--)
        {
            Scope scope = _scopes[s];
            if (scope.Registers.TryGetValue(name, out RegisterSlot? slot))
            {
                return slot;
            }

            int digits = name.Length;
            while (digits > 0 && char.IsAsciiDigit(name[digits - 1]))
            {
                digits--;
            }

            if (digits < name.Length && scope.Ranges.TryGetValue(name[..digits], out (int Bytes, int Count) range)
                && int.Parse(name[digits..]) < range.Count)
            {
                return scope.Registers[name] = NewRegister(name, range.Bytes);
            }

            if (scope.Frame)
            {
                break;
            }
        }

        return null;
    }

    private int? FindLocal(string name)
    {
        for (int s = _scopes.Count - 1; s >= 0; s--)
        {
            if (_scopes[s].Locals.TryGetValue(name, out int offset))
            {
                return offset;
            }

            if (_scopes[s].Frame)
            {
                break;
            }
        }

        return null;
    }

    private int Constant(ulong value, bool wide)
    {
        if (!wide)
        {
            value = (uint)value;
        }

        if (_constantPlaces.TryGetValue((value, wide), out int place))
        {
            return place;
        }

        place = Row(wide ? 256 : 128);
        _constantPlaces.Add((value, wide), place);
        _constants.Add(new ConstantSlot(place, value, wide));
        return place;
    }

    private int Sink() => _sink >= 0 ? _sink : _sink = Row(256);

    private void Emit(Instruction instruction)
    {
        instruction.Line = _statement.Line;
        if (_code.Count >= 1 << 20)
        {
            throw new PtxException($"line {_statement.Line}: more than a million instructions after calls were inlined", _statement.Line);
        }

        _code.Add(instruction);
        _texts.Add(_statement.Text);
        _sources.Add(_statement.Source);
        _reads.Add(Distinct(_reading));
        _writes.Add(Distinct(_writing));
    }

    private static int[] Distinct(List<int> registers) => registers.Count < 2 ? [.. registers] : [.. registers.Distinct()];

    private PtxException Unknown(string? more = null)
    {
        string text = System.Text.RegularExpressions.Regex.Replace(_statement.Text, @"\s+", " ");
        return new PtxException($"line {_statement.Line}: {more ?? "this instruction is not known"}: {text}", _statement.Line);
    }

    /// <summary>Names that are valid in one place and those within.</summary>
    private sealed class Scope
    {
        public Dictionary<string, RegisterSlot> Registers { get; } = new(StringComparer.Ordinal);

        public Dictionary<string, (int Bytes, int Count)> Ranges { get; } = new(StringComparer.Ordinal);

        public Dictionary<string, int> Locals { get; } = new(StringComparer.Ordinal);

        /// <summary>Whether it is a function's: what encloses it is the caller's.</summary>
        public bool Frame { get; init; }
    }

    /// <summary>A function at one place that it is inlined at.</summary>
    private sealed class Frame
    {
        public Dictionary<string, int> Labels { get; } = new(StringComparer.Ordinal);

        public Dictionary<string, string[]> Tables { get; } = new(StringComparer.Ordinal);

        public string LastLabel { get; set; } = "";

        /// <summary>The label behind it, for its returns; null for an entry.</summary>
        public string? End { get; init; }
    }
}
