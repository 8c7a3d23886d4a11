using System.Text.RegularExpressions;
using SparseInfer.SoftwareCuda.Execution;
using SparseInfer.SoftwareCuda.Memory;

namespace SparseInfer.SoftwareCuda.Ptx;

/// <summary>A register: where it lies in a warp's registers. A predicate has 0 bytes.</summary>
internal sealed record RegisterSlot(int Index, int Offset, int Bytes, string Name);

/// <summary>A value that all lanes have, set once.</summary>
internal readonly record struct ConstantSlot(int Offset, ulong Value, bool Wide);

/// <summary>A function with its instructions decoded, calls inlined.</summary>
internal sealed unsafe class DecodedProgram
{
    /// <summary>In native memory, as long as the process lives: modules are cached.</summary>
    public required Instruction* Code { get; init; }

    public required int Count { get; init; }

    /// <summary>What each instruction was read from: <see cref="Text"/> shows it.</summary>
    public required string[] Texts { get; init; }

    public required string?[] Sources { get; init; }

    /// <summary>Registers that each instruction reads and writes, by index.</summary>
    public required int[][] Reads { get; init; }

    public required int[][] Writes { get; init; }

    public required int[][] IndexedTargets { get; init; }

    public required IReadOnlyList<RegisterSlot> Registers { get; init; }

    public required IReadOnlyList<ConstantSlot> Constants { get; init; }

    public required IReadOnlyDictionary<string, int> Specials { get; init; }

    public required int RegisterBytes { get; init; }

    public required int SharedBytes { get; init; }

    public required int LocalBytes { get; init; }

    /// <summary>Memory that the module brings.</summary>
    public required IReadOnlyList<Allocation> Variables { get; init; }

    /// <summary>Offsets of parameters whose pointers may be stored through; null: it cannot be told.</summary>
    public IReadOnlySet<int>? StoredParameters { get; set; }

    /// <summary>Groups run in order: the order of global atomics is seen in results.</summary>
    public required bool HasGlobalAtomics { get; init; }

    /// <summary>The narrowest access of shared and of global memory, at most 4, as a shift.</summary>
    public required int SharedShift { get; init; }

    public required int GlobalShift { get; init; }

    /// <summary>Registers that some path leaves unwritten where they are read.</summary>
    public HashSet<int> Doubtful { get; set; } = [];

    /// <summary>An instruction in one line.</summary>
    public string Text(int index) => Regex.Replace(Texts[index], @"\s+", " ");

    /// <summary>Where control goes after an instruction.</summary>
    public List<int> Successors(int index)
    {
        Instruction* i = Code + index;
        var successors = new List<int>();
        if (i->Kind == InstructionKind.Branch)
        {
            successors.Add(i->Target);
        }
        else if (i->Kind == InstructionKind.BranchIndexed)
        {
            successors.AddRange(IndexedTargets[i->Aux]);
        }

        bool ends = i->Kind is InstructionKind.Branch or InstructionKind.BranchIndexed or InstructionKind.Exit or InstructionKind.Trap;
        if ((!ends || i->Predicate >= 0) && index + 1 < Count)
        {
            successors.Add(index + 1);
        }

        return successors;
    }
}
