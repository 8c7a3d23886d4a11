using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using SparseInfer.SoftwareCuda;

namespace SparseInfer.Cli.Tests;

/// <summary><c>sparseinfer inspect</c>: what it shows, and what it refuses.</summary>
public sealed partial class InspectTests
{
    [Theory]
    [InlineData("give either MODEL or --synthetic")]
    [InlineData("give either MODEL or --synthetic", "x.gguf", "--synthetic", "llama-2-7b")]
    [InlineData("there is no shape 'llama-3'", "--synthetic", "llama-3")]
    [InlineData("no-such-file.gguf", "no-such-file.gguf")]
    [InlineData("--weights goes with --synthetic", "x.gguf", "--weights", "f16")]
    [InlineData("there is no device 'orin-agx', orin-agx-32 is nearest; there is: default, xavier-nx-8,",
        "--synthetic", "llama-2-7b", "--device", "orin-agx")]
    [InlineData("there is no device 'foo'; there is: default, xavier-nx-8,", "--synthetic", "llama-2-7b", "--device", "foo")]
    [InlineData("--kernels and --code are two views", "--synthetic", "llama-2-7b", "--code", "--kernels")]
    [InlineData("--out goes with --code and --ptx", "--synthetic", "llama-2-7b", "--out", "x")]
    [InlineData("--sparsity goes with the modelled cost", "--synthetic", "llama-2-7b", "--kernels", "--sparsity", "0.5")]
    [InlineData("--json goes with the modelled cost and --kernels", "--synthetic", "llama-2-7b", "--code", "--json")]
    [InlineData("--sparsity takes a share", "--synthetic", "llama-2-7b", "--sparsity", "90")]
    [InlineData("--channels is about inputs with a threshold", "--synthetic", "llama-2-7b", "--channels", "0.4")]
    [InlineData("--policy goes with the modelled cost, --code and --ptx", "--synthetic", "llama-2-7b", "--kernels", "--policy", "Dense")]
    [InlineData("one model is shown: give one --policy", "--synthetic", "llama-2-7b", "--policy", "Dense", "--policy", "ExactSparsity")]
    [InlineData("--position takes a whole number", "--synthetic", "llama-2-7b", "--position", "-1")]
    [InlineData("--position 4096 is past the context, which holds 4096", "--synthetic", "llama-2-7b", "--position", "4096")]
    [InlineData("there is no architecture 'sm_35'; there is: sm_72, sm_87,", "--synthetic", "llama-2-7b", "--ptx", "sm_35")]
    public async Task Whatever_is_wrong_is_one_line_on_standard_error(string message, params string[] args)
    {
        (int code, string output, string error) = await RunAsync(args);

        code.ShouldBe(1);
        output.ShouldBeEmpty();
        error.ShouldStartWith("sparseinfer: ");
        error.ShouldContain(message);
        error.TrimEnd().ShouldNotContain('\n');
    }

    [Fact]
    public async Task Costs_are_called_modelled_and_a_predicted_token_costs_less()
    {
        (int code, string output, string error) = await RunAsync("--synthetic", "llama-2-7b", "--device", "orin-agx-64");

        code.ShouldBe(0, error);
        output.ShouldStartWith(
            "llama-2-7b, weights F16, on orin-agx-64 (sm_87): 16 multiprocessors, 204.8 GB/s, 64 GB shared with the CPU\n"
            + "MODELLED, NOT MEASURED: bytes / (204.8 GB/s x 0.85) + launches x 3.85 us, and docs/gpu-cost-model.md\n");
        output.ShouldContain("a token at position 512, 90% of the neurons inactive");
        output.ShouldContain("tokens/s, modelled");
        string last = output[output.IndexOf("tokens/s", StringComparison.Ordinal)..];
        double[] rates = [.. Number().Matches(last).Select(match => double.Parse(match.Value, CultureInfo.InvariantCulture))];
        rates.Length.ShouldBe(3);
        rates.ShouldBe(rates.Order());
        output.Split('\n').ShouldAllBe(line => line.Length <= 140);
    }

    [Theory]
    [InlineData("q4_k", 4.625)]
    [InlineData("q5_k", 5.625)]
    [InlineData("q6_k", 6.625)]
    public async Task Types_of_four_to_six_bits_take_little_more_on_a_device_than_in_a_file(string weights, double bits)
    {
        const long Matrices = (2L * 32000 * 4096) + (32L * ((4 * 4096 * 4096) + (3 * 4096 * 11008)));
        const long Signs = 32L * 11008 * 4096 / 8;
        (int code, string output, string error) = await RunAsync("--synthetic", "llama-2-7b", "--weights", weights, "--device", "sm_87", "--json");

        code.ShouldBe(0, error);
        using JsonDocument json = JsonDocument.Parse(output);
        json.RootElement.GetProperty("memory").GetProperty("weight_bytes").GetInt64().ShouldBe((long)(Matrices * bits / 8) + Signs);
    }

    /// <summary>All experts are in memory, with their signs; a token reads those that are chosen.</summary>
    [Fact]
    public async Task Of_experts_all_are_counted_as_memory_and_the_chosen_ones_as_bytes()
    {
        const long Expert = 3L * 1536 * 768;
        const long Routers = 32L * 32 * 1536 * sizeof(float);
        const long Attention = 2L * 1536 * (1536 + 256);
        (int code, string output, string error) = await RunAsync("--synthetic", "smallthinker-4b", "--weights", "f16", "--device", "sm_87", "--json");

        code.ShouldBe(0, error);
        using JsonDocument json = JsonDocument.Parse(output);
        json.RootElement.GetProperty("memory").GetProperty("weight_bytes").GetInt64()
            .ShouldBe((2 * ((151936L * 1536) + (32 * (Attention + (32 * Expert))))) + Routers + (32L * 32 * 768 * 1536 / 8));
        json.RootElement.GetProperty("modes")[0].GetProperty("parts").EnumerateArray()
            .Single(part => part.GetProperty("name").GetString() == "feed-forward weights").GetProperty("bytes").GetDouble().ShouldBe(2.0 * 32 * 4 * Expert);
    }

    [Fact]
    public async Task Channels_that_a_policy_leaves_out_are_taken_off()
    {
        double kept = await AttentionAsync("0.4") / await AttentionAsync("0");
        kept.ShouldBe(0.6, 1e-6);

        static async Task<double> AttentionAsync(string channels)
        {
            (int code, string output, string error) = await RunAsync(
                "--synthetic", "tinyllama-1.1b", "--policy", "Dense, InputThreshold(Heads = 0.1f, Output = 0.1f)", "--channels", channels, "--json");
            code.ShouldBe(0, error);
            using JsonDocument json = JsonDocument.Parse(output);
            return json.RootElement.GetProperty("modes")[2].GetProperty("parts").EnumerateArray()
                .Single(part => part.GetProperty("name").GetString() == "attention weights").GetProperty("bytes").GetDouble();
        }
    }

    [Fact]
    public async Task Json_has_the_parts_which_add_up()
    {
        (int code, string output, string error) = await RunAsync(
            "--synthetic", "tinyllama-1.1b", "--device", "sm_87", "--sparsity", "0.8", "--position", "7", "--weights", "q4_0", "--json");

        code.ShouldBe(0, error);
        using JsonDocument json = JsonDocument.Parse(output);
        JsonElement root = json.RootElement;
        root.GetProperty("modelled").GetBoolean().ShouldBeTrue();
        root.GetProperty("device").GetProperty("name").GetString().ShouldBe("orin-agx-64");
        root.GetProperty("position").GetInt32().ShouldBe(7);
        root.GetProperty("memory").GetProperty("fits").GetBoolean().ShouldBeTrue();
        JsonElement[] modes = [.. root.GetProperty("modes").EnumerateArray()];
        modes.Select(mode => mode.GetProperty("mode").GetString()).ShouldBe(["dense", "exact", "predicted"]);
        foreach (JsonElement mode in modes)
        {
            JsonElement[] parts = [.. mode.GetProperty("parts").EnumerateArray()];
            parts.Sum(part => part.GetProperty("bytes").GetDouble()).ShouldBe(mode.GetProperty("bytes").GetDouble(), 1);
            parts.Sum(part => part.GetProperty("microseconds").GetDouble()).ShouldBe(mode.GetProperty("microseconds").GetDouble(), 1e-3);
            mode.GetProperty("launches").GetInt32().ShouldBe((7 * 22) + 4);
        }
    }

    [Theory]
    [InlineData("llama-2-7b", "orin-nano-8", "f16", "does not fit, whatever the context: take a smaller weight type")]
    [InlineData("llama-2-13b", "orin-nx-16", "q8_0", "does not fit; a context of 3")]
    [InlineData("llama-2-7b", "orin-nx-16", "q8_0", "fits, beside what the CPU and the system take\n")]
    [InlineData("llama-2-7b", "rtx-3060", "q8_0", "fits\n")]
    public async Task Memory_is_compared(string shape, string device, string weights, string said)
    {
        (_, string output, _) = await RunAsync("--synthetic", shape, "--device", device, "--weights", weights);
        output.ShouldContain("GiB: " + said);
    }

    [Fact]
    public async Task A_file_is_read()
    {
        (int code, string output, string error) = await RunAsync(ToolProgram.Gguf, "--activation", "relu", "--device", "orin-nano-4");

        code.ShouldBe(0, error);
        output.ShouldContain("4 multiprocessors");
    }

    [Fact]
    public async Task Kernels_are_listed_with_their_launches_and_what_was_counted_in_them()
    {
        (int code, string output, string error) = await RunAsync(ToolProgram.Gguf, "--activation", "relu", "--kernels", "--json");

        code.ShouldBe(0, error);
        using JsonDocument json = JsonDocument.Parse(output);
        JsonElement[] kernels = [.. json.RootElement.GetProperty("kernels").EnumerateArray()];
        kernels.ShouldAllBe(kernel => kernel.GetProperty("threads").GetInt32() % 32 == 0);
        kernels.ShouldAllBe(kernel => kernel.GetProperty("shared_bytes").GetInt32() <= 48 * 1024);
        foreach (string mode in new[] { "dense", "exact", "predicted" })
        {
            kernels.Sum(kernel => kernel.GetProperty("launches").GetProperty(mode).GetInt32()).ShouldBe((7 * 6) + 4);
        }

        kernels.ShouldAllBe(kernel => kernel.GetProperty("estimated_registers").GetInt32() > 0);

        JsonElement[] counted = [.. json.RootElement.GetProperty("counters").GetProperty("kernels").EnumerateArray()];
        counted.Select(Name).ShouldBeSubsetOf(kernels.Select(Name));
        counted.Sum(kernel => kernel.GetProperty("launches").GetInt32()).ShouldBe(7 + 4);
        foreach (JsonElement kernel in counted)
        {
            kernel.GetProperty("bytes_asked").GetInt64().ShouldBeGreaterThan(0);
            kernel.GetProperty("sectors").GetInt64().ShouldBeGreaterThan(0);
            kernel.GetProperty("instructions_per16_bytes").GetDouble().ShouldBeGreaterThan(1);
            kernel.GetProperty("instructions_by_class").EnumerateObject().Sum(type => type.Value.GetInt64())
                .ShouldBe(kernel.GetProperty("instructions").GetInt64());
            kernel.GetProperty("instructions_by_class").GetProperty("global_load").GetInt64().ShouldBeGreaterThan(0);
        }
    }

    [Fact]
    public async Task Counters_are_shown_as_tables_too()
    {
        (int code, string output, string error) = await RunAsync("--synthetic", "tinyllama-1.1b", "--layers", "1", "--kernels");

        code.ShouldBe(0, error);
        output.ShouldContain("registers are estimated");
        output.ShouldContain("counted on the software CUDA device: one token of one layer, hidden 2048, 1408 neurons");
        string[] tables = output.Split("  kernel")[^2..];
        tables.ShouldAllBe(table => table.Contains("\n  SignBit "));
    }

    [Fact]
    public async Task A_device_that_fails_while_it_counts_is_one_line_that_says_where()
    {
        SoftwareCudaOptions options = SoftwareCudaBackend.Options;
        try
        {
            SoftwareCudaBackend.Options = options with { WhenOpened = software => software.Faults.FailLaunch = 3 };
            (int code, _, string error) = await RunAsync(ToolProgram.Gguf, "--activation", "relu", "--kernels");

            code.ShouldBe(1);
            string line = error.TrimEnd().Split('\n')[^1]; // the others tell what goes on
            line.ShouldStartWith("sparseinfer: Device 'cuda-software' failed: ");
            line.ShouldContain("its launch failed, on request");
            line.ShouldContain("open it and load again");
        }
        finally
        {
            SoftwareCudaBackend.Options = options;
        }
    }

    [Fact]
    public async Task Code_goes_to_a_folder_file_by_file()
    {
        string folder = Directory.CreateTempSubdirectory("sparseinfer-tests").FullName;
        try
        {
            (int code, string output, string error) = await RunAsync(
                ToolProgram.Gguf, "--activation", "relu", "--device", "orin-nano-4", "--code", "--out", folder);

            code.ShouldBe(0, error);
            string[] files = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            files.ShouldBe(Directory.GetFiles(folder), ignoreOrder: true);
            files.Select(Path.GetFileName).ShouldContain("FeedForward_256x1024_Relu_F16_Ilgpu_orin_nano_4.g.cs");
            (await RunAsync(ToolProgram.Gguf, "--activation", "relu", "--code", "--out", files[0])).Error
                .ShouldStartWith("sparseinfer: --out: ");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task Ptx_is_written_by_ilgpu()
    {
        (int code, string output, string error) = await RunAsync(ToolProgram.Gguf, "--activation", "relu", "--ptx", "sm_87");

        code.ShouldBe(0, error);
        output.ShouldContain(".target sm_80");
        output.ShouldContain("ld.global.v4.b32");
        output.ShouldContain("popc.b32");
        output.ShouldNotContain(".extern");
    }

    private static string? Name(JsonElement kernel) => kernel.GetProperty("name").GetString();

    private static async Task<(int Code, string Output, string Error)> RunAsync(params string[] args)
    {
        await using var output = new StringWriter();
        await using var error = new StringWriter();
        int code = await CommandLine.RunAsync(["inspect", .. args], output, error);
        return (code, output.ToString(), error.ToString());
    }

    [GeneratedRegex(@"\d+\.\d")]
    private static partial Regex Number();
}
