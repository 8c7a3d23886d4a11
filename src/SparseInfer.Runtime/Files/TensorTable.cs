using System.Diagnostics.CodeAnalysis;

namespace SparseInfer.Files;

/// <summary>A model's tensors, in the file's order and by name.</summary>
internal sealed class TensorTable
{
    /// <summary>
    /// The most tensors that are listed. The largest mixture-of-experts models, with every expert's scales a tensor of their own, have
    /// about 200,000. It bounds the time and memory that the table of a hostile file can cost.
    /// </summary>
    public const int MaximumCount = 1 << 18;

    private readonly List<TensorInfo> _tensors = [];
    private readonly Dictionary<string, TensorInfo> _byName = [];

    public IReadOnlyList<TensorInfo> Tensors => _tensors;

    /// <summary>Adds a tensor; its name must be new.</summary>
    /// <exception cref="ModelFormatException">The name is taken.</exception>
    public void Add(TensorInfo tensor)
    {
        if (!_byName.TryAdd(tensor.Name, tensor))
        {
            string other = _byName[tensor.Name].File;
            string where = other == tensor.File ? "is listed twice" : $"is also in {other}";
            throw new ModelFormatException(tensor.File, $"tensor {FileText.Quote(tensor.Name)} {where}. {FileText.Mend}");
        }

        _tensors.Add(tensor);
    }

    public bool TryGet(string name, [NotNullWhen(true)] out TensorInfo? tensor) => _byName.TryGetValue(name, out tensor);
}
