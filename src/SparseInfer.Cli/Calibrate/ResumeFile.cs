using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;

namespace SparseInfer.Cli.Calibrate;

/// <summary>
/// What an interrupted calibration had finished: windows that were looked at, and perplexities that were measured. Records are written whole, one after the
/// other; what an end in the middle of one left is not read, and written over.
/// </summary>
internal sealed class ResumeFile : IDisposable
{
    private const string Magic = "sparseinfer calibrate 2\n";
    private const int OfWindow = 1;
    private const int OfProbe = 2;

    private readonly FileStream _stream;
    private readonly Dictionary<int, TokenSample[][]> _windows = [];
    private readonly Dictionary<int, double> _probes = [];

    private ResumeFile(FileStream stream) => _stream = stream;

    /// <summary>Where it is: beside the profile that it will become.</summary>
    public static string PathOf(string output) => Path.GetFullPath(output) + ".resume";

    /// <summary>Opens what an earlier call left, or begins.</summary>
    /// <param name="output">The profile.</param>
    /// <param name="arguments">What has to be the same: anything else begins anew.</param>
    public static ResumeFile Open(string output, string arguments)
    {
        var file = new ResumeFile(new FileStream(PathOf(output), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        byte[] head = Encoding.UTF8.GetBytes(Magic + arguments + "\n");
        try
        {
            byte[] found = new byte[head.Length];
            if (file._stream.ReadAtLeast(found, head.Length, throwOnEndOfStream: false) < head.Length || !found.AsSpan().SequenceEqual(head))
            {
                file._stream.SetLength(0);
                file._stream.Write(head);
                file._stream.Flush();
            }

            file.ReadRecords();
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>What has to be the same beside arguments: the tool, the model, and what is read beside it. A file is the same where its size and time are.</summary>
    /// <param name="model">The model's file or folder.</param>
    /// <param name="predictor">Another file; null: there is none.</param>
    public static IEnumerable<string> Circumstances(string model, string? predictor = null)
    {
        string path = Path.GetFullPath(model);
        string folder = Directory.Exists(path) ? path : Path.GetDirectoryName(path)!;
        IEnumerable<string> beside = new[] { "config.json", "tokenizer.json", "tokenizer_config.json" }.Select(name => Path.Combine(folder, name));
        string tool = typeof(ResumeFile).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "";
        string[] files = [path, .. beside, .. predictor is null ? [] : new[] { Path.GetFullPath(predictor) }];
        return [tool, path, predictor ?? "", .. files.Select(name => new FileInfo(name)).Select(file => file.Exists ? $"{file.Length} {file.LastWriteTimeUtc.Ticks}" : "")];
    }

    /// <summary>Windows that an earlier call looked at.</summary>
    public int Windows => _windows.Count;

    /// <summary>What was seen in a window; null: nothing yet.</summary>
    public TokenSample[][]? Window(int index) => _windows.GetValueOrDefault(index);

    /// <summary>A perplexity that was measured; null: not yet.</summary>
    public double? Probe(int index) => _probes.TryGetValue(index, out double perplexity) ? perplexity : null;

    /// <summary>Keeps what was seen in a window.</summary>
    public void Add(int window, IReadOnlyList<TokenSample[]> samples)
    {
        using var record = new MemoryStream();
        using (var writer = new BinaryWriter(record, Encoding.UTF8, leaveOpen: true))
        {
            writer.Write(samples.Count);
            foreach (TokenSample[] layer in samples)
            {
                writer.Write(layer.Length);
                foreach (TokenSample sample in layer)
                {
                    writer.Write(sample.ResidualNorm);
                    Write<float>(writer, sample.Input);
                    Write<float>(writer, sample.Neurons);
                    Write<int>(writer, sample.Experts);
                    Write<float>(writer, sample.Weights);
                }
            }
        }

        _windows[window] = [.. samples];
        Append(OfWindow, window, record.ToArray());
    }

    /// <summary>Keeps a perplexity.</summary>
    public void Add(int probe, double perplexity)
    {
        _probes[probe] = perplexity;
        Append(OfProbe, probe, BitConverter.GetBytes(perplexity));
    }

    /// <summary>The profile is there: nothing is left to go on from.</summary>
    public void Delete()
    {
        Dispose();
        File.Delete(_stream.Name);
    }

    /// <inheritdoc/>
    public void Dispose() => _stream.Dispose();

    private static void Write<T>(BinaryWriter writer, T[] values)
        where T : unmanaged
    {
        writer.Write(values.Length);
        writer.Write(MemoryMarshal.AsBytes<T>(values));
    }

    private static T[] Read<T>(BinaryReader reader)
        where T : unmanaged
    {
        T[] values = new T[reader.ReadInt32()];
        reader.BaseStream.ReadExactly(MemoryMarshal.AsBytes(values.AsSpan()));
        return values;
    }

    private void Append(int kind, int index, byte[] payload)
    {
        using var writer = new BinaryWriter(_stream, Encoding.UTF8, leaveOpen: true);
        writer.Write(kind);
        writer.Write(index);
        writer.Write(payload.Length);
        writer.Write(payload);
        writer.Write(~payload.Length);
        writer.Flush();
    }

    private void ReadRecords()
    {
        using var reader = new BinaryReader(_stream, Encoding.UTF8, leaveOpen: true);
        long whole = _stream.Position;
        while (_stream.Length - whole >= 4 * sizeof(int))
        {
            (int kind, int index, int length) = (reader.ReadInt32(), reader.ReadInt32(), reader.ReadInt32());
            if (length < 0 || _stream.Length - _stream.Position < (long)length + sizeof(int))
            {
                break;
            }

            byte[] payload = reader.ReadBytes(length);
            if (reader.ReadInt32() != ~length)
            {
                break;
            }

            whole = _stream.Position;
            if (kind == OfProbe)
            {
                _probes[index] = BitConverter.ToDouble(payload);
                continue;
            }

            using var record = new BinaryReader(new MemoryStream(payload));
            var layers = new TokenSample[record.ReadInt32()][];
            for (int layer = 0; layer < layers.Length; layer++)
            {
                layers[layer] = new TokenSample[record.ReadInt32()];
                for (int token = 0; token < layers[layer].Length; token++)
                {
                    float norm = record.ReadSingle();
                    layers[layer][token] = new(Read<float>(record), Read<float>(record), norm) { Experts = Read<int>(record), Weights = Read<float>(record) };
                }
            }

            _windows[index] = layers;
        }

        _stream.SetLength(whole);
        _stream.Position = whole;
    }
}
