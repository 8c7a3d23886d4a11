using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace SparseInfer.Files;

/// <summary>GGUF's primitives, appended to a buffer: little-endian numbers, and UTF-8 with a 64-bit length before it.</summary>
internal static class GgufBufferExtensions
{
    extension(ArrayBufferWriter<byte> buffer)
    {
        public void Write(uint value)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(buffer.GetSpan(4), value);
            buffer.Advance(4);
        }

        public void Write(ulong value)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(buffer.GetSpan(8), value);
            buffer.Advance(8);
        }

        public void Write(string text)
        {
            int length = Encoding.UTF8.GetByteCount(text);
            buffer.Write((ulong)length);
            Encoding.UTF8.GetBytes(text, buffer.GetSpan(length));
            buffer.Advance(length);
        }
    }
}
