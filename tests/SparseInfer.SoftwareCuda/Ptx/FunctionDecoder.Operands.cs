using SparseInfer.SoftwareCuda.Execution;

namespace SparseInfer.SoftwareCuda.Ptx;

internal sealed unsafe partial class FunctionDecoder
{
    private void Need(List<string> operands, int count)
    {
        if (operands.Count != count)
        {
            throw Unknown($"{count} operands are needed and {operands.Count} are there");
        }
    }

    private int Destination(string text, char letter)
    {
        if (text == "_")
        {
            return Sink();
        }

        RegisterSlot slot = FindRegister(text) ?? throw Unknown($"there is no register {text}");
        CheckWidth(slot, letter);
        _writing.Add(slot.Index);
        return slot.Offset;
    }

    private int Source(string text, char letter, string type)
    {
        text = text.Trim();
        if (FindRegister(text) is RegisterSlot slot)
        {
            CheckWidth(slot, letter);
            _reading.Add(slot.Index);
            return slot.Offset;
        }

        bool wide = letter == 'd';
        if (Immediate.Is(text))
        {
            ulong value = Immediate.Parse(text, wide, _statement.Line);
            if (letter == 'p')
            {
                return Constant(value == 0 ? 0 : uint.MaxValue, wide); // a bit for each lane
            }

            return Constant(type.EndsWith("16", StringComparison.Ordinal) ? (ushort)value : value, wide);
        }

        if (text == "WARP_SZ")
        {
            return Constant(32, wide);
        }

        if (text.Length > 0 && text[0] == '%')
        {
            return Special(text, wide);
        }

        if (_shared.TryGetValue(text, out int shared))
        {
            return Constant((ulong)shared, wide);
        }

        if (FindLocal(text) is int local)
        {
            return Constant((ulong)local, wide);
        }

        if (variables.TryGetValue(text, out Memory.Allocation? variable))
        {
            return Constant((ulong)variable.Start, wide);
        }

        if (moduleShared.ContainsKey(text))
        {
            int place = Row(wide ? 256 : 128);
            _dynamic.Add((place, wide, 0));
            return place;
        }

        throw Unknown($"{text} is neither a register nor a variable");
    }

    private int Special(string name, bool wide)
    {
        if (!SpecialRegisters.IsKnown(name))
        {
            throw Unknown($"there is no register {name}");
        }

        string key = wide ? name + ":64" : name;
        if (!_specials.TryGetValue(key, out int place))
        {
            _specials.Add(key, place = Row(wide ? 256 : 128));
        }

        return place;
    }

    private void CheckWidth(RegisterSlot slot, char letter)
    {
        bool fits = letter switch { 'p' => slot.Bytes == 0, 'd' => slot.Bytes == 8, _ => slot.Bytes is 2 or 4 };
        // Loads of narrow types and conversions may fill a wider register.
        if (!fits && !(letter == 'w' && slot.Bytes == 8 && _statement.Text.Contains("cvt", StringComparison.Ordinal)))
        {
            throw Unknown($"the register {slot.Name} has another width");
        }
    }

    /// <summary>Operands at commas that no bracket or brace encloses.</summary>
    private static List<string> Split(string text)
    {
        var result = new List<string>();
        int depth = 0;
        int begin = 0;
        for (int c = 0; c < text.Length; c++)
        {
            if (text[c] is '(' or '[' or '{')
            {
                depth++;
            }
            else if (text[c] is ')' or ']' or '}')
            {
                depth--;
            }
            else if (text[c] == ',' && depth == 0)
            {
                result.Add(text[begin..c].Trim());
                begin = c + 1;
            }
        }

        if (text[begin..].Trim().Length > 0)
        {
            result.Add(text[begin..].Trim());
        }

        return result;
    }
}
