using System.Reflection;
using System.Reflection.Emit;

namespace SparseInfer.Ilgpu.StandIn.Rewriting;

/// <summary>What a method does with the address of an element: reads the element or a field of it, stores to one, or both.</summary>
internal sealed class AddressUses
{
    private readonly List<IReadOnlyList<FieldInfo>> _loads = [];
    private readonly List<(int Instruction, IReadOnlyList<FieldInfo> Fields)> _stores = [];

    private AddressUses()
    {
    }

    /// <summary>The fields that lead from the element to what is read, for each read.</summary>
    public IReadOnlyList<IReadOnlyList<FieldInfo>> Loads => _loads;

    /// <summary>The instructions that store, with the fields that lead from the element to the target.</summary>
    public IReadOnlyList<(int Instruction, IReadOnlyList<FieldInfo> Fields)> Stores => _stores;

    /// <summary>Methods of the element's own type that are called on it.</summary>
    public List<MethodBase> Calls { get; } = [];

    /// <summary>Follows the address that an instruction pushes.</summary>
    /// <exception cref="RuleException">The address goes somewhere that cannot be followed.</exception>
    public static AddressUses Of(MethodText text, int producer)
    {
        var uses = new AddressUses();
        var instruction = text.Instructions[producer];
        uses.Follow(text, producer, text.Depths[producer] - instruction.Pops(text.ReturnsValue), []);
        return uses;
    }

    private void Follow(MethodText text, int producer, int slot, IReadOnlyList<FieldInfo> fields)
    {
        for (int index = producer + 1; index < text.Instructions.Count; index++)
        {
            int depth = text.Depths[index];
            if (depth < 0)
                continue;
            var instruction = text.Instructions[index];
            if (depth <= slot)
                break;
            if (depth - instruction.Pops(text.ReturnsValue) > slot)
                continue;
            Consume(text, instruction, slot, depth - 1 - slot, fields);
            return;
        }

        throw Lost(text, text.Instructions[producer]);
    }

    private void Consume(MethodText text, Instruction instruction, int slot, int fromTop, IReadOnlyList<FieldInfo> fields)
    {
        string name = instruction.Code.Name!;
        if (instruction.Code == OpCodes.Dup)
        {
            Follow(text, instruction.Index, slot + 1, fields);
            Follow(text, instruction.Index, slot, fields);
        }
        else if (fromTop == 0 && (name.StartsWith("ldind", StringComparison.Ordinal) || instruction.Code == OpCodes.Ldobj))
        {
            _loads.Add(fields);
        }
        else if (fromTop == 0 && instruction.Code == OpCodes.Ldfld)
        {
            _loads.Add([.. fields, instruction.Field]);
        }
        else if (fromTop == 0 && instruction.Code == OpCodes.Ldflda)
        {
            Follow(text, instruction.Index, slot, [.. fields, instruction.Field]);
        }
        else if (fromTop == 1 && (name.StartsWith("stind", StringComparison.Ordinal) || instruction.Code == OpCodes.Stobj))
        {
            _stores.Add((instruction.Index, fields));
        }
        else if (fromTop == 0 && instruction.Code == OpCodes.Initobj)
        {
            _stores.Add((instruction.Index, fields));
        }
        else if (fromTop == 1 && instruction.Code == OpCodes.Stfld)
        {
            _stores.Add((instruction.Index, [.. fields, instruction.Field]));
        }
        else if (instruction.Method is { IsStatic: false } method && fromTop == method.GetParameters().Length)
        {
            // A method of the element's own type: a property, an operator's instance form. It reads.
            _loads.Add(fields);
            Calls.Add(method);
        }
        else
        {
            throw Lost(text, instruction);
        }
    }

    private static RuleException Lost(MethodText text, Instruction at) => new(
        $"{text.Method.Name}, {at}: the address of a view's element is kept or passed on; load the element, or store to it, at once");
}
