using System.Buffers;
using SparseInfer.Cli.Serve.Http;

namespace SparseInfer.Serve.Tests;

/// <summary>A long answer is written in parts, and sent as it was written.</summary>
public sealed class ReplyBytesTests
{
    [Fact]
    public void What_was_written_is_sent_part_by_part()
    {
        using var bytes = new ReplyBytes();
        var expected = new List<byte>();
        foreach (int length in (int[])[1, 4000, 0, 100, 70_000, 200_000, 3, 65_536])
        {
            byte[] part = [.. Enumerable.Range(length, length).Select(i => (byte)i)];
            expected.AddRange(part);
            bytes.Write(part);
        }

        bytes.Length.ShouldBe(expected.Count);
        var sent = new ArrayBufferWriter<byte>();
        int parts = 0;
        while (bytes.MoveTo(sent))
        {
            parts++;
        }

        parts.ShouldBeGreaterThan(2);
        bytes.Length.ShouldBe(0);
        sent.WrittenSpan.SequenceEqual(expected.ToArray()).ShouldBeTrue();
    }
}
