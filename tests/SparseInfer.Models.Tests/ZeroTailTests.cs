using System.Text;
using Models;
using SparseInfer.Files;

namespace SparseInfer.Models.Tests;

/// <summary>Files that had their full size when their download was broken off: the rest is zeros.</summary>
public sealed class ZeroTailTests(LoadedModels models) : IDisposable
{
    private static readonly LoadOptions AllowZeros = new() { AllowZeroTail = true };

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Wherever_a_download_stopped_after_the_header_the_file_is_refused()
    {
        byte[] sound = TinyFiles.Gguf(WeightType.F16);
        string path = _folder.At("tiny.gguf");
        int header;
        long lastMatrix;
        File.WriteAllBytes(path, sound);
        using (ModelFile file = ModelFile.Open(path))
        {
            header = (int)file.Tensors[0].Offset;
            lastMatrix = file.Tensors[^2].Offset + file.Tensors[^2].ByteLength;
        }

        for (int step = 0; step < 40; step++)
        {
            int stop = header + (int)((lastMatrix - header) * step / 40);
            byte[] cut = [.. sound[..stop], .. new byte[sound.Length - stop]];
            File.WriteAllBytes(path, cut);
            string message = Refused(path);
            message.ShouldContain("output_norm.weight' is zero"); // the last that came not
            message.ShouldContain("its download looks unfinished");
            Tiny.Load(path, Device, AllowZeros).Dispose();
        }
    }

    [Theory]
    [InlineData("blk.1.ffn_up.weight", 0, "is zero, and so is all that follows in the file")]
    [InlineData("blk.1.ffn_up.weight", 1, "is zero from row 1 of 96 on")]
    [InlineData("blk.1.ffn_up.weight", 95, "is zero from row 95 of 96 on")]
    public void A_matrix_at_the_end_of_the_file_may_not_be_zero_in_whole_rows(string name, int fromRow, string problem)
    {
        string path = MatricesLast(name, fromRow);
        Refused(path).ShouldContain($"tensor '{name}' {problem}");
        Tiny.Load(path, Device, AllowZeros).Dispose();
    }

    [Fact]
    public void Zeros_before_the_end_are_weights_like_others()
    {
        byte[] file = TinyFiles.Gguf(WeightType.F16);
        Clear(file, "blk.0.ffn_gate.weight", 0);
        Clear(file, "blk.1.ffn_up.weight", 10); // a norm follows
        File.WriteAllBytes(_folder.At("tiny.gguf"), file);
        Tiny.Load(_folder.At("tiny.gguf"), Device).Dispose();
    }

    [Theory]
    [InlineData(WeightType.F16, 239, true)]
    [InlineData(WeightType.F16, 238, true)]
    [InlineData(WeightType.F16, 237, false)]
    [InlineData(WeightType.Q8_0, 239, true)]
    [InlineData(WeightType.Q8_0, 0, false)]
    public void A_vocabulary_may_be_padded_with_zero_rows_by_an_eighth(WeightType type, int fromRow, bool fits)
    {
        byte[] file = TinyFiles.Safetensors(WeightType.F16);
        if (type == WeightType.F16)
        {
            file = EmbeddingLast(file, fromRow);
            File.WriteAllBytes(_folder.At("model.safetensors"), file);
            Judge(_folder.At("model.safetensors"), fits);
        }
        else
        {
            Judge(MatricesLast("token_embd.weight", fromRow, type), fits);
        }

        void Judge(string path, bool loads)
        {
            if (loads)
            {
                Tiny.Load(path, Device).Dispose();
            }
            else
            {
                Refused(path).ShouldContain("its download looks unfinished");
            }
        }
    }

    [Fact]
    public void The_shard_that_is_unfinished_is_named()
    {
        byte[] file = TinyFiles.Safetensors(WeightType.F16);
        byte[] second = Encoding.UTF8.GetBytes("""{"extra.weight": {"dtype": "F16", "shape": [4, 4], "data_offsets": [0, 32]}}""");
        File.WriteAllBytes(_folder.At("s1.safetensors"), file);
        File.WriteAllBytes(_folder.At("s2.safetensors"), [.. BitConverter.GetBytes((ulong)second.Length), .. second, .. new byte[32]]);
        string header = Encoding.UTF8.GetString(file, 8, (int)BitConverter.ToUInt64(file));
        string[] names = [.. System.Text.Json.JsonDocument.Parse(header).RootElement.EnumerateObject().Select(entry => entry.Name)];
        string map = string.Join(", ", names.Select(name => $"\"{name}\": \"s1.safetensors\""));
        File.WriteAllText(_folder.At("model.safetensors.index.json"), $$"""{"weight_map": { {{map}}, "extra.weight": "s2.safetensors" } }""");
        Refused(_folder.At("model.safetensors.index.json"))
            .ShouldContain("tensor 'extra.weight' is zero, and so is all that follows in s2.safetensors");

        // A tensor that the index does not name keeps no model from loading.
        File.WriteAllBytes(_folder.At("s2.safetensors"), [.. BitConverter.GetBytes((ulong)second.Length), .. second, .. Enumerable.Repeat<byte>(1, 32)]);
        File.WriteAllText(_folder.At("model.safetensors.index.json"), $$"""{"weight_map": { {{map}}, "extra.weight": "s2.safetensors" } }""");
        Refused(_folder.At("model.safetensors.index.json")).ShouldContain("tensor 'extra.weight' has no place in the declaration");
        byte[] more = Encoding.UTF8.GetBytes(header[..^1] + ", " + Encoding.UTF8.GetString(second)[1..]
            .Replace("[0, 32]", $"[{file.Length - 8 - header.Length}, {file.Length - 8 - header.Length + 32}]"));
        File.WriteAllBytes(
            _folder.At("s1.safetensors"),
            [.. BitConverter.GetBytes((ulong)more.Length), .. more, .. file[(8 + header.Length)..], .. Enumerable.Repeat<byte>(1, 32)]);
        File.WriteAllText(_folder.At("model.safetensors.index.json"), $$"""{"weight_map": { {{map}} } }""");
        using Tiny model = Tiny.Load(_folder.At("model.safetensors.index.json"), Device);
        model.LoadReport.Notes.ShouldContain("Tensor 'extra.weight' is in the shards, but not in the weight_map of the index.");
    }

    private CpuDevice Device => models.Device(threads: 1);

    private string Refused(string path) => Should.Throw<ModelFormatException>(() => Tiny.Load(path, Device).Dispose()).Message;

    private static void Clear(byte[] file, string name, int fromRow)
    {
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(path, file);
            using ModelFile opened = ModelFile.Open(path);
            opened.TryGetTensor(name, out TensorInfo? tensor).ShouldBeTrue();
            int rowBytes = (int)(tensor!.ByteLength / tensor.Shape[0]);
            file.AsSpan((int)tensor.Offset + (fromRow * rowBytes), (int)tensor.ByteLength - (fromRow * rowBytes)).Clear();
        }
        finally
        {
            File.Delete(path);
        }
    }

    /// <summary>The model with a matrix as the last tensor of its file, its rows from one on zero.</summary>
    private string MatricesLast(string name, int fromRow, WeightType type = WeightType.F16)
    {
        string source = _folder.At("source.gguf");
        File.WriteAllBytes(source, TinyFiles.Gguf(type));
        using ModelFile file = ModelFile.Open(source);
        file.TryGetTensor(name, out TensorInfo? tensor).ShouldBeTrue();
        byte[] bytes = tensor!.Bytes.ToArray();
        bytes.AsSpan((int)(tensor.ByteLength / tensor.Shape[0] * fromRow)).Clear();
        return new GgufCopy().Tensor(name, (_, _) => { })
            .Add(writer => writer.AddTensor(name, tensor.Type, [.. tensor.Shape], bytes))
            .Write(source, _folder.At("last.gguf"));
    }

    /// <summary>The safetensors model with the embedding at the end of the data, its rows from one on zero.</summary>
    private static byte[] EmbeddingLast(byte[] file, int fromRow)
    {
        int headerLength = (int)BitConverter.ToUInt64(file);
        string header = Encoding.UTF8.GetString(file, 8, headerLength);
        const int size = 272 * 64 * 2;
        byte[] embedding = file[(8 + headerLength)..(8 + headerLength + size)];
        embedding.AsSpan(fromRow * 64 * 2).Clear();
        byte[] rest = file[(8 + headerLength + size)..];
        string moved = System.Text.RegularExpressions.Regex.Replace(header, @"data_offsets"": \[(\d+), (\d+)\]", match =>
        {
            int begin = int.Parse(match.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture);
            int end = int.Parse(match.Groups[2].Value, System.Globalization.CultureInfo.InvariantCulture);
            return begin == 0 ? $"data_offsets\": [{rest.Length}, {rest.Length + size}]" : $"data_offsets\": [{begin - size}, {end - size}]";
        });
        byte[] bytes = Encoding.UTF8.GetBytes(moved);
        return [.. BitConverter.GetBytes((ulong)bytes.Length), .. bytes, .. rest, .. embedding];
    }
}
