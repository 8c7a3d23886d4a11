using System.Globalization;
using SparseInfer.Files;
using SparseInfer.Runtime.Tests.Files;

namespace SparseInfer.Cli.Tests.HostileFiles;

/// <summary>Whatever a file holds, a command works, or says on one line what is wrong with it; and no fault is the tool's own.</summary>
public sealed class HostileFileTests : IDisposable
{
    private const string Hostile = "\u001b[31mred\r\n\u202egpj\u2028";

    private readonly string _folder = Directory.CreateTempSubdirectory("sparseinfer-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>Sparse files: they claim gigabytes, and have a page.</summary>
    [Theory]
    [InlineData("blk.0.ffn_gate.weight", 1L << 30, 1L, "rows of 1073741824 elements")]
    [InlineData("blk.0.ffn_down.weight", 1L << 30, 1L, "rows of 1073741824 elements")]
    [InlineData("blk.0.ffn_gate.weight", 1L, 1L << 30, "larger than any model's")]
    [InlineData("blk.0.ffn_down.weight", 1L, 1L << 30, "larger than any model's")]
    [InlineData("blk.0.ffn_gate.weight", 1L, int.MaxValue, "larger than any model's")]
    [InlineData("blk.0.ffn_gate.weight", (1L << 26) + 1, 2L, "rows of 67108865 elements")]
    public async Task A_matrix_larger_than_any_models_is_one_error(string name, long columns, long rows, string expected)
    {
        if (OperatingSystem.IsWindows())
        {
            return; // files are not sparse there unless they are told to be
        }

        string path = WriteSparse(name, columns, rows);
        foreach (string[] args in new[] { [], (string[])["--weights", "f16"], ["--weights", "q4_0"], ["--up-signs"] })
        {
            string error = await Fails(["convert", path, At("out.gguf"), .. args]);
            error.ShouldContain($"tensor '{name}'");
            error.ShouldContain(expected);
        }

        await Fails(["inspect", path, "--activation", "relu"]);
        await Fails(["declare", path, "--activation", "relu"]);
        Directory.GetFileSystemEntries(_folder).ShouldHaveSingleItem();
    }

    [Fact]
    public async Task Text_of_a_file_comes_out_cut_and_escaped()
    {
        byte[] sound = File.ReadAllBytes(ToolProgram.Gguf);
        foreach (string key in new[] { "general.architecture", "llama.feed_forward.activation", "general.name", "sparseinfer.prepared", "" })
        {
            string path = At("hostile.gguf");
            using (ModelFile file = ModelFile.Open(ToolProgram.Gguf))
            {
                var writer = new GgufWriter();
                foreach (string stored in file.Metadata.Keys.Where(stored => stored != key))
                {
                    writer.Copy(file.Metadata, stored);
                }

                if (key.Length > 0)
                {
                    writer.Add(key, key == "general.architecture" ? Hostile : Hostile + new string('x', 1 << 20));
                }

                foreach (TensorInfo tensor in file.Tensors)
                {
                    bool renamed = key.Length == 0 && tensor.Name == "blk.0.ffn_down.weight";
                    writer.AddTensor(tensor, renamed ? Hostile + new string('x', 60_000) + ".weight" : null);
                }

                writer.Save(path);
            }

            await Run(["inspect", path]);
            await Run(["inspect", path, "--activation", "relu", "--json"]);
            await Run(["declare", path]);
            await Run(["convert", path, At("out.gguf"), "--force"]);
        }
    }

    [Fact]
    public async Task Damaged_files_are_converted_or_give_one_line()
    {
        byte[] sound = Short();
        var fields = new GgufFields(sound);
        var mutator = new Mutator(sound, fields.HeaderLength, fields.All);
        int converted = 0;
        for (int seed = 0; seed < 400; seed++)
        {
            mutator.Mutate(new Random(seed));
            File.WriteAllBytes(At("damaged.gguf"), mutator.Bytes);
            string[] args = (seed % 4) switch { 0 => [], 1 => ["--weights", "f16"], 2 => ["--weights", "q8_0", "--up-signs"], _ => ["--weights", "f32"] };
            converted += await Run(["convert", At("damaged.gguf"), At("out.gguf"), "--force", .. args], $"seed {seed}") == 0 ? 1 : 0;
        }

        converted.ShouldBeInRange(40, 360);
    }

    [Fact]
    public async Task Damaged_files_are_declared_or_give_one_line()
    {
        byte[] sound = File.ReadAllBytes(ToolProgram.Gguf);
        var fields = new GgufFields(sound);
        var mutator = new Mutator(sound, fields.HeaderLength, [.. fields.All.Where(field => field.Offset < 1200 || field.Offset > fields.HeaderLength - 3000)])
        {
            ShareOfShifts = 0.2,
        };
        int declared = 0;
        for (int seed = 0; seed < 150; seed++)
        {
            mutator.Mutate(new Random(seed));
            File.WriteAllBytes(At("damaged.gguf"), mutator.Bytes);
            declared += await Run(["declare", At("damaged.gguf"), "--activation", "relu"], $"seed {seed}") == 0 ? 1 : 0;
            if (seed % 2 == 0)
            {
                await Run(["inspect", At("damaged.gguf"), "--activation", "relu"], $"seed {seed}");
            }
        }

        declared.ShouldBeInRange(15, 135);
    }

    /// <summary>Numbers that a file may claim of itself, in turn: what is made of them must not overflow.</summary>
    [Theory]
    [InlineData("llama.embedding_length")]
    [InlineData("llama.block_count")]
    [InlineData("llama.context_length")]
    [InlineData("llama.attention.head_count")]
    [InlineData("llama.attention.head_count_kv")]
    [InlineData("llama.attention.key_length")]
    [InlineData("llama.rope.dimension_count")]
    [InlineData("llama.rope.freq_base")]
    [InlineData("llama.rope.scaling.factor")]
    [InlineData("llama.attention.layer_norm_rms_epsilon")]
    public async Task A_number_may_be_any(string key)
    {
        using ModelFile file = ModelFile.Open(ToolProgram.Gguf);
        foreach (double number in new[] { 0, 1, 3, -1, 65_537, int.MaxValue - 1, int.MaxValue, 1e15, 1e300, double.NaN, double.PositiveInfinity, 1e-300 })
        {
            var writer = new GgufWriter();
            foreach (string stored in file.Metadata.Keys.Where(stored => stored != key))
            {
                writer.Copy(file.Metadata, stored);
            }

            if (Math.Abs(number) < 1e18 && number == Math.Floor(number) && !key.Contains("freq") && !key.Contains("factor") && !key.Contains("epsilon"))
            {
                writer.Add(key, (long)number);
            }
            else
            {
                writer.Add(key, number);
            }

            foreach (TensorInfo tensor in file.Tensors)
            {
                writer.AddTensor(tensor);
            }

            writer.Save(At("claims.gguf"));
            string about = $"{key} = {number.ToString(CultureInfo.InvariantCulture)}";
            await Run(["inspect", At("claims.gguf"), "--activation", "relu"], about);
            await Run(["declare", At("claims.gguf"), "--activation", "relu"], about);
        }
    }

    private static async Task<int> Run(string[] args, string? about = null)
    {
        await using var output = new StringWriter();
        await using var error = new StringWriter();
        int code = await CommandLine.RunAsync(args, output, error);
        code.ShouldBeInRange(0, 1, about);
        error.ToString().ShouldNotContain(CommandLine.Unexpected, customMessage: about);
        ShouldBeHarmless(output.ToString(), longest: 100_000, about);
        ShouldBeHarmless(error.ToString(), longest: 8000, about);
        if (code != 0)
        {
            string last = error.ToString().Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries).Last();
            last.ShouldStartWith("sparseinfer: ", customMessage: about);
        }

        return code;
    }

    private static async Task<string> Fails(string[] args)
    {
        await using var output = new StringWriter();
        await using var error = new StringWriter();
        (await CommandLine.RunAsync(args, output, error)).ShouldBe(1);
        error.ToString().ShouldNotContain(CommandLine.Unexpected);
        error.ToString().TrimEnd().ShouldNotContain('\n');
        ShouldBeHarmless(error.ToString(), longest: 4000, about: null);
        return error.ToString();
    }

    private static void ShouldBeHarmless(string text, int longest, string? about)
    {
        text.Length.ShouldBeLessThan(longest, about);
        text.Where(c => char.GetUnicodeCategory(c) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator)
            .ShouldAllBe(c => c == '\n' || c == '\r', about);
        text.ShouldNotContain("red\r\n", customMessage: about);
    }

    private string WriteSparse(string name, long columns, long rows)
    {
        string path = At("sparse.gguf");
        using FileStream file = File.Create(path);
        using (var head = new BinaryWriter(file, System.Text.Encoding.UTF8, leaveOpen: true))
        {
            head.Write("GGUF"u8);
            head.Write(3u);
            head.Write(1UL);
            head.Write(0UL);
            head.Write((ulong)name.Length);
            head.Write(System.Text.Encoding.UTF8.GetBytes(name));
            head.Write(2u);
            head.Write((ulong)columns);
            head.Write((ulong)rows);
            head.Write(0u);
            head.Write(0UL);
        }

        file.SetLength(((file.Position + 31) & ~31L) + (4 * columns * rows));
        return path;
    }

    /// <summary>The bundled model with two rows a matrix, and down matrices of 32 neurons.</summary>
    private static byte[] Short()
    {
        using ModelFile file = ModelFile.Open(ToolProgram.Gguf);
        var writer = new GgufWriter();
        foreach (string key in file.Metadata.Keys)
        {
            writer.Copy(file.Metadata, key);
        }

        foreach (TensorInfo tensor in file.Tensors)
        {
            long[] shape = tensor.Shape.Count == 1 ? [tensor.Shape[0]] : [2, tensor.Shape[1]];
            long bytes = tensor.Shape.Count == 1 ? tensor.ByteLength : tensor.ByteLength / tensor.Shape[0] * 2;
            writer.AddTensor(tensor.Name, tensor.Type, shape, tensor.Bytes[..(int)bytes].ToArray());
        }

        using var stream = new MemoryStream();
        writer.WriteTo(stream);
        return stream.ToArray();
    }

    private string At(string name) => Path.Combine(_folder, name);
}
