namespace SparseInfer.Packages.Tests;

/// <summary>The same project with SparseInfer.Runtime.Ilgpu in the other's place.</summary>
public sealed class GpuConsumerTests(PackedFeed feed)
{
    /// <summary>ILGPU's CPU accelerator takes a thread for a lane.</summary>
    private int Tokens => feed.HasIlgpu ? 1 : 12;

    [Fact]
    public void With_the_gpu_runtime_it_has_the_gpu_program_too_and_that_writes_the_same()
    {
        ConsumerProject consumer = ConsumerProject.Built(feed, "SparseInfer.Runtime.Ilgpu");

        string device = feed.HasIlgpu ? "ilgpu-cpu" : "standin";
        string[] output = consumer.Run(Tokens, "cpu", device);
        output.Length.ShouldBe(4);
        output[0].ShouldBe("cpu: layer as declared");
        output[2].ShouldBe($"{device}: layer as declared");
        output[3].ShouldBe(output[1]);
        output[1].Length.ShouldBeGreaterThan("Once upon a time".Length);
        CpuConsumerTests.GoldenText().ShouldStartWith(output[1]);

        string[] programs = [.. consumer.Generated.Where(file => file.EndsWith("Ilgpu.g.cs"))];
        programs.Select(file => Path.GetFileName(file)).ShouldContain("Consumer.TinyStories.Ilgpu.g.cs");
        programs.Count(file => Path.GetFileName(file).StartsWith("FeedForward_", StringComparison.Ordinal)).ShouldBe(2);
        consumer.Output.Select(file => Path.GetFileName(file)).ShouldContain(feed.HasIlgpu ? "ILGPU.dll" : "SparseInfer.Ilgpu.StandIn.dll");
    }
}
