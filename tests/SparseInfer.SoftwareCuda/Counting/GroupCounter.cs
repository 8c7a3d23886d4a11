using System.Numerics;
using System.Runtime.CompilerServices;
using SparseInfer.SoftwareCuda.Execution;
using SparseInfer.SoftwareCuda.Memory;
using SparseInfer.SoftwareCuda.Ptx;

namespace SparseInfer.SoftwareCuda.Counting;

/// <summary>Counts what the groups of one thread do. An access of a warp is counted as its lanes make it together.</summary>
internal sealed unsafe class GroupCounter
{
    private const int SectorBytes = 32;
    private const int Banks = 32;

    private readonly List<Part> _parts = [];
    private readonly Dictionary<string, MemoryCounters> _memory = new(StringComparer.Ordinal);
    private readonly long[] _instructions = new long[Enum.GetValues<InstructionClass>().Length];
    private readonly LaunchState _state;
    private readonly int _sharedBytes;
    private long _groups;
    private long _warps;
    private long _shuffles;
    private long _barriers;
    private long _idleLanes;
    private long _sharedAccesses;
    private long _bankConflicts;

    public GroupCounter(LaunchState state)
    {
        _state = state;
        Launch launch = state.Launch;
        _sharedBytes = launch.Function.SharedBytes + launch.DynamicSharedBytes;
        foreach (PtxParameter parameter in launch.Function.Parameters)
        {
            for (int offset = 0; offset + 8 <= parameter.Bytes && parameter.Offset + offset + 8 <= launch.Parameters.Length; offset += 8)
            {
                ulong address = BitConverter.ToUInt64(launch.Parameters, parameter.Offset + offset);
                if (state.Find(address) is Allocation allocation)
                {
                    _parts.Add(new Part(address, allocation.End, offset == 0 ? Name(parameter.Name) : $"{Name(parameter.Name)}+{offset}"));
                }
            }
        }

        _parts.Sort((one, other) => one.Start.CompareTo(other.Start));
    }

    public void Group(int warps)
    {
        _groups++;
        _warps += warps;
    }

    public void Barrier() => _barriers++;

    public void Instruction(InstructionClass @class, uint lanes)
    {
        _instructions[(int)@class]++;
        _idleLanes += 32 - BitOperations.PopCount(lanes);
    }

    public void Collective(InstructionClass @class)
    {
        if (@class == InstructionClass.Shuffle)
        {
            _shuffles++;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Global(ulong* addresses, uint mask, int bytes, bool store, AddressShape shape)
    {
        int lanes = shape.Lanes;
        MemoryCounters part = For(addresses[shape.First]);
        long sectors = Sectors(addresses, mask, bytes, shape);
        if (store)
        {
            part.Stores++;
            part.StoredBytes += (long)lanes * bytes;
            part.StoredSectors += sectors;
        }
        else
        {
            part.Loads++;
            part.LoadedBytes += (long)lanes * bytes;
            part.LoadedSectors += sectors;
            part.IdleLoadLanes += 32 - lanes;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Shared(ulong* addresses, uint mask, int bytes, AddressPattern pattern)
    {
        _sharedAccesses++;
        // One word goes to all lanes at once, and words side by side lie in banks of their own.
        if (pattern != AddressPattern.Scattered)
        {
            return;
        }

        // An access of 4 bytes serves the whole warp at once, 8 bytes half a warp, 16 bytes a quarter.
        int together = bytes <= 4 ? 32 : bytes <= 8 ? 16 : 8;
        ulong* words = stackalloc ulong[32 * 4];
        int* banks = stackalloc int[Banks];
        for (int first = 0; first < 32; first += together)
        {
            int count = 0;
            int passes = 0;
            new Span<int>(banks, Banks).Clear();
            for (int lane = first; lane < first + together; lane++)
            {
                if ((mask >> lane & 1) == 0)
                {
                    continue;
                }

                for (ulong word = addresses[lane] / 4; word <= (addresses[lane] + (ulong)bytes - 1) / 4; word++)
                {
                    if (new ReadOnlySpan<ulong>(words, count).Contains(word))
                    {
                        continue;
                    }

                    words[count++] = word;
                    passes = Math.Max(passes, ++banks[word % Banks]);
                }
            }

            _bankConflicts += Math.Max(passes - 1, 0);
        }
    }

    public void AddTo(LaunchCounters counters)
    {
        counters.Groups += _groups;
        counters.Warps += _warps;
        counters.Shuffles += _shuffles;
        counters.Barriers += _barriers;
        counters.IdleLanes += _idleLanes;
        counters.SharedAccesses += _sharedAccesses;
        counters.BankConflicts += _bankConflicts;
        counters.SharedBytesPerGroup = _sharedBytes;
        foreach ((string label, MemoryCounters part) in _memory)
        {
            counters.For(label).Add(part);
        }

        for (int c = 0; c < _instructions.Length; c++)
        {
            counters.Count((InstructionClass)c, _instructions[c]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static long Sectors(ulong* addresses, uint mask, int bytes, AddressShape shape)
    {
        if (shape.Pattern != AddressPattern.Scattered)
        {
            ulong start = addresses[shape.First];
            ulong end = start + (ulong)(shape.Pattern == AddressPattern.Uniform ? bytes : bytes * shape.Lanes);
            return (long)(((end - 1) / SectorBytes) - (start / SectorBytes) + 1);
        }

        Span<ulong> sectors = stackalloc ulong[64];
        int count = 0;
        bool sorted = true;
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            ulong first = addresses[BitOperations.TrailingZeroCount(rest)];
            ulong last = (first + (ulong)bytes - 1) / SectorBytes;
            for (ulong sector = first / SectorBytes; sector <= last; sector++)
            {
                if (count > 0 && sectors[count - 1] == sector)
                {
                    continue;
                }

                sorted &= count == 0 || sectors[count - 1] < sector;
                sectors[count++] = sector;
            }
        }

        if (sorted)
        {
            return count;
        }

        sectors[..count].Sort();
        int distinct = 1;
        for (int s = 1; s < count; s++)
        {
            distinct += sectors[s] != sectors[s - 1] ? 1 : 0;
        }

        return distinct;
    }

    private MemoryCounters For(ulong address)
    {
        for (int p = _parts.Count - 1; p >= 0; p--)
        {
            Part part = _parts[p];
            if (address >= part.Start && address < part.End)
            {
                return part.Counters ??= For(part.Label);
            }
        }

        return For("other");
    }

    private MemoryCounters For(string label)
    {
        if (!_memory.TryGetValue(label, out MemoryCounters? counters))
        {
            _memory.Add(label, counters = new MemoryCounters());
        }

        return counters;
    }

    /// <summary>ILGPU writes <c>_words_5933</c> for the parameter <c>words</c>.</summary>
    private static string Name(string name)
    {
        string trimmed = name.TrimStart('_');
        int end = trimmed.LastIndexOf('_');
        return end > 0 && trimmed[(end + 1)..].All(char.IsAsciiDigit) ? trimmed[..end] : trimmed;
    }

    /// <summary>What lies behind a pointer of the parameters, up to its allocation's end.</summary>
    private sealed class Part(ulong start, ulong end, string label)
    {
        public ulong Start { get; } = start;

        public ulong End { get; } = end;

        public string Label { get; } = label;

        public MemoryCounters? Counters { get; set; }
    }
}
