using SparseInfer.SoftwareCuda.Counting;
using SparseInfer.SoftwareCuda.Execution;

namespace SparseInfer.SoftwareCuda.Ptx;

internal sealed unsafe partial class FunctionDecoder
{
    /// <summary>A call's body takes its place; parameters are variables in local memory.</summary>
    private void Call(Instruction i, string text)
    {
        List<string> operands = Split(text);
        bool returns = operands.Count > 1 && operands[0][0] == '(';
        int place = returns ? 1 : 0;
        if (!functions.TryGetValue(operands[place], out FunctionText? function))
        {
            throw Unknown($"there is no function {operands[place]}; calls by pointer and functions of other modules are not known");
        }

        List<string> results = returns ? Split(operands[0][1..^1]) : [];
        List<string> arguments = operands.Count > place + 1 ? Split(operands[place + 1].Trim()[1..^1]) : [];
        if (results.Count != function.Returns.Count || arguments.Count != function.Parameters.Count)
        {
            throw Unknown($"{function.Name} takes {function.Parameters.Count} arguments and gives {function.Returns.Count} results");
        }

        if (++_depth > MaxDepth)
        {
            throw Unknown("calls are inlined, and these go deeper than 64: recursion is not executed");
        }

        string behind = $"behind call {_code.Count}";
        int skip = -1;
        Frame caller = _frame;
        if (i.Predicate >= 0)
        {
            // Lanes without the call go round it.
            skip = _code.Count;
            i.PredicateNegated = !i.PredicateNegated;
            i.Kind = InstructionKind.Branch;
            i.Class = InstructionClass.Branch;
            _branches.Add((skip, behind, caller, _statement.Line));
            Emit(i);
        }

        var scope = new Scope { Frame = true };
        for (int a = 0; a < arguments.Count; a++)
        {
            scope.Locals[function.Parameters[a].Name] = FindLocal(arguments[a]) ?? throw Unknown($"there is no variable {arguments[a]}");
        }

        for (int r = 0; r < results.Count; r++)
        {
            scope.Locals[function.Returns[r].Name] = FindLocal(results[r]) ?? throw Unknown($"there is no variable {results[r]}");
        }

        Statement statement = _statement;
        _frame = new Frame { End = behind };
        _scopes.Add(scope);
        Body(function);
        _scopes.RemoveAt(_scopes.Count - 1);
        _frame.Labels[behind] = _code.Count;
        caller.Labels[behind] = _code.Count;
        _frame = caller;
        _statement = statement;
        _depth--;
    }
}
