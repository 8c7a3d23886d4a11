using SparseInfer.Files;

namespace SparseInfer.Runtime.Tests.Files;

/// <summary>The real models beside the tests, and ways to open bytes that are no file.</summary>
internal static class TestModels
{
    // Pinned arrays that opened models point into; a test process can afford to keep them.
    private static readonly List<byte[]> Kept = [];

    public static string StoriesRelu { get; } = Path.Combine(AppContext.BaseDirectory, "models", "stories-relu");

    public static string StoriesReluGguf { get; } = Path.Combine(StoriesRelu, "stories-relu.gguf");

    public static string StoriesReluSafetensors { get; } = Path.Combine(StoriesRelu, "model.safetensors");

    public static string Stories260KGguf { get; } = Path.Combine(AppContext.BaseDirectory, "models", "stories260K", "stories260K.gguf");

    /// <summary>Opens bytes as a file without neighbours.</summary>
    /// <param name="bytes">The file, or only its tables, where <paramref name="length"/> says that it goes on.</param>
    /// <param name="name">The name that messages give it.</param>
    /// <param name="length">The file's claimed size; what lies behind the bytes must not be touched then.</param>
    public static unsafe ModelFile Open(ReadOnlySpan<byte> bytes, string name, long? length = null)
    {
        byte[] pinned = GC.AllocateUninitializedArray<byte>(Math.Max(1, bytes.Length), pinned: true);
        bytes.CopyTo(pinned);
        lock (Kept)
        {
            Kept.Add(pinned);
        }

        fixed (byte* start = pinned)
        {
            return ModelFile.Open(new FileRegion(name, start, length ?? bytes.Length));
        }
    }

    /// <summary>The message of the error that opening these bytes gives.</summary>
    public static string Fault(byte[] bytes, string name, long? length = null)
    {
        var error = Should.Throw<ModelFormatException>(() => Open(bytes, name, length).Dispose());
        error.Path.ShouldBe(name);
        error.Message.ShouldStartWith(name + ": ");
        return error.Message;
    }
}
