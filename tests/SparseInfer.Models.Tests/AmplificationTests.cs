using Models;
using SparseInfer.Files;

namespace SparseInfer.Models.Tests;

/// <summary>What refusing a file costs is bounded by the file, not by what it holds.</summary>
public sealed class AmplificationTests(LoadedModels models) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("general.architecture", 1)]
    [InlineData("general.name", 3)]
    [InlineData("llama.feed_forward.activation", 5)]
    [InlineData("llama.rope.scaling.type", 5)]
    [InlineData("tokenizer.ggml.model", 5)]
    [InlineData("tokenizer.chat_template", 3)]
    public void A_text_of_eight_megabytes_is_decoded_a_few_times_at_most(string key, int times)
    {
        string path = Copy(copy => copy.Without(key).Add(writer => writer.Add(key, new string('x', 8 << 20))));
        Tiny.Load(Write(), Device).Dispose(); // what is made once is made

        long before = GC.GetAllocatedBytesForCurrentThread();
        Attempt(path);

        // Twice the bytes, as UTF-16.
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBeLessThan(times * (17L << 20));
    }

    [Fact]
    public void A_quarter_of_a_million_tensors_without_a_place_cost_a_small_multiple_of_their_table()
    {
        string path = Write(
            writer =>
            {
                for (int i = 0; i < 250_000; i++)
                {
                    writer.AddTensor($"blk.{i}.fn_gates.weights", TensorType.Of(WeightType.F32), [1], new byte[4]);
                }

                return name => name.StartsWith("blk.0.", StringComparison.Ordinal) ? name + "s" : name;
            });
        long before = GC.GetAllocatedBytesForCurrentThread();
        Attempt(path).ShouldContain("is missing; the closest is");
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBeLessThan(8 * new FileInfo(path).Length);
    }

    private CpuDevice Device => models.Device(threads: 1);

    private string Attempt(string path)
    {
        try
        {
            Tiny.Load(path, Device).Dispose();
            return "";
        }
        catch (ModelFormatException error)
        {
            return error.Message;
        }
    }

    private string Write(Func<GgufWriter, Func<string, string>>? change = null)
    {
        File.WriteAllBytes(_folder.At("tiny.gguf"), TinyFiles.Gguf(WeightType.F16, change));
        return _folder.At("tiny.gguf");
    }

    private string Copy(Action<GgufCopy> change)
    {
        var copy = new GgufCopy();
        change(copy);
        return copy.Write(Write(), _folder.At("changed.gguf"));
    }
}
