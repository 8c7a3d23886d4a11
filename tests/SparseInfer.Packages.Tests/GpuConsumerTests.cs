namespace SparseInfer.Packages.Tests;

/// <summary>The same project with SparseInfer.Runtime.Ilgpu in the other's place, and the software CUDA device beside it.</summary>
public sealed class GpuConsumerTests(PackedFeed feed)
{
    private const string Device = "cuda-software";

    /// <summary>No package has it: users have a GPU.</summary>
    private static readonly string SoftwareCuda = Path.Combine(
        PackedFeed.Repository, "tests", "SparseInfer.SoftwareCuda", "bin", PackedFeed.Configuration, PackedFeed.Framework.Name, "SparseInfer.SoftwareCuda.dll");

    [Fact]
    public void With_the_gpu_runtime_it_has_the_gpu_program_too_and_that_writes_the_same()
    {
        var consumer = new ConsumerProject(feed, "SparseInfer.Runtime.Ilgpu", reference: SoftwareCuda);
        consumer.AddSources("SoftwareDevice");
        consumer.BuiltWithoutAWarning();

        string[] output = consumer.Run(tokens: 12, "cpu", Device);
        output.Length.ShouldBe(4);
        output[0].ShouldBe("cpu: layer as declared");
        output[2].ShouldBe($"{Device}: layer as declared");
        output[3].ShouldBe(output[1]);
        output[1].Length.ShouldBeGreaterThan("Once upon a time".Length);
        CpuConsumerTests.GoldenText().ShouldStartWith(output[1]);

        string[] programs = [.. consumer.Generated.Where(file => file.EndsWith("Ilgpu.g.cs"))];
        programs.Select(file => Path.GetFileName(file)).ShouldContain("Consumer.TinyStories.Ilgpu.g.cs");
        programs.Count(file => Path.GetFileName(file).StartsWith("FeedForward_", StringComparison.Ordinal)).ShouldBe(2);
        consumer.Output.Select(file => Path.GetFileName(file)).ShouldContain("ILGPU.dll");
    }
}
