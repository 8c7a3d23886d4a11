using SparseInfer.Files;
using SparseInfer.Runtime;

namespace SparseInfer.Loading;

/// <content>What a prepared file has ready: <see cref="PreparedTensors"/>.</content>
internal sealed partial class TensorCheck
{
    /// <summary>The neuron-major form of a down matrix, where the file has it; of experts, all of theirs.</summary>
    private TensorInfo? FindPrepared(DeclaredTensor wanted, int layer)
    {
        string name = NameOf(wanted, layer);
        string? down = wanted.Experts > 0 ? PreparedTensors.ExpertsDownName(name)
            : PreparedTensors.TryGetDownName(name, out string? own) ? own : null;
        return _file.Format == ModelFileFormat.Gguf && down is not null && _file.TryGetTensor(down, out TensorInfo? tensor) ? tensor : null;
    }

    private FoundTensor? PreparedDown(DeclaredDown wanted, int layer, int expert, TensorInfo tensor, WeightType[] types)
    {
        string name = NameOf(wanted, layer);
        _used.Add(tensor.Name);
        if (wanted.Experts > 0)
        {
            if (tensor.Shape.Count < 3 || tensor.Shape[0] != wanted.Experts)
            {
                _problems.Add($"tensor {FileText.Quote(tensor.Name)} is {FileText.Shape(tensor.Shape)}, but {wanted.Experts} experts ({DeclaredTensor.ExpertsText}) are declared");
                return null;
            }

            tensor = PartsOf(tensor)[expert];
        }

        if (_file.TryGetTensor(name, out _) && !_options.AllowUnusedTensors)
        {
            _used.Add(name);
            _problems.Add($"tensor {FileText.Quote(name)} is there a second time, transposed, as {FileText.Quote(tensor.Name)}: leave one out, "
                + "or load with LoadOptions.AllowUnusedTensors to use the transposed");
        }

        if (PowerInferFiles.IsDownInRows(_file, tensor))
        {
            return DownInRows(wanted, tensor, types);
        }

        WeightType? blocks = PreparedTensors.BlockTypeOf(tensor);
        if ((blocks ?? tensor.Weight) is not { } stored || Target(stored, types, wanted.Intermediate, _options.ConvertWeights) is not { } target)
        {
            RefuseType(wanted, tensor, blocks ?? tensor.Weight, types, wanted.Intermediate, wanted.IntermediateText);
            return null;
        }

        if (blocks is null && TensorType.Of(stored).IsBlock)
        {
            _problems.Add($"tensor {FileText.Quote(tensor.Name)} is {stored} in blocks along the hidden width, "
                + $"which rounds otherwise than the model it was made from: prepare the file again from one with {FileText.Quote(name)}");
            return null;
        }

        long[] shape = PreparedTensors.DownShape(stored, wanted.Intermediate, wanted.Hidden);
        if (!tensor.Shape.SequenceEqual(shape))
        {
            _problems.Add($"tensor {FileText.Quote(tensor.Name)} is {FileText.Shape(tensor.Shape)}, "
                + $"but {FileText.Shape(shape)} ({wanted.IntermediateText} x {wanted.HiddenText}, {stored}) is declared");
            return null;
        }

        if (target != stored && TensorType.Of(target).IsBlock)
        {
            _problems.Add($"tensor {FileText.Quote(tensor.Name)} is {stored} and transposed already, which cannot be converted to {target}: "
                + $"load or prepare the file that has {FileText.Quote(name)}");
            return null;
        }

        return blocks is null || HasLayout(tensor) ? new FoundTensor(tensor, stored, target, IsPrepared: true) : null;
    }

    /// <summary>In blocks along the hidden width. The kernels' blocks run along neurons, so it is used in a type without blocks: F32 holds it exactly.</summary>
    private FoundTensor? DownInRows(DeclaredDown wanted, TensorInfo tensor, WeightType[] types)
    {
        WeightType stored = tensor.Weight!.Value;
        if (!tensor.Shape.SequenceEqual([wanted.Intermediate, wanted.Hidden]))
        {
            _problems.Add($"tensor {FileText.Quote(tensor.Name)} is {FileText.Shape(tensor.Shape)}, "
                + $"but [{wanted.Intermediate}, {wanted.Hidden}] ({wanted.IntermediateText} x {wanted.HiddenText}) is declared");
            return null;
        }

        WeightType? target = types.Contains(WeightType.F32) ? WeightType.F32
            : _options.ConvertWeights ? types.Where(type => !TensorType.Of(type).IsBlock).Select(type => (WeightType?)type).FirstOrDefault()
            : null;
        if (target is null)
        {
            _problems.Add($"tensor {FileText.Quote(tensor.Name)} is {stored} in blocks along the hidden width, which no kernel adds up: "
                + $"declare WeightType.F32 {(_mixesDown ? "beside the other types" : "alone")}, which holds it exactly");
            return null;
        }

        return new FoundTensor(tensor, stored, target.Value, IsPrepared: true, IsInRows: true);
    }

    /// <summary>A matrix's signs, where the file has them. Whether the model's policy wants them shows later.</summary>
    private TensorInfo? FindSigns(DeclaredMatrix wanted, int layer)
    {
        string name = NameOf(wanted, layer);
        if (_file.Format != ModelFileFormat.Gguf || wanted.Experts > 0 || !_file.TryGetTensor(PreparedTensors.SignsName(name), out TensorInfo? tensor))
        {
            return null;
        }

        _used.Add(tensor.Name);
        long[] shape = PreparedTensors.SignsShape(wanted.Rows, wanted.Columns);
        if (tensor.Type != PreparedTensors.SignsType || !tensor.Shape.SequenceEqual(shape))
        {
            _problems.Add($"tensor {FileText.Quote(tensor.Name)} is {tensor.Type} {FileText.Shape(tensor.Shape)}, "
                + $"but the signs of {FileText.Quote(name)} are {PreparedTensors.SignsType} {FileText.Shape(shape)}: prepare the file again");
            return null;
        }

        return HasLayout(tensor) ? tensor : null;
    }

    private bool HasLayout(TensorInfo tensor)
    {
        if (_file.Metadata.TryGetString(PreparedTensors.LayoutKey, out string? layout) && layout == PreparedTensors.Layout)
        {
            return true;
        }

        string found = layout is null ? "does not name" : $"says {FileText.Quote(layout)} for";
        _problems.Add($"'{PreparedTensors.LayoutKey}' {found} the layout of tensor {FileText.Quote(tensor.Name)}; "
            + $"'{PreparedTensors.Layout}' is read: prepare the file again");
        return false;
    }
}
