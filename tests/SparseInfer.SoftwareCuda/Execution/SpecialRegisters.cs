using SparseInfer.SoftwareCuda.Ptx;

namespace SparseInfer.SoftwareCuda.Execution;

/// <summary>Registers that tell a thread where it is.</summary>
internal static unsafe class SpecialRegisters
{
    private static readonly string[] Known =
    [
        "%tid.x", "%tid.y", "%tid.z", "%ntid.x", "%ntid.y", "%ntid.z", "%ctaid.x", "%ctaid.y", "%ctaid.z", "%nctaid.x", "%nctaid.y", "%nctaid.z",
        "%laneid", "%warpid", "%nwarpid", "%smid", "%nsmid", "%gridid", "%lanemask_eq", "%lanemask_le", "%lanemask_lt", "%lanemask_ge",
        "%lanemask_gt", "%dynamic_smem_size", "%total_smem_size",
    ];

    public static bool IsKnown(string name) => Known.Contains(name);

    /// <summary>Fills the rows that a program uses, for one warp of one group.</summary>
    public static void Fill(DecodedProgram program, Launch launch, byte* registers, int warp, (int X, int Y, int Z) group)
    {
        foreach ((string key, int offset) in program.Specials)
        {
            bool wide = key.EndsWith(":64", StringComparison.Ordinal);
            string name = wide ? key[..^3] : key;
            for (int lane = 0; lane < 32; lane++)
            {
                uint value = Value(program, launch, name, warp, lane, group);
                if (wide)
                {
                    ((ulong*)(registers + offset))[lane] = value;
                }
                else
                {
                    ((uint*)(registers + offset))[lane] = value;
                }
            }
        }
    }

    /// <summary>Fills what differs from group to group.</summary>
    public static void FillGroup(DecodedProgram program, byte* registers, (int X, int Y, int Z) group)
    {
        foreach ((string key, int offset) in program.Specials)
        {
            if (!key.StartsWith("%ctaid", StringComparison.Ordinal))
            {
                continue;
            }

            uint value = (uint)(key[7] switch { 'x' => group.X, 'y' => group.Y, _ => group.Z });
            if (key.EndsWith(":64", StringComparison.Ordinal))
            {
                new Span<ulong>(registers + offset, 32).Fill(value);
            }
            else
            {
                new Span<uint>(registers + offset, 32).Fill(value);
            }
        }
    }

    private static uint Value(DecodedProgram program, Launch launch, string name, int warp, int lane, (int X, int Y, int Z) group)
    {
        int thread = (warp * 32) + lane;
        Size3 size = launch.Group;
        return name switch
        {
            "%tid.x" => (uint)(thread % size.X),
            "%tid.y" => (uint)(thread / size.X % size.Y),
            "%tid.z" => (uint)(thread / size.X / size.Y),
            "%ntid.x" => (uint)size.X,
            "%ntid.y" => (uint)size.Y,
            "%ntid.z" => (uint)size.Z,
            "%ctaid.x" => (uint)group.X,
            "%ctaid.y" => (uint)group.Y,
            "%ctaid.z" => (uint)group.Z,
            "%nctaid.x" => (uint)launch.Grid.X,
            "%nctaid.y" => (uint)launch.Grid.Y,
            "%nctaid.z" => (uint)launch.Grid.Z,
            "%laneid" => (uint)lane,
            "%warpid" => (uint)warp,
            "%nwarpid" => (uint)((size.Count + 31) / 32),
            "%nsmid" => 1,
            "%lanemask_eq" => 1u << lane,
            "%lanemask_le" => uint.MaxValue >> (31 - lane),
            "%lanemask_lt" => (1u << lane) - 1,
            "%lanemask_ge" => uint.MaxValue << lane,
            "%lanemask_gt" => uint.MaxValue << lane << 1,
            "%dynamic_smem_size" => (uint)launch.DynamicSharedBytes,
            "%total_smem_size" => (uint)(launch.DynamicSharedBytes + program.SharedBytes),
            _ => 0,
        };
    }
}
