using System.Runtime.InteropServices;

namespace SparseInfer.Runtime.Ilgpu.Tests;

/// <summary>The device's layout of weights, written down a second time.</summary>
internal static class Layout
{
    /// <summary>A row's quants and scales; of plain types the row itself.</summary>
    public static (byte[] Words, ushort[] Scales) Split(WeightType type, byte[] row)
    {
        int blockBytes = type switch { WeightType.Q8_0 => 34, WeightType.Q4_0 => 18, _ => 0 };
        if (blockBytes == 0)
        {
            return (row, []);
        }

        byte[][] blocks = [.. row.Chunk(blockBytes)];
        return ([.. blocks.SelectMany(block => block.Skip(2))], [.. blocks.Select(block => MemoryMarshal.Read<ushort>(block))]);
    }

    /// <summary>The integers that quants stand for, column by column.</summary>
    public static float[] Quants(WeightType type, byte[] words) => type == WeightType.Q8_0
        ? [.. words.Select(value => (float)(sbyte)value)]
        : [.. words.Chunk(16).SelectMany(block => block.Select(value => (value & 15) - 8f).Concat(block.Select(value => (value >> 4) - 8f)))];
}
