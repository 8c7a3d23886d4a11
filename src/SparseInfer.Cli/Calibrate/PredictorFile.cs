using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using SparseInfer.Cli.Calibrate.Svd;
using SparseInfer.Files;

namespace SparseInfer.Cli.Calibrate;

/// <summary>
/// What policies want of files, found by calibration: a safetensors file of F32, with the names that policies' pages have, for
/// <c>LoadOptions.PredictorFile</c>.
/// </summary>
internal sealed class PredictorFile
{
    private readonly List<(string Name, long[] Shape, float[] Values)> _tensors = [];

    /// <summary>Adds a layer's <c>[TruncatedSvdPredictor]</c>.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="predictor">Its matrices.</param>
    /// <param name="rank">Rows of the first.</param>
    /// <param name="expert">Which expert's; null: there are none.</param>
    public void Add(int layer, SvdPredictor predictor, int rank, int? expert = null)
    {
        string name = FeedForward(layer, expert) + "predictor.";
        _tensors.Add((name + "fc1.weight", [rank, predictor.First.Length / rank], predictor.First));
        _tensors.Add((name + "fc2.weight", [predictor.Bias.Length, rank], predictor.Second));
        _tensors.Add((name + "fc2.bias", [predictor.Bias.Length], predictor.Bias));
    }

    /// <summary>Adds a layer's thresholds of <c>[ActivationThreshold(PerNeuron = true)]</c>.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="thresholds">One for each neuron.</param>
    /// <param name="expert">Which expert's; null: there are none.</param>
    public void Add(int layer, float[] thresholds, int? expert = null) =>
        _tensors.Add((FeedForward(layer, expert) + "threshold.weight", [thresholds.Length], thresholds));

    private static string FeedForward(int layer, int? expert) => expert is { } number
        ? FormattableString.Invariant($"model.layers.{layer}.block_sparse_moe.experts.{number}.")
        : FormattableString.Invariant($"model.layers.{layer}.mlp.");

    /// <summary>Adds the matrices of <c>[VocabularyPredictor]</c>.</summary>
    /// <param name="first">[rank, hidden].</param>
    /// <param name="second">[vocabulary, rank].</param>
    /// <param name="rank">Rows of the first.</param>
    public void AddVocabulary(float[] first, float[] second, int rank)
    {
        _tensors.Add(("model.lm_head_profiler.fc1.weight", [rank, first.Length / rank], first));
        _tensors.Add(("model.lm_head_profiler.fc2.weight", [second.Length / rank, rank], second));
    }

    /// <summary>Writes the file, whole or not at all; one that is there is replaced.</summary>
    /// <exception cref="CliException">It cannot be written.</exception>
    public void Write(string path, CancellationToken cancellationToken = default)
    {
        byte[] header = Header();
        try
        {
            AtomicFile.Write(path, overwrite: true, stream =>
            {
                Span<byte> length = stackalloc byte[sizeof(long)];
                BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
                stream.Write(length);
                stream.Write(header);
                foreach ((_, _, float[] values) in _tensors)
                {
                    stream.Write(MemoryMarshal.AsBytes(values.AsSpan()));
                }
            }, cancellationToken);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new CliException($"--output: {exception.Message}");
        }
    }

    private byte[] Header()
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            long offset = 0;
            json.WriteStartObject();
            foreach ((string name, long[] shape, float[] values) in _tensors)
            {
                json.WriteStartObject(name);
                json.WriteString("dtype", "F32");
                WriteNumbers(json, "shape", shape);
                WriteNumbers(json, "data_offsets", [offset, offset += (long)values.Length * sizeof(float)]);
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        // Tensors begin at whole elements: spaces may follow.
        return [.. buffer.ToArray(), .. Encoding.ASCII.GetBytes(new string(' ', (int)(-buffer.Length & 7)))];
    }

    private static void WriteNumbers(Utf8JsonWriter json, string name, long[] numbers)
    {
        json.WriteStartArray(name);
        foreach (long number in numbers)
        {
            json.WriteNumberValue(number);
        }

        json.WriteEndArray();
    }
}
