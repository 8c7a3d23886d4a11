namespace SparseInfer.Sampling;

/// <summary>An order of rules in which each comes before those that it may begin with; there is none where a rule begins with itself.</summary>
internal static class GrammarOrder
{
    /// <summary>Finds it, without recursion: a grammar may have many rules.</summary>
    /// <param name="rules">The rules.</param>
    /// <param name="beginsWith">The rules that one may begin with.</param>
    /// <returns>Each rule's place.</returns>
    /// <exception cref="GrammarException">A rule is left-recursive.</exception>
    public static int[] Of(GrammarRules rules, Func<int, int[]> beginsWith)
    {
        int[] place = new int[rules.Count];
        var state = new Visit[rules.Count];
        int next = rules.Count;
        var path = new Stack<(int Rule, int[] Callees, int At)>();
        for (int rule = 0; rule < rules.Count; rule++)
        {
            if (state[rule] == Visit.None)
            {
                Enter(rule);
            }

            while (path.TryPop(out (int Rule, int[] Callees, int At) top))
            {
                if (top.At == top.Callees.Length)
                {
                    state[top.Rule] = Visit.Done;
                    place[top.Rule] = --next;
                    continue;
                }

                int callee = top.Callees[top.At];
                path.Push(top with { At = top.At + 1 });
                if (state[callee] == Visit.Open)
                {
                    throw Recursive(callee);
                }

                if (state[callee] == Visit.None)
                {
                    Enter(callee);
                }
            }
        }

        return place;

        void Enter(int rule)
        {
            state[rule] = Visit.Open;
            path.Push((rule, beginsWith(rule), 0));
        }

        GrammarException Recursive(int rule)
        {
            IEnumerable<string> round = path.Select(step => step.Rule).TakeWhile(step => step != rule).Reverse().Select(step => $"'{rules[step].Name}'");
            string way = string.Join(", which begins with ", round.Take(4).Append($"'{rules[rule].Name}'"));
            return new GrammarException(
                $"The rule '{rules[rule].Name}' begins with {way}: left recursion. Write the repetition behind, as in item (\",\" item)*.", rules[rule].Line, rules[rule].Column);
        }
    }

    private enum Visit : byte
    {
        None,
        Open,
        Done,
    }
}
