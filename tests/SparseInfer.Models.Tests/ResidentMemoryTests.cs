using System.Globalization;
using Models;
using SparseInfer.Files;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Models.Tests;

/// <summary>What a loaded model keeps in memory: nothing twice.</summary>
public sealed class ResidentMemoryTests(LoadedModels models) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_file_pages_of_a_matrix_that_was_copied_are_given_back()
    {
        if (!File.Exists("/proc/self/smaps"))
        {
            return; // only Linux tells what is resident of a mapping, and only there pages are given back
        }

        string path = _folder.At("model.gguf");
        File.Copy(BundledFiles.ReluGguf, path);
        long size = new FileInfo(path).Length;
        using (ReluF16 model = ReluF16.Load(path, Device))
        {
            // A neighbour's first use maps a few pages around it again, up to 64 KiB on either side.
            const long down = 6 * 256 * 1024 * 2;
            const long around = 6 * 2 * 64 * 1024;
            ResidentBytes(path).ShouldBeInRange((size - down) * 9 / 10, size - down + around);
        }

        string prepared = PreparedCopy.Write(BundledFiles.ReluGguf, _folder.At("prepared.gguf"));
        using ReluF16 mapped = ReluF16.Load(prepared, Device);
        ResidentBytes(prepared).ShouldBeGreaterThan(new FileInfo(prepared).Length * 9 / 10);
    }

    [Fact]
    public void The_memory_of_a_matrix_that_was_copied_is_freed_and_only_that()
    {
        using ModelFile source = ModelFile.Open(BundledFiles.ReluGguf);
        TensorInMemory[] tensors = MemoryCopy.Tensors(source);
        using ReluF16 model = ReluF16.Load(MemoryCopy.Of(source, tensors), Device);
        tensors.ShouldAllBe(tensor => IsFreed(tensor.Bytes) == tensor.Name.Contains("ffn_down"));
    }

    [Fact]
    public void The_memory_of_converted_weights_is_freed()
    {
        using ModelFile source = ModelFile.Open(BundledFiles.ReluGguf);
        TensorInMemory[] tensors = MemoryCopy.Tensors(source);
        using ReluF32 model = ReluF32.Load(MemoryCopy.Of(source, tensors), Device);
        tensors.ShouldAllBe(tensor => IsFreed(tensor.Bytes) == (tensor.Shape.Count == 2));
        using Session session = model.CreateSession();
        session.Forward([1]).Length.ShouldBe(512);
    }

    private CpuDevice Device => models.Device(threads: 1);

    private static bool IsFreed(NativeBuffer buffer)
    {
        try
        {
            return buffer.Address == 0;
        }
        catch (ObjectDisposedException)
        {
            return true;
        }
    }

    private static long ResidentBytes(string file)
    {
        long bytes = 0;
        bool inside = false;
        foreach (string line in File.ReadLines("/proc/self/smaps"))
        {
            string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words[0].Contains('-'))
            {
                inside = line.EndsWith(file, StringComparison.Ordinal);
            }
            else if (inside && words[0] == "Rss:")
            {
                bytes += long.Parse(words[1], CultureInfo.InvariantCulture) * 1024;
            }
        }

        return bytes;
    }
}
