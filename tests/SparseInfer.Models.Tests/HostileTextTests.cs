using System.Text;
using Models;
using SparseInfer.Files;

namespace SparseInfer.Models.Tests;

/// <summary>
/// Files with hostile text in every place that has text: every message and note that comes of them is short, and holds nothing that a
/// terminal obeys.
/// </summary>
public sealed class HostileTextTests(LoadedModels models) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> TextKeys =>
    [
        "general.architecture", "general.name", "llama.feed_forward.activation", "llama.rope.scaling.type", "tokenizer.ggml.model",
        PreparedTensors.LayoutKey, "llama.attention.head_count", "tokenizer.ggml.tokens", "tokenizer.ggml.bos_token_id", "split.count",
        "general.alignment", "general.file_type", "llama.vocab_size",
    ];

    public static TheoryData<string> Tensors =>
        ["token_embd.weight", "blk.0.attn_norm.weight", "blk.1.attn_q.weight", "blk.0.ffn_gate.weight", "blk.1.ffn_down.weight", "output_norm.weight"];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(TextKeys))]
    public void A_value_of_any_key_may_be_hostile(string key)
    {
        foreach (string text in new[] { HostileText.Short, HostileText.Long, new string('y', 1 << 20) })
        {
            string path = Copy(copy => copy.Without(key).Add(writer => Write(writer, key, text)));
            LoadAndPrepare(path);
        }

        static void Write(GgufWriter writer, string key, string text)
        {
            if (key == "general.alignment")
            {
                writer.Add("general.alignment.text", text); // the writer itself refuses the key
            }
            else if (key == "tokenizer.ggml.tokens")
            {
                writer.Add(key, (string[])[text, text, .. Enumerable.Repeat("z", 270)]);
            }
            else
            {
                writer.Add(key, text);
            }
        }
    }

    [Fact]
    public void The_files_architecture_may_be_hostile_where_another_is_asked_for()
    {
        foreach (string text in new[] { HostileText.Short, HostileText.Long, new string('y', 1 << 20) })
        {
            string path = Copy(copy => copy.Without("general.architecture").Add(writer => writer.Add("general.architecture", text)));
            var options = new LoadOptions { Architecture = "llama" };
            string message = Should.Throw<ModelFormatException>(() => Tiny.Load(path, Device, options)).Message;
            message.ShouldContain(text == HostileText.Short ? "with keys '" : "'general.architecture' is a text of ");
            HostileText.ShouldBeHarmless(message);
            using ModelFile source = ModelFile.Open(Write(null));
            var keys = new GgufWriter();
            keys.Add("general.architecture", text);
            keys.Add("llama.block_count", 2u);
            HostileText.ShouldBeHarmless(Should.Throw<ModelFormatException>(
                () => Tiny.Load(ModelFile.FromMemory("copy", keys.ToMetadata("copy"), MemoryCopy.Tensors(source)), Device, options)).Message);
        }
    }

    [Fact]
    public void The_name_of_a_key_may_be_hostile()
    {
        foreach (string prefix in new[] { "", "llama.", "general.", "tokenizer.ggml." })
        {
            LoadAndPrepare(Copy(copy => copy.Add(writer => writer.Add(prefix + HostileText.Long, 1u))));
            LoadAndPrepare(Copy(copy => copy.Add(writer =>
            {
                for (int i = 0; i < 300; i++)
                {
                    writer.Add($"{prefix}{HostileText.Short}{i}", HostileText.Short);
                }
            })));
        }
    }

    [Theory]
    [MemberData(nameof(Tensors))]
    public void The_name_of_a_tensor_may_be_hostile(string name)
    {
        foreach (string hostile in new[] { HostileText.Long, HostileText.Short + name, name + HostileText.Short })
        {
            LoadAndPrepare(Write(_ => stored => stored == name ? hostile : stored));
        }
    }

    [Fact]
    public void All_names_of_tensors_may_be_hostile() => LoadAndPrepare(Write(_ => name => HostileText.Short + name + HostileText.Long));

    [Fact]
    public void Names_that_are_allowed_to_be_unused_are_harmless_in_notes()
    {
        string path = Copy(copy => copy.Add(writer =>
        {
            for (int i = 0; i < 100; i++)
            {
                writer.AddTensor($"{HostileText.Long}{i}", TensorType.Of(WeightType.F32), [1], new byte[4]);
            }
        }));
        using Tiny model = Tiny.Load(path, Device, new LoadOptions { AllowUnusedTensors = true });
        model.LoadReport.Notes.ShouldContain(note => note.Contains("Unused"));
        model.LoadReport.Notes.ToList().ForEach(note => HostileText.ShouldBeHarmless(note));
    }

    [Fact]
    public void Texts_of_tokens_are_harmless_in_notes()
    {
        string[] tokens;
        using (ModelFile file = ModelFile.Open(Write(null)))
        {
            file.Metadata.TryGetStringArray("tokenizer.ggml.tokens", out string[]? stored).ShouldBeTrue();
            tokens = stored!;
        }

        (tokens[^1], tokens[^2], tokens[^3]) = (HostileText.Long, HostileText.Long, "");
        string path = Copy(copy => copy.Key("tokenizer.ggml.tokens", writer => writer.Add("tokenizer.ggml.tokens", tokens)));
        using Tiny model = Tiny.Load(path, Device);
        model.LoadReport.Notes.Count.ShouldBe(2);
        model.LoadReport.Notes.ToList().ForEach(note => HostileText.ShouldBeHarmless(note));
    }

    [Fact]
    public void A_config_and_a_header_of_json_may_be_hostile()
    {
        string hostile = System.Text.Json.JsonEncodedText.Encode(HostileText.Short + new string('x', 200)).ToString();
        byte[] sound = TinyFiles.Safetensors(WeightType.F16);
        string header = Encoding.UTF8.GetString(sound, 8, (int)BitConverter.ToUInt64(sound));
        byte[] data = sound[(8 + header.Length)..];
        foreach (string config in new[]
        {
            $$"""{"model_type": "{{hostile}}", "architectures": ["{{hostile}}"]}""",
            $$"""{"model_type": "llama", "hidden_act": "{{hostile}}", "{{hostile}}": 1, "rope_scaling": {"type": "{{hostile}}"} }""",
            $$"""{"model_type": "llama", "hidden_size": "{{hostile}}", "dtype": "{{hostile}}"}""",
        })
        {
            File.WriteAllText(_folder.At("config.json"), config);
            foreach (string changed in new[]
            {
                header,
                header.Replace("model.norm.weight", hostile),
                header.Replace("\"F16\"", $"\"{hostile}\""),
                header.Replace("\"dtype\"", $"\"{hostile}\": [1], \"dtype\""),
                header.Replace("model.", hostile),
            })
            {
                byte[] bytes = Encoding.UTF8.GetBytes(changed);
                File.WriteAllBytes(_folder.At("model.safetensors"), [.. BitConverter.GetBytes((ulong)bytes.Length), .. bytes, .. data]);
                Attempt(() => Tiny.Load(_folder.At("model.safetensors"), Device));
            }
        }
    }

    [Fact]
    public void Numbers_of_a_config_that_are_not_finite_matter_where_the_key_does()
    {
        File.WriteAllBytes(_folder.At("model.safetensors"), TinyFiles.Safetensors(WeightType.F16));
        File.WriteAllText(_folder.At("config.json"), """{"model_type": "llama", "rms_norm_eps": 1e-5, "initializer_range": NaN, "attention_dropout": -Infinity}""");
        Tiny.Load(_folder.At("model.safetensors"), Device).Dispose();
        foreach (string key in new[] { "rope_theta", "rms_norm_eps", "hidden_size", "num_hidden_layers", "num_attention_heads" })
        {
            foreach (string number in new[] { "NaN", "Infinity", "-Infinity" })
            {
                File.WriteAllText(_folder.At("config.json"), $$"""{"model_type": "llama", "{{key}}": {{number}} }""");
                Should.Throw<ModelFormatException>(() => Tiny.Load(_folder.At("model.safetensors"), Device).Dispose()).Message.ShouldContain(key);
            }
        }
    }

    [Fact]
    public void An_index_may_be_hostile()
    {
        string hostile = System.Text.Json.JsonEncodedText.Encode(HostileText.Long).ToString();
        File.WriteAllBytes(_folder.At("s.safetensors"), TinyFiles.Safetensors(WeightType.F16));
        foreach (string map in new[]
        {
            $$"""{"{{hostile}}": "s.safetensors"}""", $$"""{"model.norm.weight": "{{hostile}}"}""", $$"""{"a": "\u202etxt.s"}""",
            $$"""{"{{hostile}}": "s.safetensors", "{{hostile}}": "s.safetensors"}""", $$"""{"{{hostile}}": 1}""", "{}",
        })
        {
            File.WriteAllText(_folder.At("model.safetensors.index.json"), $$"""{"weight_map": {{map}}, "{{hostile}}": "{{hostile}}"}""");
            Attempt(() => Tiny.Load(_folder.At("model.safetensors.index.json"), Device));
        }
    }

    private CpuDevice Device => models.Device(threads: 1);

    private string Write(Func<GgufWriter, Func<string, string>>? change)
    {
        File.WriteAllBytes(_folder.At("tiny.gguf"), TinyFiles.Gguf(WeightType.F16, change));
        return _folder.At("tiny.gguf");
    }

    private string Copy(Action<GgufCopy> change)
    {
        var copy = new GgufCopy();
        change(copy);
        return copy.Write(Write(null), _folder.At("changed.gguf"));
    }

    private void LoadAndPrepare(string path)
    {
        Attempt(() => Tiny.Load(path, Device));
        Attempt(() => Tiny.Load(path, Device, new LoadOptions { TokenizerPath = path }));
        Attempt(() =>
        {
            using ModelFile file = ModelFile.Open(path);
            foreach (TensorInfo tensor in file.Tensors)
            {
                HostileText.ShouldBeHarmless(tensor.ToString());
            }

            ModelPreparation.Write(file, _folder.At("prepared.gguf"), new PreparationOptions { Overwrite = true });
            return null;
        });
    }

    private static void Attempt(Func<LanguageModel?> load)
    {
        try
        {
            using LanguageModel? model = load();
            if (model is null)
            {
                return;
            }

            foreach (string note in model.LoadReport.Notes)
            {
                HostileText.ShouldBeHarmless(note);
            }

            if (!model.HasTokenizer)
            {
                HostileText.ShouldBeHarmless(Should.Throw<InvalidOperationException>(() => model.Tokenizer).Message);
            }
        }
        catch (ModelFormatException error)
        {
            HostileText.ShouldBeHarmless(error.Message);
        }
    }
}
