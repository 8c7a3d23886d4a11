using SparseInfer.Files;

namespace SparseInfer.Cli.Tests.Convert;

/// <summary>A model that takes long enough to convert for a signal to come in time: 256 MiB of zeros.</summary>
public sealed class LargeModel : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("sparseinfer-large-");

    public LargeModel()
    {
        Gguf = Path.Combine(_folder.FullName, "large.gguf");
        var writer = new GgufWriter();
        writer.AddTensor("blk.0.ffn_down.weight", TensorType.Of(WeightType.F16), [4096, 32768], stream =>
        {
            byte[] zeros = new byte[1 << 20];
            for (int i = 0; i < 256; i++)
            {
                stream.Write(zeros);
            }
        });
        writer.Save(Gguf);
    }

    public string Gguf { get; }

    public void Dispose() => _folder.Delete(recursive: true);
}
