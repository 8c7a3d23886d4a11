using SparseInfer.Files;

namespace SparseInfer.Models.Tests;

/// <summary>Copies a GGUF file with some keys and tensors changed.</summary>
internal sealed class GgufCopy
{
    private readonly Dictionary<string, Action<GgufWriter>> _keys = [];
    private readonly Dictionary<string, Action<GgufWriter, TensorInfo>> _tensors = [];
    private readonly List<Action<GgufWriter>> _added = [];

    /// <summary>Writes something else in a key's place.</summary>
    public GgufCopy Key(string key, Action<GgufWriter> write)
    {
        _keys.Add(key, write);
        return this;
    }

    /// <summary>Leaves a key out.</summary>
    public GgufCopy Without(string key) => Key(key, _ => { });

    /// <summary>Writes something else in a tensor's place.</summary>
    public GgufCopy Tensor(string name, Action<GgufWriter, TensorInfo> write)
    {
        _tensors.Add(name, write);
        return this;
    }

    /// <summary>Writes something else in a tensor's place, unless something is already.</summary>
    public GgufCopy TryTensor(string name, Action<GgufWriter, TensorInfo> write)
    {
        _tensors.TryAdd(name, write);
        return this;
    }

    /// <summary>Changes a tensor's bytes.</summary>
    public GgufCopy Bytes(string name, Action<byte[]> change) => Tensor(name, (writer, tensor) =>
    {
        byte[] bytes = tensor.Bytes.ToArray();
        change(bytes);
        writer.AddTensor(name, tensor.Type, [.. tensor.Shape], bytes);
    });

    /// <summary>Adds something at the end.</summary>
    public GgufCopy Add(Action<GgufWriter> write)
    {
        _added.Add(write);
        return this;
    }

    /// <summary>Writes the copy, and returns its path.</summary>
    public string Write(string source, string target)
    {
        using ModelFile file = ModelFile.Open(source);
        var writer = new GgufWriter();
        foreach (string key in file.Metadata.Keys)
        {
            if (_keys.TryGetValue(key, out Action<GgufWriter>? write))
            {
                write(writer);
            }
            else
            {
                writer.Copy(file.Metadata, key);
            }
        }

        foreach (TensorInfo tensor in file.Tensors)
        {
            if (_tensors.TryGetValue(tensor.Name, out Action<GgufWriter, TensorInfo>? write))
            {
                write(writer, tensor);
            }
            else
            {
                writer.AddTensor(tensor);
            }
        }

        _added.ForEach(write => write(writer));
        writer.Save(target);
        return target;
    }
}
