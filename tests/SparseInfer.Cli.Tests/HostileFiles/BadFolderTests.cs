using System.Text.Json.Nodes;
using SparseInfer.Cli.Tests.Convert;
using SparseInfer.Cli.Tests.Metadata;

namespace SparseInfer.Cli.Tests.HostileFiles;

/// <summary>Folders that are no whole model: every command that takes one says on one line what to change, and nothing is written.</summary>
public sealed class BadFolderTests : IDisposable
{
    private const string Down = "model.layers.0.mlp.down_proj.weight";

    private static readonly Dictionary<string, Action<TinyFolder>> Faults = new()
    {
        ["shard missing"] = folder => File.Delete(folder.At(TinyFolder.Shard(2))),
        ["shard empty"] = folder => File.WriteAllBytes(folder.At(TinyFolder.Shard(2)), []),
        ["shard cut"] = folder => Cut(folder.At(TinyFolder.Shard(2)), 100),
        ["shard cut in its header"] = folder => File.WriteAllBytes(folder.At(TinyFolder.Shard(2)), File.ReadAllBytes(folder.At(TinyFolder.Shard(2)))[..200]),
        ["shard twice"] = folder => File.Copy(folder.At(TinyFolder.Shard(1)), folder.At(TinyFolder.Shard(2)), overwrite: true),
        ["shard is a pointer"] = folder => File.WriteAllText(folder.At(TinyFolder.Shard(1)), "version https://git-lfs.github.com/spec/v1\n"),
        ["index names a tensor that no shard has"] = folder => Map(folder, map => map["model.layers.9.mlp.up_proj.weight"] = TinyFolder.Shard(1)),
        ["index names the other shard"] = folder => Map(folder, map => map["lm_head.weight"] = map["lm_head.weight"]!.GetValue<string>() == TinyFolder.Shard(1) ? TinyFolder.Shard(2) : TinyFolder.Shard(1)),
        ["index leads out of the folder"] = folder => Map(folder, map => map[Down] = "../" + TinyFolder.Shard(1)),
        ["index names an absolute path"] = folder => Map(folder, map => map[Down] = "/etc/passwd"),
        ["index names dots"] = folder => Map(folder, map => map[Down] = ".."),
        ["index cut"] = folder => Cut(folder.At(TinyFolder.Index), 10),
        ["index twice"] = folder => File.Copy(folder.At(TinyFolder.Index), folder.At("other.safetensors.index.json")),
        ["no config"] = folder => File.Delete(folder.At("config.json")),
        ["config without architecture"] = folder => folder.Edit("config.json", config => { config.Remove("architectures"); config.Remove("model_type"); }),
        ["config of another architecture"] = folder => folder.Edit("config.json", config => config["model_type"] = "mamba"),
        ["config is no JSON"] = folder => File.WriteAllText(folder.At("config.json"), "{ \"model_type\": "),
        ["config is a list"] = folder => File.WriteAllText(folder.At("config.json"), "[]"),
        ["config with an unknown key"] = folder => folder.Edit("config.json", config => config["my_scale"] = 3),
        ["config with too many layers"] = folder => folder.Edit("config.json", config => config["num_hidden_layers"] = 2_000_000_000),
        ["config with too few layers"] = folder => folder.Edit("config.json", config => config["num_hidden_layers"] = 1),
        ["config with half a head"] = folder => folder.Edit("config.json", config => config["num_attention_heads"] = 3),
        ["config with huge heads"] = folder => folder.Edit("config.json", config => config["head_dim"] = 1e300),
        ["config with a negative size"] = folder => folder.Edit("config.json", config => config["vocab_size"] = -40),
    };

    private readonly string _root = Directory.CreateTempSubdirectory("sparseinfer-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Theory]
    [InlineData("shard missing", "names the shard 'model-00002-of-00002.safetensors', which is not there. Download it as well.")]
    [InlineData("shard empty", "the file is empty")]
    [InlineData("shard cut", "download or convert it again")]
    [InlineData("shard cut in its header", "download or convert it again")]
    [InlineData("shard twice", "is also in")]
    [InlineData("shard is a pointer", "")]
    [InlineData("index names a tensor that no shard has", "'model.layers.9.mlp.up_proj.weight' is not in model-00001-of-00002.safetensors, where the weight_map says it is")]
    [InlineData("index names the other shard", "but the weight_map says")]
    [InlineData("index leads out of the folder", "which is no plain file name: shards lie beside their index")]
    [InlineData("index names an absolute path", "which is no plain file name: shards lie beside their index")]
    [InlineData("index names dots", "which is no plain file name: shards lie beside their index")]
    [InlineData("index cut", "this is not valid JSON")]
    [InlineData("index twice", "Name the one to open")]
    [InlineData("no config", "config.json")]
    [InlineData("config without architecture", "neither 'model_type' nor 'architectures'", "give --architecture llama")]
    [InlineData("config of another architecture", "architecture mamba is not supported: it is recurrent")]
    [InlineData("config is no JSON", "this is not valid JSON")]
    [InlineData("config is a list", "a JSON object was expected")]
    [InlineData("config with an unknown key", "'my_scale' is 3", "name it in --ignore-metadata")]
    public async Task Every_command_says_what_is_wrong(string fault, params string[] expected)
    {
        TinyFolder folder = Broken(fault);
        foreach (string[] args in new[]
        {
            ["convert", folder.Root, At("out.gguf")], ["inspect", folder.Root, "--activation", "relu"],
            (string[])["declare", folder.Root, "--activation", "relu"],
        })
        {
            string error = await Fails(args);
            expected.ShouldAllBe(part => error.Contains(part), error);
        }

        Directory.GetFileSystemEntries(_root).ShouldHaveSingleItem();
    }

    [Theory]
    [InlineData("config with too many layers", "'num_hidden_layers' is 2000000000, but there is no tensor 'model.layers.2.mlp.down_proj.weight'")]
    [InlineData("config with too few layers", "'model.layers.1.", "has no place in a model of architecture llama with 1 layers")]
    [InlineData("config with half a head", "whose rows are no heads of")]
    [InlineData("config with huge heads", "head_dim")]
    [InlineData("config with a negative size", "'vocab_size' is -40, which is no size")]
    public async Task A_config_that_is_not_that_of_the_weights_is_refused(string fault, params string[] expected)
    {
        string error = await Fails(["convert", Broken(fault).Root, At("out.gguf")]);
        expected.ShouldAllBe(part => error.Contains(part), error);
    }

    [Fact]
    public async Task A_folder_without_a_tokenizer_is_prepared_on_request()
    {
        TinyFolder folder = TinyFolder.Write(TinyModels.Llama, At("folder"));
        File.Delete(folder.At("tokenizer.json"));
        (await Fails(["convert", folder.Root, At("out.gguf")])).ShouldContain(
            "there is no tokenizer.json or tokenizer.model beside the weights: put the model's own there, or give --no-tokenizer");
        await Fails(["convert", folder.Root, At("out.gguf"), "--no-tokenizer"], code: 0);
        (await Fails(["convert", At("out.gguf"), At("again.gguf"), "--no-tokenizer"])).ShouldContain("--no-tokenizer is for those alone");
        (await Fails(["convert", At("out.gguf"), At("again.gguf"), "--architecture", "llama"])).ShouldContain("--architecture is for those alone");
    }

    [Fact]
    public async Task What_overrides_a_config_is_heeded()
    {
        TinyFolder folder = Broken("config with an unknown key");
        folder.Edit("config.json", config => { config.Remove("architectures"); config.Remove("model_type"); });
        string[] overrides = ["--architecture", "llama", "--ignore-metadata", "my_scale"];
        await Fails(["convert", folder.Root, At("out.gguf"), .. overrides], code: 0);
        await Fails(["inspect", folder.Root, "--activation", "relu", .. overrides], code: 0);
        (await Fails(["inspect", "--synthetic", "tinyllama-1.1b", "--architecture", "llama"])).ShouldContain("--architecture goes with MODEL only");
    }

    [Theory]
    [InlineData("config.json", "Name the model's folder")]
    [InlineData("tokenizer.json", "Name the model's folder")]
    [InlineData("nothing.safetensors", "There is no model at")]
    public async Task A_file_that_is_no_model_is_refused(string name, string expected)
    {
        TinyFolder folder = TinyFolder.Write(TinyModels.Llama, At("folder"));
        (await Fails(["convert", folder.At(name), At("out.gguf")])).ShouldContain(expected);
        (await Fails(["inspect", folder.At(name)])).ShouldContain(expected);
    }

    /// <summary>What the model is made of must not be replaced by it.</summary>
    [Fact]
    public async Task No_file_of_the_folder_is_written_over()
    {
        TinyFolder folder = TinyFolder.Write(TinyModels.Llama, At("folder"));
        foreach (string file in Directory.GetFiles(folder.Root))
        {
            byte[] before = File.ReadAllBytes(file);
            (await Fails(["convert", folder.Root, file, "--force"])).ShouldContain("is the source itself");
            File.ReadAllBytes(file).ShouldBe(before);
        }
    }

    [Fact]
    public async Task Damaged_folders_are_converted_or_give_one_line()
    {
        TinyFolder folder = TinyFolder.Write(TinyModels.Llama, At("folder"));
        string[] files = [.. new[] { "config.json", "tokenizer.json", TinyFolder.Index, TinyFolder.Shard(1), TinyFolder.Shard(2) }.Select(folder.At)];
        int converted = 0;
        for (int seed = 0; seed < 200; seed++)
        {
            var random = new Random(seed);
            string file = files[seed % files.Length];
            byte[] sound = File.ReadAllBytes(file);
            byte[] damaged = sound[..(seed % 7 == 0 ? random.Next(sound.Length) : sound.Length)];
            for (int i = 0; i < random.Next(1, 4) && damaged.Length > 0; i++)
            {
                damaged[random.Next(Math.Min(damaged.Length, 3000))] = seed % 3 == 0 ? (byte)random.Next(256) : (byte)"0123456789.-e\"{}[],:"[random.Next(20)];
            }

            File.WriteAllBytes(file, damaged);
            await using var output = new StringWriter();
            await using var error = new StringWriter();
            int code = await CommandLine.RunAsync(["convert", folder.Root, At("out.gguf"), "--force"], output, error);
            code.ShouldBeInRange(0, 1, $"seed {seed}");
            error.ToString().ShouldNotContain(CommandLine.Unexpected, customMessage: $"seed {seed}");
            converted += code == 0 ? 1 : 0;
            File.WriteAllBytes(file, sound);
        }

        converted.ShouldBeInRange(20, 180);
    }

    [Theory]
    [InlineData("alibi", true, "positions are ALiBi")]
    [InlineData("parallel_attn", false, "attention and feed-forward do not run in parallel")]
    [InlineData("num_ln_in_parallel_attn", 1, "its tensors have another number of norms")]
    [InlineData("bias", true, "whether there is a tensor 'model.layers.0.self_attn.query_key_value.bias' says otherwise")]
    [InlineData("multi_query", "yes", "must be true or false")]
    [InlineData("num_kv_heads", 4, "whose rows are not those of 4 queries, 4 keys")]
    [InlineData("num_kv_heads", 3, "whose rows are not those of 4 queries, 3 keys")]
    [InlineData("num_kv_heads", 0, "whose rows are not those of 4 queries, 0 keys")]
    [InlineData("num_kv_heads", -2, "'num_kv_heads' is -2, which is no size")]
    [InlineData("num_kv_heads", 1e300, "which is no size")]
    [InlineData("num_kv_heads", "two", "must be a number")]
    [InlineData("new_decoder_architecture", false, "whose rows are not those of 4 queries, 1 keys")]
    [InlineData("num_attention_heads", 2_000_000_000, "whose rows are not those of")]
    public async Task A_falcons_heads_are_those_of_its_config(string key, object value, string expected)
    {
        TinyFolder folder = TinyFolder.Write(TinyModels.Falcons["groups"], At("falcon"), (key, value));
        (await Fails(["convert", folder.Root, At("out.gguf")])).ShouldContain(expected);
        Directory.GetFileSystemEntries(_root).ShouldHaveSingleItem();
    }

    private TinyFolder Broken(string fault)
    {
        TinyFolder folder = TinyFolder.Write(TinyModels.Llama, At("folder"));
        Faults[fault](folder);
        return folder;
    }

    private static void Map(TinyFolder folder, Action<JsonObject> edit) => folder.Edit(TinyFolder.Index, index => edit(index["weight_map"]!.AsObject()));

    private static void Cut(string path, int bytes) => File.WriteAllBytes(path, File.ReadAllBytes(path)[..^bytes]);

    private static async Task<string> Fails(string[] args, int code = 1)
    {
        await using var output = new StringWriter();
        await using var error = new StringWriter();
        (await CommandLine.RunAsync(args, output, error)).ShouldBe(code, error.ToString());
        error.ToString().ShouldNotContain(CommandLine.Unexpected);
        if (code != 0)
        {
            error.ToString().TrimEnd().ShouldNotContain('\n');
        }

        return error.ToString();
    }

    private string At(string name) => Path.Combine(_root, name);
}
