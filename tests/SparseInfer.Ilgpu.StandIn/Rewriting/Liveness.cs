using System.Reflection.Emit;

namespace SparseInfer.Ilgpu.StandIn.Rewriting;

/// <summary>Which local variables are read again after an instruction.</summary>
internal static class Liveness
{
    /// <summary>The locals that are live before each instruction.</summary>
    /// <remarks>Taking a local's address counts as reading it and never as writing: an address is not kept across a meeting,
    /// so whatever is read or written through it lies between the two meetings around it.</remarks>
    public static ulong[][] Before(MethodText text)
    {
        int count = text.Instructions.Count;
        int words = (text.Locals.Count + 63) / 64;
        var before = new ulong[count][];
        for (int index = 0; index < count; index++)
            before[index] = new ulong[words];
        bool changed = true;
        var live = new ulong[words];
        while (changed)
        {
            changed = false;
            for (int index = count - 1; index >= 0; index--)
            {
                var instruction = text.Instructions[index];
                Array.Clear(live);
                if (instruction.FallsThrough && index + 1 < count)
                    Join(live, before[index + 1]);
                foreach (int target in instruction.Targets)
                    Join(live, before[target]);
                if (instruction.Local("st") is >= 0 and var written)
                    live[written / 64] &= ~(1UL << (written % 64));
                else if (IsCleared(text, index) is >= 0 and var cleared)
                    live[cleared / 64] &= ~(1UL << (cleared % 64));
                else if (Read(instruction) is >= 0 and var read)
                    live[read / 64] |= 1UL << (read % 64);
                if (live.AsSpan().SequenceEqual(before[index]))
                    continue;
                live.CopyTo(before[index], 0);
                changed = true;
            }
        }

        return before;
    }

    public static bool Contains(ulong[] live, int local) => ((live[local / 64] >> (local % 64)) & 1) != 0;

    private static int Read(Instruction instruction) => Math.Max(instruction.Local("ld"), LocalAddress(instruction));

    /// <summary>The local that an address is taken of only to clear all of it.</summary>
    private static int IsCleared(MethodText text, int index) =>
        index + 1 < text.Instructions.Count && text.Instructions[index + 1].Code == OpCodes.Initobj
            ? LocalAddress(text.Instructions[index])
            : -1;

    private static int LocalAddress(Instruction instruction) =>
        instruction.Code == OpCodes.Ldloca || instruction.Code == OpCodes.Ldloca_S ? (int)instruction.Operand! : -1;

    private static void Join(ulong[] live, ulong[] other)
    {
        for (int word = 0; word < live.Length; word++)
            live[word] |= other[word];
    }
}
