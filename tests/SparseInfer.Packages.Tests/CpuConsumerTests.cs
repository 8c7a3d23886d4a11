using System.Text.Json;

namespace SparseInfer.Packages.Tests;

/// <summary>A project that references SparseInfer.Runtime, and nothing that has to do with GPUs.</summary>
public sealed class CpuConsumerTests(PackedFeed feed)
{
    [Fact]
    public void Without_the_gpu_runtime_a_project_has_its_program_and_nothing_of_ilgpu()
    {
        ConsumerProject consumer = ConsumerProject.Built(feed, "SparseInfer.Runtime");

        string[] output = consumer.Run(tokens: 100, "cpu");
        output[0].ShouldBe("cpu: layer as declared");
        output[1].Length.ShouldBeGreaterThan(150);
        GoldenText().ShouldStartWith(output[1]);

        consumer.Generated.Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal).ShouldBe(
        [
            "Consumer.Layers.Mlp.Cpu.g.cs", "Consumer.Layers.Mlp.g.cs", "Consumer.TinyStories.Cpu.g.cs", "Consumer.TinyStories.g.cs",
            "FeedForward_48x80_Relu_F32.Cpu.g.cs", "FeedForward_64x172_Silu_F32.Cpu.g.cs",
        ]);
        foreach (string file in consumer.Generated)
        {
            File.ReadAllText(file).ShouldNotContain("ilgpu", Case.Insensitive, file);
        }

        consumer.Assets.ShouldNotContain("ilgpu", Case.Insensitive);
        consumer.Output.ShouldAllBe(file => !Path.GetFileName(file).Contains("ilgpu", StringComparison.OrdinalIgnoreCase));
        consumer.Output.Select(file => Path.GetFileName(file)).Where(name => name.EndsWith(".dll")).Order(StringComparer.Ordinal)
            .ShouldBe(["Consumer.dll", "SparseInfer.Dsl.dll", "SparseInfer.Kernels.Cpu.dll", "SparseInfer.Runtime.dll"]);

        // What is compiled ahead of time for x64 gets 256-bit kernels, unless the project says what it wants.
        const string Set = "IlcInstructionSet";
        consumer.Property(Set, "-p:PublishAot=true", "-p:RuntimeIdentifier=linux-x64").ShouldBe("x86-64-v3");
        consumer.Property(Set, "-p:PublishAot=true", "-p:RuntimeIdentifier=linux-x64", "-p:IlcInstructionSet=native").ShouldBe("native");
        consumer.Property(Set, "-p:PublishAot=true", "-p:RuntimeIdentifier=linux-arm64").ShouldBeEmpty();
        consumer.Property(Set, "-p:RuntimeIdentifier=linux-x64").ShouldBeEmpty();
    }

    /// <summary>What another implementation writes.</summary>
    internal static string GoldenText()
    {
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "golden.json")));
        return json.RootElement.GetProperty("cases").EnumerateArray()
            .Select(element => element.GetProperty("greedy_text").GetString()!).First(text => text.StartsWith("Once upon a time"));
    }
}
