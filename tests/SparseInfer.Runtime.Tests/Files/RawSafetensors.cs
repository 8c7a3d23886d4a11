using System.Text;

namespace SparseInfer.Runtime.Tests.Files;

/// <summary>Composes the bytes of a safetensors file without any check.</summary>
internal static class RawSafetensors
{
    public static byte[] Build(string header, int dataBytes = 0)
    {
        byte[] json = Encoding.UTF8.GetBytes(header);
        return [.. BitConverter.GetBytes((ulong)json.Length), .. json, .. new byte[dataBytes]];
    }

    public static string Tensor(string name, string dtype, string shape, long begin, long end) =>
        $$"""
        "{{name}}": {"dtype": "{{dtype}}", "shape": {{shape}}, "data_offsets": [{{begin}}, {{end}}]}
        """;
}
