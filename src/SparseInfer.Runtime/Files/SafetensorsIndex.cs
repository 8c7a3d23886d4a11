using System.Text.Json;

namespace SparseInfer.Files;

/// <summary>The <c>*.safetensors.index.json</c> of a sharded model: which file holds which tensor.</summary>
internal sealed class SafetensorsIndex
{
    private const int MaximumFileBytes = 100_000_000;

    private readonly string _path;
    private readonly Dictionary<string, string> _shardOf = [];
    private readonly List<string> _shards = [];
    private readonly HashSet<string> _unlisted = [];

    private SafetensorsIndex(string path) => _path = path;

    /// <summary>The files' names, without a folder: they lie beside the index.</summary>
    public IReadOnlyList<string> Shards => _shards;

    /// <summary>The tensors that <see cref="Check"/> found in the shards although the index does not name them.</summary>
    public IReadOnlySet<string> Unlisted => _unlisted;

    /// <summary>What is odd, but does no harm.</summary>
    public IReadOnlyList<string> Notes { get; private set; } = [];

    /// <summary>Reads an index.</summary>
    public static SafetensorsIndex Read(FileRegion region)
    {
        var index = new SafetensorsIndex(region.Path);
        var reader = new Utf8JsonReader(JsonText.Whole(region, MaximumFileBytes), JsonText.Options);
        bool found = false;
        try
        {
            reader.Read();
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                if (!reader.ValueTextEquals("weight_map"u8))
                {
                    reader.Skip();
                    continue;
                }

                if (found)
                {
                    throw index.Error($"weight_map is there twice. {FileText.Mend}");
                }

                found = true;
                index.ReadMap(ref reader);
            }

            reader.Read(); // throws where something follows the object
        }
        catch (JsonException e)
        {
            throw index.Error($"this is not valid JSON at line {e.LineNumber + 1}, byte {e.BytePositionInLine}. {FileText.Mend}");
        }

        if (!found)
        {
            throw index.Error("this JSON file is no index of a sharded model: it has no weight_map. Name the model's folder, or its "
                + "*.safetensors or *.gguf file.");
        }

        return index;
    }

    /// <summary>Checks that the shards hold what the index says, where it says. They may hold more.</summary>
    /// <param name="table">The tensors of all shards.</param>
    public void Check(TensorTable table)
    {
        foreach (var tensor in table.Tensors)
        {
            string holder = Path.GetFileName(tensor.File);
            if (!_shardOf.TryGetValue(tensor.Name, out string? shard))
            {
                _unlisted.Add(tensor.Name);
            }
            else if (shard != holder)
            {
                throw Error($"tensor {FileText.Quote(tensor.Name)} is in {FileText.Show(holder)}, but the weight_map says "
                    + $"{FileText.Show(shard)}. {FileText.Mend}");
            }
        }

        if (table.Tensors.Count - _unlisted.Count != _shardOf.Count)
        {
            var (name, named) = _shardOf.First(pair => !table.TryGet(pair.Key, out _));
            throw Error($"tensor {FileText.Quote(name)} is not in {FileText.Show(named)}, where the weight_map says it is. {FileText.Mend}");
        }

        if (_unlisted.Count > 0)
        {
            string first = table.Tensors.First(tensor => _unlisted.Contains(tensor.Name)).Name;
            string more = _unlisted.Count > 1 ? $", and {_unlisted.Count - 1} more," : "";
            Notes = [$"Tensor {FileText.Quote(first)}{more} is in the shards, but not in the weight_map of the index."];
        }
    }

    /// <summary>An error about the index.</summary>
    public ModelFormatException Error(string fault) => new(_path, fault);

    private void ReadMap(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            throw Error($"weight_map is no object. {FileText.Mend}");
        }

        var names = new Dictionary<string, string>();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (!JsonText.TryRead(ref reader, out string? tensor))
            {
                throw Error($"weight_map has a name that is not valid Unicode near byte {reader.BytesConsumed}. {FileText.Mend}");
            }

            reader.Read();
            if (reader.TokenType != JsonTokenType.String || !JsonText.TryRead(ref reader, out string? shard))
            {
                throw Error($"tensor {FileText.Quote(tensor)} has no file name in the weight_map. {FileText.Mend}");
            }

            if (!IsPlainName(shard))
            {
                throw Error($"tensor {FileText.Quote(tensor)} is said to be in {FileText.Quote(shard)}, which is no plain file name: "
                    + "shards lie beside their index. Do not trust this model.");
            }

            // One string a shard, however many tensors name it.
            if (names.TryAdd(shard, shard))
            {
                _shards.Add(shard);
            }

            if (_shardOf.Count == TensorTable.MaximumCount || !_shardOf.TryAdd(tensor, names[shard]))
            {
                throw Error($"tensor {FileText.Quote(tensor)} is in the weight_map twice, or it has more than {TensorTable.MaximumCount} "
                    + $"entries. {FileText.Mend}");
            }
        }
    }

    /// <summary>
    /// Whether a name stays in its folder on every system (no separators, drives, streams or dots alone) and shows as what it is.
    /// </summary>
    private static bool IsPlainName(string name) =>
        name.Length is > 0 and <= 255 && name is not ("." or "..") && !name.AsSpan().ContainsAny("/\\:") && FileText.IsPlain(name);
}
